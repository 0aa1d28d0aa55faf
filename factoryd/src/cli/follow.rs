//! Follows images until all of them have ended, and turns signals into cancellations.

use super::display::Display;
use super::error::Error;
use super::session::{Client, Session};
use crate::daemon::Signals;
use factory_proto::factory_v1 as v1;
use std::time::Duration;
use tonic::{Code, Status, Streaming};

/// How often a lost daemon is looked for before giving up, and how long between two looks.
const RECONNECT_MAX: u32 = 10;
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// What can happen while a build runs.
enum Input {
    Event(Box<v1::Event>),
    /// Every image has ended.
    End,
    Lost(Status),
    Signal(&'static str),
}

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All images have ended by themselves.
    Settled,
    /// A signal cancelled them, and all have ended.
    Cancelled,
}

/// What to follow.
pub(super) struct Follow<'a> {
    /// The ids of images; a parent before what is made from it.
    pub(super) ids: Vec<String>,
    /// The cursor to start after.
    pub(super) after: u64,
    /// Whether log lines are wanted.
    pub(super) logs: bool,
    /// Who shows it.
    pub(super) display: &'a mut dyn Display,
    /// Who hears signals.
    pub(super) signals: &'a mut Signals,
}

impl Follow<'_> {
    /// Follows. The first signal cancels the images and goes on until they have ended.
    ///
    /// # Errors
    /// On a second signal, when the daemon is lost for long, or when the events can't be shown.
    pub(super) async fn run(mut self, session: &Session) -> Result<Ending, Error> {
        let mut client = session.client();
        let mut ending = Ending::Settled;
        let mut lost = 0;
        let mut events = self.events(&mut client).await?;
        loop {
            match self.next(&mut events).await {
                Input::Event(event) => {
                    lost = 0;
                    self.after = event.cursor;
                    self.display.event(&event)?;
                }
                Input::End => return Ok(ending),
                Input::Lost(status) if session.is_embedded() || !may_come_back(&status) => {
                    return Err(status.into());
                }
                Input::Lost(_) => events = self.reconnect(&mut client, &mut lost).await?,
                Input::Signal(_) if ending == Ending::Cancelled => return Err(Error::Killed),
                Input::Signal(signal) => {
                    ending = Ending::Cancelled;
                    self.display.note(&format!(
                        "{signal}: cancelling, and waiting until it is cleaned up; once more to end at once"
                    ));
                    cancel(&mut client, &self.ids).await?;
                }
            }
        }
    }

    async fn next(&mut self, events: &mut Streaming<v1::Event>) -> Input {
        tokio::select! {
            event = events.message() => match event {
                Ok(Some(event)) => Input::Event(Box::new(event)),
                Ok(None) => Input::End,
                Err(status) => Input::Lost(status),
            },
            signal = self.signals.next() => Input::Signal(signal),
        }
    }

    async fn events(&self, client: &mut Client) -> Result<Streaming<v1::Event>, Status> {
        let request = v1::WatchRequest {
            image_ids: self.ids.clone(),
            after: self.after,
            follow: true,
            without_logs: !self.logs,
        };
        client.watch(request).await.map(tonic::Response::into_inner)
    }

    /// Looks for the daemon until it is back; a signal ends that at once, for nobody is there to be told.
    async fn reconnect(
        &mut self,
        client: &mut Client,
        lost: &mut u32,
    ) -> Result<Streaming<v1::Event>, Error> {
        self.display.note("the daemon does not answer; looking for it");
        loop {
            *lost += 1;
            tokio::select! {
                () = tokio::time::sleep(RECONNECT_PAUSE) => {}
                _ = self.signals.next() => return Err(Error::Killed),
            }
            match self.events(client).await {
                Ok(events) => return Ok(events),
                Err(status) if *lost == RECONNECT_MAX || !may_come_back(&status) => {
                    return Err(status.into());
                }
                Err(_) => {}
            }
        }
    }
}

/// Asks for the end of images, children first, so that each is cancelled and none fails for its parent's sake.
pub(super) async fn cancel(client: &mut Client, ids: &[String]) -> Result<(), Error> {
    for id in ids.iter().rev() {
        match client.cancel(v1::CancelRequest { id: id.clone() }).await {
            Ok(_) => {}
            // It has ended meanwhile.
            Err(status) if status.code() == Code::FailedPrecondition => {}
            Err(status) => return Err(status.into()),
        }
    }
    Ok(())
}

/// A broken connection shows as UNAVAILABLE or, if it breaks in the middle, as UNKNOWN or INTERNAL without details.
fn may_come_back(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown)
        || (status.code() == Code::Internal && status.details().is_empty())
}
