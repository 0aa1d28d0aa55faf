//! Bearer tokens: `factory_ID_SECRET`. The id finds the record; of the secret only its SHA-256 is kept.

use super::Refused;
use crate::domain::{How, Principal, Role, Secret, Token};
use crate::store::{self, Store};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::{Duration, SystemTime};
use subtle::ConstantTimeEq;

/// How a token begins, so that people and scanners for leaked secrets know it.
const PREFIX: &str = "factory_";
/// The length of an id, in bytes; of twice as many digits.
const ID_LEN: usize = 6;
/// The length of a secret, in bytes: 256 bits, which nobody guesses and no slow hash must guard.
const SECRET_LEN: usize = 32;
/// The longest name, in characters.
const NAME_LEN_MAX: usize = 100;
/// How exactly the last use is known: no request but one in so long writes it down.
const USE_NOTED_EVERY: Duration = Duration::from_secs(5 * 60);

/// The tokens of a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tokens {
    store: Store,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be called so.
    #[error("a token needs a name of 1 to {NAME_LEN_MAX} printable characters")]
    Name,
    /// It would never end.
    #[error("a token can't last as long")]
    Lifetime,
    /// There is none with this id.
    #[error("there is no token {0}")]
    NotFound(String),
    /// The operating system gives no random numbers.
    #[error("there are no random numbers to make a token of")]
    Random(#[source] getrandom::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Tokens {
    /// Opens the tokens of a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes a token; this is the only time that its text is known.
    ///
    /// # Errors
    /// If the name or the lifetime is not valid, or the store fails.
    pub async fn create(
        &self,
        name: &str,
        role: Role,
        lifetime: Option<Duration>,
    ) -> Result<(Token, Secret), Error> {
        let length = name.chars().count();
        let blank = name.trim().is_empty() || name.chars().any(char::is_control);
        if blank || NAME_LEN_MAX < length {
            return Err(Error::Name);
        }
        let created = SystemTime::now();
        let expires = lifetime.map(|lifetime| created.checked_add(lifetime).ok_or(Error::Lifetime));
        let id = hexadecimal(&random::<ID_LEN>()?);
        let text = format!("{PREFIX}{id}_{}", hexadecimal(&random::<SECRET_LEN>()?));
        let (name, expires) = (name.to_owned(), expires.transpose()?);
        let token = Token { id, name, role, created, expires, last_used: None };
        self.store.insert_token(&token, digest(&text)).await?;
        Ok((token, Secret::new(text)))
    }

    /// Lists all tokens, oldest first; expired ones too.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self) -> Result<Vec<Token>, Error> {
        Ok(self.store.tokens().await?)
    }

    /// Ends a token at once, and answers what it was.
    ///
    /// # Errors
    /// If there is none with this id, or the store fails.
    pub async fn revoke(&self, id: &str) -> Result<Token, Error> {
        let missing = || Error::NotFound(id.chars().take(40).collect());
        let (token, _) = self.store.token(id).await?.ok_or_else(missing)?;
        self.store.delete_token(id).await?;
        Ok(token)
    }

    /// Answers whose a token is.
    pub(super) async fn verify(&self, text: &str, now: SystemTime) -> Result<Principal, Refused> {
        let id = id_of(text).ok_or(Refused::Token)?;
        let found = self.store.token(id).await.map_err(Refused::Store)?;
        let (token, expected) = found.ok_or(Refused::Token)?;
        let same: bool = digest(text).ct_eq(&expected).into();
        if !same || token.has_expired(now) {
            return Err(Refused::Token);
        }
        self.note_use(&token, now).await;
        Ok(Principal { name: token.name, role: token.role, how: How::Token })
    }

    async fn note_use(&self, token: &Token, now: SystemTime) {
        let since = token.last_used.map(|used| now.duration_since(used).unwrap_or_default());
        if since.is_some_and(|since| since < USE_NOTED_EVERY) {
            return;
        }
        // Who may call may call, whether or not it can be noted.
        if let Err(error) = self.store.touch_token(&token.id, now).await {
            tracing::warn!(token = %token.id, %error, "the use of a token was not noted");
        }
    }
}

fn id_of(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    (id.len() == 2 * ID_LEN && secret.len() == 2 * SECRET_LEN).then_some(id)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn random<const LEN: usize>() -> Result<[u8; LEN], Error> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tokens() -> (Tokens, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let options = store::Options { root: directory.path().to_owned() };
        (Tokens::new(Store::open(options).await.unwrap()), directory)
    }

    #[tokio::test]
    async fn a_token_is_known_by_its_whole_text() {
        let (tokens, _directory) = tokens().await;
        let now = SystemTime::now();
        let (token, text) = tokens.create("ci", Role::Builder, None).await.unwrap();
        let text = text.expose();
        assert!(text.starts_with(&format!("factory_{}_", token.id)), "{text}");
        let principal = tokens.verify(text, now).await.unwrap();
        let expected = Principal { name: "ci".into(), role: Role::Builder, how: How::Token };
        assert_eq!(principal, expected);

        let (other, _) = tokens.create("other", Role::Viewer, None).await.unwrap();
        let last = if text.ends_with('0') { "1" } else { "0" };
        for wrong in [
            String::new(),
            text[..text.len() - 1].to_owned(),
            format!("{text}0"),
            format!("{}{last}", &text[..text.len() - 1]),
            text.replace(&token.id, &other.id),
            text.replace(&token.id, "000000000000"),
            text.to_uppercase(),
        ] {
            assert!(matches!(tokens.verify(&wrong, now).await, Err(Refused::Token)), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_token_ends_when_it_was_said_or_when_it_is_revoked() {
        let (tokens, _directory) = tokens().await;
        let hour = Duration::from_secs(3600);
        let (brief, text) = tokens.create("brief", Role::Admin, Some(hour)).await.unwrap();
        assert!(tokens.verify(text.expose(), brief.created).await.is_ok());
        assert!(tokens.verify(text.expose(), brief.created + hour).await.is_err());
        tokens.revoke(&brief.id).await.unwrap();
        assert!(tokens.verify(text.expose(), brief.created).await.is_err());
        let error = tokens.revoke(&brief.id).await.unwrap_err();
        assert_eq!(error.to_string(), format!("there is no token {}", brief.id));
    }

    #[tokio::test]
    async fn its_use_is_noted_now_and_then() {
        let (tokens, _directory) = tokens().await;
        let (token, text) = tokens.create("ci", Role::Viewer, None).await.unwrap();
        let used = async |seconds| {
            let now = token.created + Duration::from_secs(seconds);
            tokens.verify(text.expose(), now).await.unwrap();
            let last = tokens.list().await.unwrap()[0].last_used.unwrap();
            last.duration_since(token.created).unwrap().as_secs()
        };
        assert_eq!((used(0).await, used(299).await, used(300).await), (0, 0, 300));
    }

    #[tokio::test]
    async fn a_name_is_printable_and_a_lifetime_has_an_end() {
        let (tokens, _directory) = tokens().await;
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            let error = tokens.create(name, Role::Viewer, None).await.unwrap_err();
            assert!(matches!(error, Error::Name), "{name:?}");
        }
        let error = tokens.create("ci", Role::Viewer, Some(Duration::MAX)).await.unwrap_err();
        assert!(matches!(error, Error::Lifetime));
        assert!(tokens.list().await.unwrap().is_empty());
    }
}
