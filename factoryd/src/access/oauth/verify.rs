//! Whether a request was signed by a client of ours, now, and for the first time.

use super::base::{Request, encode};
use super::clients::{self, Entry, FileError};
use super::nonces::{Nonces, NotNew, Short, short};
use super::{Header, header};
use crate::domain::{How, Principal, Role, Secret};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

/// How far the clock of a client may be from ours, in seconds; Image Factory's number.
pub(crate) const WINDOW: u64 = 300;

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// Its time is not now.
    Time,
    /// Its time is before the start: whether it was made already is not known any more.
    BeforeStart,
    /// Its client, its signature or its nonce. Which one is not told.
    Signature,
    /// Its client makes more requests than can be remembered.
    Busy,
}

/// A request that was signed by a client.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) principal: Principal,
    /// What to remember beyond a restart, if the request could come again after one: a client's clock is ahead.
    pub(crate) ahead: Option<Ahead>,
}

/// A nonce of a request from the future.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ahead {
    pub(crate) client: String,
    pub(crate) second: u64,
    pub(crate) nonce: Short,
}

/// The OAuth clients, and what they asked for lately.
#[derive(Debug)]
pub(crate) struct Clients {
    known: BTreeMap<String, Client>,
    /// The second before which nothing is remembered.
    start: u64,
}

#[derive(Debug)]
struct Client {
    secret: Secret,
    role: Role,
    nonces: Mutex<Nonces>,
}

impl Clients {
    /// Reads the clients from a file. What they sign in the second of the `start`, or before it, is refused.
    pub(crate) fn read(path: &Path, start: u64) -> Result<Self, FileError> {
        Ok(Self::new(clients::read(path)?, start))
    }

    /// Knows nobody.
    pub(crate) fn none() -> Self {
        Self::new(BTreeMap::new(), 0)
    }

    pub(super) fn new(entries: BTreeMap<String, Entry>, start: u64) -> Self {
        let client = |entry: Entry| Client {
            secret: entry.secret,
            role: entry.role,
            nonces: Mutex::default(),
        };
        let known = entries.into_iter().map(|(name, entry)| (name, client(entry)));
        Self { known: known.collect(), start }
    }

    /// Tells whether there is no client.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Remembers what was remembered before the start.
    pub(crate) fn restore(&self, nonces: Vec<Ahead>) {
        for Ahead { client, second, nonce } in nonces {
            if let Some(client) = self.known.get(&client) {
                // It is new, or known twice, which is as good.
                let _ = client.remember(second, nonce, self.start.saturating_sub(WINDOW));
            }
        }
    }

    /// Looks at what can be seen before a body is read: the client and the time. A stranger costs nothing more.
    pub(crate) fn expects(&self, header: &Header, now: u64) -> Result<(), Invalid> {
        if WINDOW < header.timestamp.abs_diff(now) {
            return Err(Invalid::Time);
        }
        if header.timestamp <= self.start {
            return Err(Invalid::BeforeStart);
        }
        self.known.get(&header.client).map(drop).ok_or(Invalid::Signature)
    }

    /// Answers who signed a request at the second `now`.
    pub(crate) fn verify(
        &self,
        header: &Header,
        request: &Request<'_>,
        now: u64,
    ) -> Result<Verified, Invalid> {
        self.expects(header, now)?;
        let client = self.known.get(&header.client).ok_or(Invalid::Signature)?;
        client.verify_signature(header, request)?;
        let nonce = short(&header.nonce);
        client.remember(header.timestamp, nonce, now.saturating_sub(WINDOW))?;
        let name = header.client.clone();
        let ahead = (now < header.timestamp).then(|| Ahead {
            client: name.clone(),
            second: header.timestamp,
            nonce,
        });
        let principal = Principal { name, role: client.role, how: How::OAuth };
        Ok(Verified { principal, ahead })
    }
}

impl Client {
    fn verify_signature(&self, header: &Header, request: &Request<'_>) -> Result<(), Invalid> {
        let key = format!("{}&", encode(self.secret.expose().as_bytes()));
        let mut mac =
            Hmac::<Sha1>::new_from_slice(key.as_bytes()).map_err(|_| Invalid::Signature)?;
        if !request.tell(&header.signed, |piece| mac.update(piece)) {
            return Err(Invalid::Signature);
        }
        let signature: &[u8; header::SIGNATURE_LEN] = &header.signature;
        // In constant time.
        mac.verify_slice(signature).map_err(|_| Invalid::Signature)
    }

    /// Only what was signed is remembered: who has no secret can't fill the memory.
    fn remember(&self, second: u64, nonce: Short, oldest: u64) -> Result<(), Invalid> {
        let mut nonces = self.nonces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        nonces.remember(second, nonce, oldest).map_err(|not_new| match not_new {
            NotNew::Seen => Invalid::Signature,
            NotNew::Full => Invalid::Busy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time of the example of RFC 5849 §1.2, whose first request is two-legged.
    const THEN: u64 = 137_131_200;

    const EXAMPLE: &str = "OAuth realm=\"Photos\", oauth_consumer_key=\"dpf43f3p2l4k3l03\", \
        oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131200\", oauth_nonce=\"wIjqoS\", \
        oauth_callback=\"http%3A%2F%2Fprinter.example.com%2Fready\", \
        oauth_signature=\"74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D\"";

    const REQUEST: Request<'_> = Request {
        method: "POST",
        tls: true,
        host: "photos.example.net",
        path: "/initiate",
        query: "",
        form: b"",
    };

    fn clients(start: u64) -> Clients {
        let entry = Entry { secret: Secret::new("kd94hf93k423kf44"), role: Role::Builder };
        Clients::new([("dpf43f3p2l4k3l03".to_owned(), entry)].into(), start)
    }

    fn header() -> Header {
        Header::parse(EXAMPLE.as_bytes()).unwrap()
    }

    #[test]
    fn the_example_of_rfc_5849_1_2_is_taken_once() {
        let clients = clients(0);
        let verified = clients.verify(&header(), &REQUEST, THEN).unwrap();
        let name = "dpf43f3p2l4k3l03".to_owned();
        assert_eq!(verified.principal, Principal { name, role: Role::Builder, how: How::OAuth });
        assert_eq!(verified.ahead, None);
        assert_eq!(clients.verify(&header(), &REQUEST, THEN).unwrap_err(), Invalid::Signature);
        let last = THEN + WINDOW;
        assert_eq!(clients.verify(&header(), &REQUEST, last).unwrap_err(), Invalid::Signature);
    }

    #[test]
    fn whatever_is_changed_breaks_the_signature() {
        let clients = clients(0);
        for changed in [
            Request { method: "GET", ..REQUEST },
            Request { tls: false, ..REQUEST },
            Request { host: "photos.example.org", ..REQUEST },
            Request { path: "/other", ..REQUEST },
            Request { query: "a=b", ..REQUEST },
            Request { form: b"a=b", ..REQUEST },
        ] {
            let refused = clients.verify(&header(), &changed, THEN).unwrap_err();
            assert_eq!(refused, Invalid::Signature, "{changed:?}");
        }
        for (from, to) in [("dpf4", "other"), ("wIjq", "xIjq"), ("74KN", "84KN"), ("ready", "no")] {
            let header = Header::parse(EXAMPLE.replacen(from, to, 1).as_bytes()).unwrap();
            assert_eq!(clients.verify(&header, &REQUEST, THEN).unwrap_err(), Invalid::Signature);
        }
        let wrong = Entry { secret: Secret::new("wrong"), role: Role::Builder };
        let wrong = Clients::new([("dpf43f3p2l4k3l03".to_owned(), wrong)].into(), 0);
        assert_eq!(wrong.verify(&header(), &REQUEST, THEN).unwrap_err(), Invalid::Signature);
        assert!(clients.verify(&header(), &REQUEST, THEN).is_ok(), "no failure used the nonce up");
    }

    #[test]
    fn the_window_is_300_seconds_wide_on_either_side() {
        for now in [THEN - WINDOW, THEN + WINDOW] {
            assert!(clients(0).verify(&header(), &REQUEST, now).is_ok(), "{now}");
        }
        for now in [THEN - WINDOW - 1, THEN + WINDOW + 1] {
            let refused = clients(0).verify(&header(), &REQUEST, now).unwrap_err();
            assert_eq!(refused, Invalid::Time, "{now}");
        }
    }

    #[test]
    fn a_restart_opens_no_replay() {
        for start in [THEN, THEN + 10] {
            let refused = clients(start).verify(&header(), &REQUEST, THEN + 10).unwrap_err();
            assert_eq!(refused, Invalid::BeforeStart, "{start}");
        }
        let before = clients(THEN - 20);
        let ahead = before.verify(&header(), &REQUEST, THEN - 10).unwrap().ahead.unwrap();
        let after = clients(THEN - 5);
        after.restore(vec![ahead]);
        let again = after.verify(&header(), &REQUEST, THEN).unwrap_err();
        assert_eq!(again, Invalid::Signature, "signed ahead of time, and made before the start");
    }
}
