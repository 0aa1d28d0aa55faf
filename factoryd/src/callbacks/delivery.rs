//! The deliveries of one callback: in order, until nothing is left or one fails.

use super::register::Register;
use super::schedule::{Outcome, PATIENCE, pause};
use super::service::Render;
use super::sign;
use crate::domain::{Event, EventKind, Image, LogLevel, LogLine, Notice, Secret, Status};
use crate::outbound::{Client, Location, Put};
use crate::store::{self, Callback, CallbackState, EventQuery, Store};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::{info, warn};

/// What deliveries are made with. Cheap to clone.
#[derive(Clone)]
pub(super) struct Courier {
    pub(super) store: Store,
    pub(super) client: Client,
    pub(super) register: Register,
    pub(super) secret: Option<Secret>,
    pub(super) render: Render,
}

impl Courier {
    /// Delivers what is due, and writes down how far that came.
    pub(super) async fn deliver(&self, mut callback: Callback) -> Result<(), store::Error> {
        let Some(image) = self.store.image(&callback.image).await? else { return Ok(()) };
        let mut image = image.as_asked_for();
        let mut query =
            EventQuery { images: vec![image.id.clone()], logs: false, ..EventQuery::default() };
        loop {
            let events = self.store.events(&query).await?;
            let Some(last) = events.last() else { return Ok(()) };
            query.after = last.cursor;
            for event in events {
                if let Err(error) = image.apply(&event) {
                    warn!(image = %image.id, cursor = event.cursor, %error, "an event does not follow");
                }
                let due = callback.delivered < event.cursor && is_change(&event);
                if due && !self.tell(&mut callback, &image, event.cursor).await? {
                    return Ok(());
                }
            }
        }
    }

    /// Tries one delivery. Answers whether the next one may follow.
    async fn tell(
        &self,
        callback: &mut Callback,
        image: &Image,
        cursor: u64,
    ) -> Result<bool, store::Error> {
        let outcome = self.put(callback, image, cursor).await;
        let now = SystemTime::now();
        let news = settle(callback, &outcome, image.status, cursor, now);
        self.store.update_callback(callback).await?;
        if callback.state != CallbackState::Active {
            self.register.forget(&callback.id);
        }
        if let Some(news) = news {
            self.store.append(&callback.image, vec![(now, news)]).await?;
        }
        Ok(outcome == Outcome::Delivered && callback.state == CallbackState::Active)
    }

    async fn put(&self, callback: &Callback, image: &Image, cursor: u64) -> Outcome {
        let location = match Location::parse(&callback.url) {
            Ok(location) => location,
            Err(error) => return Outcome::of(Err(error)),
        };
        let credentials = self.register.credentials(&callback.id, location.host());
        let lost = callback.credentials && credentials.is_none();
        let to = location.with_credentials(credentials);
        let body = (self.render)(image);
        let headers = self.headers(callback, cursor, &body);
        let outcome = Outcome::of(self.client.put(Put { to: &to, headers, body }).await);
        info!(image = %image.id, status = %image.status, cursor, to = %to, ?outcome, "callback");
        match outcome {
            Outcome::Failed { why, slow, retry_after } if lost => {
                let why = format!("{why}; its credentials are not known any more");
                Outcome::Failed { why, slow, retry_after }
            }
            outcome => outcome,
        }
    }

    fn headers(&self, callback: &Callback, cursor: u64, body: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("factory-event-cursor"), HeaderValue::from(cursor));
        let delivery = format!("{}.{cursor}", callback.id);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signature = self.secret.as_ref().map(|secret| sign(secret, now, body));
        let more = [("factory-delivery", Some(delivery)), ("factory-signature", signature)];
        for (name, value) in more {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }
}

/// Tells whether an event is something to tell: an image's record is none.
fn is_change(event: &Event) -> bool {
    matches!(event.kind, EventKind::Status { from, to, .. } if from != to)
}

/// Lets a callback be what it is after a try, and answers what is to be told with the image.
fn settle(
    callback: &mut Callback,
    outcome: &Outcome,
    status: Status,
    cursor: u64,
    now: SystemTime,
) -> Option<EventKind> {
    let shown = Location::parse(&callback.url)
        .map_or_else(|_| callback.origin.clone(), |location| location.to_string());
    match outcome {
        Outcome::Delivered => {
            let tries = std::mem::take(&mut callback.attempts) + 1;
            callback.delivered = cursor;
            callback.problem.clear();
            (callback.failing, callback.next) = (None, now);
            if status.is_settled() {
                callback.state = CallbackState::Done;
            }
            let message = format!("the callback to {shown} was delivered at try {tries}");
            (1 < tries).then(|| line(message))
        }
        Outcome::Unwanted => {
            callback.state = CallbackState::Stopped;
            Some(line(format!("the callback to {shown} is not wanted any more (410)")))
        }
        Outcome::Failed { why, slow, retry_after } => {
            let since = *callback.failing.get_or_insert(now);
            callback.attempts += 1;
            callback.problem.clone_from(why);
            let failing = now.duration_since(since).unwrap_or_default();
            match pause(callback.attempts, failing, *slow, *retry_after, chance()) {
                Some(pause) => callback.next = now + pause,
                None => callback.state = CallbackState::GaveUp,
            }
            failure(callback, &shown)
        }
    }
}

/// Tells of the first failure and of the end, not of each try.
fn failure(callback: &Callback, shown: &str) -> Option<EventKind> {
    let why = &callback.problem;
    let days = PATIENCE.as_secs() / Duration::from_secs(24 * 3600).as_secs();
    let message = match callback.state {
        CallbackState::GaveUp => {
            format!("the callback to {shown} was given up after {days} days: {why}")
        }
        _ if callback.attempts == 1 => {
            format!("the callback to {shown} fails and is tried for {days} days: {why}")
        }
        _ => return None,
    };
    let hint = if why.contains("credentials") {
        "who runs the factory can give them by host in --callback-credentials"
    } else {
        "see whether the receiver can be reached and takes PUT requests"
    };
    let (hint, path) = (hint.to_owned(), "parameters.callbacks".to_owned());
    Some(EventKind::Warning(Notice { message, hint, path }))
}

fn line(message: String) -> EventKind {
    EventKind::Log(LogLine { level: LogLevel::Info, message, source: "factory".to_owned() })
}

/// A number from 0 to 1; it need not be hard to guess, only different.
fn chance() -> f64 {
    let [a, b, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ImageId;

    fn callback() -> Callback {
        Callback {
            id: "c".to_owned(),
            image: ImageId::parse("0192f3a4-5b6c-7d8e-9f01-23456789abcd").unwrap(),
            url: "http://hook.test/a?token=1".to_owned(),
            origin: "http://hook.test".to_owned(),
            credentials: false,
            state: CallbackState::Active,
            delivered: 3,
            attempts: 0,
            failing: None,
            problem: String::new(),
            next: UNIX_EPOCH,
        }
    }

    fn failed() -> Outcome {
        Outcome::Failed { why: "the receiver answers 500".into(), slow: false, retry_after: None }
    }

    fn words(news: Option<EventKind>) -> String {
        match news {
            Some(EventKind::Log(line)) => line.message,
            Some(EventKind::Warning(notice)) => notice.message,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_failure_is_told_once_then_its_end() {
        let mut one = callback();
        let day = |n: u64| UNIX_EPOCH + Duration::from_secs(n * 24 * 3600);
        let mut after = |outcome, now| words(settle(&mut one, &outcome, Status::Building, 7, now));
        let first = after(failed(), day(1));
        let shown = "the callback to http://hook.test/a?… fails and is tried for 3 days: the receiver answers 500";
        assert_eq!(first, shown);
        assert_eq!(after(failed(), day(2)), "None");
        let end = after(failed(), day(4));
        assert!(end.contains("was given up after 3 days"), "{end}");
        assert_eq!((one.state, one.attempts, one.delivered), (CallbackState::GaveUp, 3, 3));

        let mut two = callback();
        let mut after = |outcome, now| words(settle(&mut two, &outcome, Status::Building, 7, now));
        after(failed(), day(1));
        let delivered = after(Outcome::Delivered, day(2));
        assert_eq!(delivered, "the callback to http://hook.test/a?… was delivered at try 2");
        assert_eq!(after(Outcome::Delivered, day(3)), "None");
        assert_eq!((two.state, two.attempts, two.delivered), (CallbackState::Active, 0, 7));
        assert_eq!(two.failing, None);
    }

    #[test]
    fn a_callback_ends_with_its_image_or_when_it_is_unwanted() {
        for (outcome, status, state) in [
            (Outcome::Delivered, Status::Pending, CallbackState::Active),
            (Outcome::Delivered, Status::Complete, CallbackState::Done),
            (Outcome::Delivered, Status::Deleted, CallbackState::Done),
            (Outcome::Unwanted, Status::Building, CallbackState::Stopped),
        ] {
            let mut one = callback();
            settle(&mut one, &outcome, status, 7, UNIX_EPOCH);
            assert_eq!(one.state, state, "{outcome:?} {status}");
        }
    }
}
