//! The credentials of an account in a registry.

use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

/// The credentials are not what they must be. Says nothing of what they are.
#[derive(Debug, thiserror::Error)]
#[error("the credentials are no JSON object with username and password, or with token")]
pub struct Error;

/// How to fix that.
pub const HINT: &str =
    "write {\"username\": \"…\", \"password\": \"…\"}, {\"token\": \"…\"}, or nothing";

/// Who puts images into a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    auth: RegistryAuth,
}

// No `Debug`: it holds secrets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    username: Option<String>,
    password: Option<String>,
    token: Option<String>,
}

impl Account {
    /// Reads credentials; empty ones are nobody's.
    ///
    /// # Errors
    /// If they are not of one of the three forms.
    pub fn parse(credentials: &str) -> Result<Self, Error> {
        if credentials.trim().is_empty() {
            return Ok(Self { auth: RegistryAuth::Anonymous });
        }
        // The parser's own words are dropped, because they quote what they read.
        let document: Document = serde_json::from_str(credentials).map_err(|_| Error)?;
        let auth = match (document.username, document.password, document.token) {
            (Some(username), Some(password), None) => RegistryAuth::Basic(username, password),
            (None, None, Some(token)) => RegistryAuth::Bearer(token),
            _ => return Err(Error),
        };
        Ok(Self { auth })
    }

    /// Returns the account's name.
    pub fn name(&self) -> &str {
        match &self.auth {
            RegistryAuth::Anonymous => "anonymous",
            RegistryAuth::Basic(username, _) => username,
            RegistryAuth::Bearer(_) => "token",
        }
    }

    /// Returns the credentials as the registry client takes them.
    pub fn auth(&self) -> &RegistryAuth {
        &self.auth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_names_and_keep_their_secrets() {
        for (credentials, name) in [
            ("", "anonymous"),
            (" \n", "anonymous"),
            (r#"{"username": "ann", "password": "hunter2"}"#, "ann"),
            (r#"{"token": "hunter2"}"#, "token"),
        ] {
            let account = Account::parse(credentials).unwrap();
            assert_eq!(account.name(), name);
            assert!(!format!("{account:?}").contains("hunter2"));
        }
    }

    #[test]
    fn wrong_credentials_are_refused_without_being_quoted() {
        for credentials in [
            "hunter2",
            r#"{"username": "hunter2"}"#,
            r#"{"password": "hunter2"}"#,
            r#"{"token": ["hunter2"]}"#,
            r#"{"username": "a", "password": "hunter2", "token": "b"}"#,
        ] {
            let error = Account::parse(credentials).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
