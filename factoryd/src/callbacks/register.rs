//! Callbacks as they are asked for: judged, and with credentials that stay in memory.

use super::Secrets;
use crate::domain::{Failure, Fault, Secret};
use crate::outbound::{Location, Policy};
use crate::store::NewCallback;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// So many an image can have.
const CALLBACKS_MAX: usize = 16;
/// What Image Factory takes for a callback that does nothing.
const DEBUG: &str = "debug";

type Credentials = (String, Secret);

/// Takes callbacks, and knows their credentials. Cheap to clone.
#[derive(Clone)]
pub struct Register(Arc<Inner>);

struct Inner {
    policy: Policy,
    configured: BTreeMap<String, Credentials>,
    given: Mutex<HashMap<String, Credentials>>,
    closed: bool,
}

impl Inner {
    fn new(policy: Policy, secrets: &Secrets) -> Self {
        let configured = secrets.credentials.clone();
        Self { policy, configured, given: Mutex::default(), closed: false }
    }
}

impl Register {
    /// Makes a register that takes what the policy does not forbid.
    pub fn new(policy: Policy, secrets: &Secrets) -> Self {
        Self(Arc::new(Inner::new(policy, secrets)))
    }

    /// Makes a register that takes none but Image Factory's `debug`.
    pub fn refusing() -> Self {
        Self(Arc::new(Inner {
            closed: true,
            ..Inner::new(Policy::public(Vec::new()), &Secrets::default())
        }))
    }

    /// Takes the callbacks of a request for one image, to be recorded with it. The same URL twice counts once.
    ///
    /// # Errors
    /// If there are too many, or one is no URL or one that may not be called.
    pub fn accept(&self, urls: &[Secret]) -> Result<Vec<NewCallback>, Box<Failure>> {
        let mut locations: Vec<(Location, usize)> = Vec::new();
        for (index, url) in urls.iter().enumerate().filter(|(_, url)| url.expose() != DEBUG) {
            let location = Location::parse(url.expose()).map_err(|error| refused(index, &error))?;
            self.0.policy.judge(&location).map_err(|error| refused(index, &error))?;
            if !locations.iter().any(|(known, _)| *known == location) {
                locations.push((location, index));
            }
        }
        if self.0.closed && !locations.is_empty() {
            let failure = Failure::new(Fault::User, REFUSED, "this factory delivers no callbacks");
            return Err(Box::new(failure.path(PATH)));
        }
        if CALLBACKS_MAX < locations.len() {
            let message = format!("an image has at most {CALLBACKS_MAX} callbacks");
            return Err(Box::new(Failure::new(Fault::User, REFUSED, message).path(PATH)));
        }
        Ok(locations.into_iter().map(|(location, _)| self.remember(&location)).collect())
    }

    /// Answers the credentials of a callback: those that came with it, else those of the host.
    pub(super) fn credentials(&self, id: &str, host: &str) -> Option<Credentials> {
        let given = self.given().get(id).cloned();
        given.or_else(|| self.0.configured.get(host).cloned())
    }

    /// Forgets the credentials of a callback that is over.
    pub(super) fn forget(&self, id: &str) {
        self.given().remove(id);
    }

    fn remember(&self, location: &Location) -> NewCallback {
        let id = Uuid::now_v7().to_string();
        let credentials = location.credentials();
        if let Some(credentials) = credentials {
            self.given().insert(id.clone(), credentials.clone());
        }
        NewCallback {
            id,
            url: location.url().to_string(),
            origin: location.origin(),
            credentials: credentials.is_some(),
        }
    }

    fn given(&self) -> MutexGuard<'_, HashMap<String, Credentials>> {
        self.0.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PATH: &str = "parameters.callbacks";
const REFUSED: &str = "CALLBACK_REFUSED";

fn refused(index: usize, error: &crate::outbound::Error) -> Box<Failure> {
    let message = format!("the callback can't be used: {error}");
    let hint =
        "give URLs of http or https; who runs the factory can allow a host with --outbound-allow";
    let failure = Failure::new(Fault::User, REFUSED, message).hint(hint);
    Box::new(failure.path(format!("{PATH}[{index}]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> Register {
        let configured = ("old.test".to_owned(), ("me".to_owned(), Secret::new("stored")));
        let secrets = Secrets { signing: None, credentials: [configured].into() };
        Register::new(Policy::public(vec!["10.0.0.1".parse().unwrap()]), &secrets)
    }

    fn accept(register: &Register, urls: &[&str]) -> Result<Vec<NewCallback>, Box<Failure>> {
        let urls: Vec<Secret> = urls.iter().map(|url| Secret::new(*url)).collect();
        register.accept(&urls)
    }

    #[test]
    fn credentials_are_remembered_and_not_recorded() {
        let register = register();
        let urls = [
            "http://u:p%21@hook.test/a?token=1",
            "debug",
            "http://10.0.0.1:81/",
            "http://old.test/",
        ];
        let taken = accept(&register, &urls).unwrap();
        let urls: Vec<_> = taken.iter().map(|one| (one.url.as_str(), one.credentials)).collect();
        let expected = [
            ("http://hook.test/a?token=1", true),
            ("http://10.0.0.1:81/", false),
            ("http://old.test/", false),
        ];
        assert_eq!(urls, expected);
        let known = |index: usize, host| {
            let found = register.credentials(&taken[index].id, host);
            found.map(|(user, password)| format!("{user}:{}", password.expose()))
        };
        assert_eq!(known(0, "hook.test").as_deref(), Some("u:p!"));
        assert_eq!(known(1, "10.0.0.1"), None);
        assert_eq!(known(2, "old.test").as_deref(), Some("me:stored"));
        register.forget(&taken[0].id);
        assert_eq!(known(0, "hook.test"), None);
    }

    #[test]
    fn what_may_not_be_called_is_refused_with_its_place() {
        for url in [
            "http://127.0.0.1/",
            "http://localhost/",
            "http://[::1]/",
            "ftp://x/",
            "file:///x",
            "x",
            "",
        ] {
            let failure = accept(&register(), &["http://hook.test/", url]).unwrap_err();
            assert_eq!(failure.reason, "CALLBACK_REFUSED", "{url}");
            assert_eq!(failure.path, "parameters.callbacks[1]", "{url}");
        }
        let many: Vec<String> =
            (0..=CALLBACKS_MAX).map(|n| format!("http://hook.test/{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(accept(&register(), &many).is_err());
        assert_eq!(accept(&register(), &["http://hook.test/"; 40]).unwrap().len(), 1);
    }
}
