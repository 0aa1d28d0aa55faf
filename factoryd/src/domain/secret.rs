//! Secrets: values that are never shown and never stored, and the names by which stored ones are meant.
//!
//! A secret is given with a request, or it is kept by whoever runs the factory and only named: `secret:NAME`. Of the first
//! nothing is recorded but that there was one; of the second, its name. So work that goes on in another process has the
//! second again, and lacks the first.

use std::fmt;
use zeroize::Zeroizing;

/// What stands before the name of a secret.
const PREFIX: &str = "secret:";

/// The longest name of a secret, in bytes.
const NAME_LEN_MAX: usize = 64;

/// A value that is never shown and never stored. Its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Answers the value, for the one who must send it on.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The name of a secret that the factory's operator keeps. It is a file's name too: it can't lead anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(String);

/// Text that is no name of a secret. It is not quoted: it may be a secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a secret is made of letters, digits, `.`, `_` and `-`, {NAME_LEN_MAX} of them at most, and does not \
     begin with a dot"
)]
pub struct InvalidSecretName;

impl SecretName {
    /// Reads a name.
    ///
    /// # Errors
    /// If it is empty, too long, begins with a dot, or has other characters than `A-Z a-z 0-9 . _ -`.
    pub fn parse(text: &str) -> Result<Self, InvalidSecretName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let valid = (1..=NAME_LEN_MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('.');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidSecretName) }
    }

    /// Answers the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret as a request gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenSecret {
    /// By its value, which lives only as long as this process works with it.
    Value(Secret),
    /// By its name: the value is looked up whenever it is used.
    Named(SecretName),
}

impl GivenSecret {
    /// No secret at all, which is given by the empty value.
    pub fn none() -> Self {
        Self::Value(Secret::new(""))
    }

    /// Reads what a request has: `secret:NAME` is a name, anything else a value.
    ///
    /// # Errors
    /// If what follows `secret:` is no name.
    pub fn read(text: Secret) -> Result<Self, InvalidSecretName> {
        match text.expose().trim().strip_prefix(PREFIX) {
            Some(name) => SecretName::parse(name).map(Self::Named),
            None => Ok(Self::Value(text)),
        }
    }

    /// Answers what is recorded of it; nothing of the empty value, which is none.
    pub fn source(&self) -> Option<SecretSource> {
        match self {
            Self::Value(value) if value.expose().is_empty() => None,
            Self::Value(_) => Some(SecretSource::Request),
            Self::Named(name) => Some(SecretSource::Named(name.clone())),
        }
    }
}

/// Where a secret of an image comes from, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// It came with the request: it is gone once the process that took the request has ended.
    Request,
    /// It is kept under this name.
    Named(SecretName),
}

/// Where the secrets of an image come from, as is recorded with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretSources {
    /// The credentials for its provider; nothing if there were none.
    pub credentials: Option<SecretSource>,
    /// Its sensitive parameters, by name.
    pub parameters: Vec<(String, SecretSource)>,
    /// Whether its template has secrets (a root password, a product key, credentials in URLs). The recorded template has
    /// none of them.
    pub template: bool,
}

/// Secrets that came with a request whose process has ended. They must be given again, or under a name the next time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} came with the request and can't be had again", .0.join(", "))]
pub struct SecretGone(pub Vec<String>);

impl SecretSources {
    /// Answers the image's secrets as they can be had without the request: the credentials and the sensitive parameters, all
    /// by name.
    ///
    /// # Errors
    /// If some came with the request; they are named as a person would, such as `the credentials`.
    pub fn again(&self) -> Result<(GivenSecret, Vec<(String, GivenSecret)>), SecretGone> {
        let mut gone = Vec::new();
        let mut named = |what: String, source: &SecretSource| match source {
            SecretSource::Named(name) => GivenSecret::Named(name.clone()),
            SecretSource::Request => {
                gone.push(what);
                GivenSecret::none()
            }
        };
        let credentials = self.credentials.as_ref();
        let credentials = credentials
            .map_or_else(GivenSecret::none, |source| named("the credentials".to_owned(), source));
        let parameter = |(name, source): &(String, SecretSource)| {
            (name.clone(), named(format!("parameter {name}"), source))
        };
        let parameters = self.parameters.iter().map(parameter).collect();
        if self.template {
            gone.push("secrets in the template".to_owned());
        }
        if gone.is_empty() { Ok((credentials, parameters)) } else { Err(SecretGone(gone)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_lead_nowhere_else() {
        for good in ["a", "aws.prod_1-x", &"x".repeat(64)] {
            assert_eq!(SecretName::parse(good).unwrap().as_str(), good);
        }
        for bad in
            ["", ".", "..", ".hidden", "a/b", "../a", "a b", "a\0", "ä", "a\n", &"x".repeat(65)]
        {
            assert_eq!(SecretName::parse(bad), Err(InvalidSecretName), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_is_given_by_value_or_by_name() {
        let read = |text: &str| GivenSecret::read(Secret::new(text));
        let named = GivenSecret::Named(SecretName("prod".into()));
        assert_eq!(read("secret:prod"), Ok(named.clone()));
        assert_eq!(read(" secret:prod\n"), Ok(named));
        assert_eq!(read("{\"a\": \"secret:prod\"}").unwrap().source(), Some(SecretSource::Request));
        assert_eq!(read(""), Ok(GivenSecret::none()));
        assert_eq!(GivenSecret::none().source(), None);
        let refused = read("secret:hunter 2").unwrap_err().to_string();
        assert!(!refused.contains("hunter"), "{refused}");
    }

    #[test]
    fn what_came_with_the_request_is_gone_and_named() {
        let name = SecretName("prod".into());
        let named = SecretSources {
            credentials: Some(SecretSource::Named(name.clone())),
            parameters: vec![("token".into(), SecretSource::Named(name.clone()))],
            template: false,
        };
        let given = GivenSecret::Named(name);
        assert_eq!(named.again(), Ok((given.clone(), vec![("token".into(), given)])));
        let gone = SecretSources {
            credentials: Some(SecretSource::Request),
            parameters: vec![("token".into(), SecretSource::Request)],
            template: true,
        };
        assert_eq!(
            gone.again().unwrap_err().to_string(),
            "the credentials, parameter token, secrets in the template came with the request and can't be had again"
        );
    }
}
