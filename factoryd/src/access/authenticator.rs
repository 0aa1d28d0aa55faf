//! The one who tells who calls.

use super::oauth::{self, Ahead, Clients, FileError, Header, Invalid, WINDOW};
use super::{Credentials, Options, Peer, Refused, Tokens};
use crate::domain::{How, Principal, Role};
use crate::store::{self, Store};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells who calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    anonymous: Option<Role>,
    tokens: Tokens,
    clients: Clients,
    store: Store,
}

/// Why nobody can be told from another.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The OAuth clients can't be read.
    #[error(transparent)]
    Clients(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Authenticator {
    /// Reads the OAuth clients, if there is a file of them, and what they signed ahead of a restart. It is ready in the
    /// second after the one in which it was called: what was signed in that one may have been asked of a factory before.
    ///
    /// # Errors
    /// If the file can't be used, or the store fails.
    pub async fn open(options: Options, store: Store) -> Result<Self, Error> {
        let clients = match &options.oauth_clients {
            Some(path) => Clients::read(path, seconds(SystemTime::now()))?,
            None => Clients::none(),
        };
        if !clients.is_empty() {
            let oldest = seconds(SystemTime::now()).saturating_sub(WINDOW);
            let ahead = store.signed_ahead(oldest).await?.into_iter();
            let ahead = ahead.map(|(client, second, nonce)| Ahead { client, second, nonce });
            clients.restore(ahead.collect());
            tokio::time::sleep(until_next_second(SystemTime::now())).await;
        }
        let (anonymous, tokens) = (options.anonymous, Tokens::new(store.clone()));
        Ok(Self { inner: Arc::new(Inner { anonymous, tokens, clients, store }) })
    }

    /// Answers the tokens.
    pub fn tokens(&self) -> Tokens {
        self.inner.tokens.clone()
    }

    /// Answers the ways in, as values of `WWW-Authenticate`.
    pub fn challenges(&self) -> &'static [&'static str] {
        let all = &["Bearer realm=\"factory\"", "OAuth realm=\"factory\""];
        if self.inner.clients.is_empty() { &all[..1] } else { all }
    }

    /// Tells whether anybody could ever call, apart from those whom a certificate names.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn knows_anybody(&self) -> Result<bool, store::Error> {
        if self.inner.anonymous.is_some() || !self.inner.clients.is_empty() {
            return Ok(true);
        }
        let now = SystemTime::now();
        Ok(self.inner.store.tokens().await?.iter().any(|token| !token.has_expired(now)))
    }

    /// Refuses a signature that can't be right, before the body that it signs is read: nobody but a known client can
    /// make a daemon read one.
    ///
    /// # Errors
    /// If the client is not known, or the time is wrong.
    pub fn expects(&self, header: &Header) -> Result<(), Refused> {
        Ok(self.inner.clients.expects(header, seconds(SystemTime::now()))?)
    }

    /// Answers who calls: by its credentials, or else by its connection. `signed` is what a signature would sign.
    ///
    /// # Errors
    /// If the caller is not known. What is not known is refused for the same reason as what is wrong.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
        peer: &Peer,
        signed: Option<&oauth::Request<'_>>,
    ) -> Result<Principal, Refused> {
        let now = SystemTime::now();
        match (credentials, signed) {
            (Credentials::None, _) => self.by_connection(peer),
            (Credentials::Bearer(token), _) => self.inner.tokens.verify(token.expose(), now).await,
            (Credentials::OAuth(header), Some(request)) => {
                self.by_signature(header, request, seconds(now)).await
            }
            (Credentials::OAuth(_), None) => Err(Refused::NotHere),
        }
    }

    fn by_connection(&self, peer: &Peer) -> Result<Principal, Refused> {
        if let Some(principal) = &peer.certificate {
            return Ok(principal.clone());
        }
        match self.inner.anonymous {
            Some(role) if peer.is_local() => {
                Ok(Principal { name: "anonymous".to_owned(), role, how: How::Anonymous })
            }
            _ => Err(Refused::Nobody),
        }
    }

    async fn by_signature(
        &self,
        header: &Header,
        request: &oauth::Request<'_>,
        now: u64,
    ) -> Result<Principal, Refused> {
        let verified = self.inner.clients.verify(header, request, now)?;
        if let Some(Ahead { client, second, nonce }) = verified.ahead {
            let ahead = (client, second, nonce);
            let oldest = now.saturating_sub(WINDOW);
            let remembered = self.inner.store.remember_signed_ahead(&ahead, oldest).await;
            remembered.map_err(Refused::Store)?;
        }
        Ok(verified.principal)
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::Time => Self::Time,
            Invalid::BeforeStart => Self::BeforeStart,
            Invalid::Signature => Self::Signature,
            Invalid::Busy => Self::Busy,
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn until_next_second(time: SystemTime) -> Duration {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_may_call_without_credentials_and_only_if_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        let store = Store::open(store::Options { root }).await.unwrap();
        let options = Options { anonymous: Some(Role::Builder), ..Options::default() };
        let open = Authenticator::open(options, store.clone()).await.unwrap();
        let shut = Authenticator::open(Options::default(), store).await.unwrap();
        let peer = |address: &str| Peer::plain(address.parse().unwrap());
        for local in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(open.by_connection(&peer(local)).unwrap().role, Role::Builder, "{local}");
            assert!(shut.by_connection(&peer(local)).is_err());
        }
        for stranger in ["10.0.0.1:1", "[fe80::1]:1", "[::ffff:10.0.0.1]:1"] {
            assert!(open.by_connection(&peer(stranger)).is_err(), "{stranger}");
        }
        let admin = Principal { name: "a".into(), role: Role::Admin, how: How::Certificate };
        let certified = Peer { certificate: Some(admin.clone()), ..peer("10.0.0.1:1") };
        assert_eq!(shut.by_connection(&certified).unwrap(), admin);
        assert!(open.knows_anybody().await.unwrap() && !shut.knows_anybody().await.unwrap());
        shut.tokens().create("ci", Role::Viewer, None).await.unwrap();
        assert!(shut.knows_anybody().await.unwrap());
    }
}
