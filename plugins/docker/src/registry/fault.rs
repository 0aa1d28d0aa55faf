//! What a registry's refusal means: whose move it is, and whether trying again may help.

use super::Account;
use crate::problem::chain;
use factory_plugin_sdk::{Failure, Fault};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use reqwest::StatusCode;

/// Who was asked, and on whose behalf.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    registry: String,
    anonymous: bool,
}

impl Asked {
    pub(crate) fn new(registry: &str, account: &Account) -> Self {
        let anonymous = account.name() == "anonymous";
        Self { registry: registry.to_owned(), anonymous }
    }

    /// Turns the registry client's error into a failure.
    pub(crate) fn failure(&self, error: OciDistributionError) -> Failure {
        match error {
            OciDistributionError::RequestError(error) => self.unreachable(error),
            OciDistributionError::ServerError { code, message, .. } => self.refused(code, &message),
            OciDistributionError::UnauthorizedError { .. } => self.refused(401, ""),
            OciDistributionError::AuthenticationFailure(message) => self.refused(401, &message),
            OciDistributionError::RegistryError { envelope, .. } => {
                let code = envelope.errors.first().map_or(400, |error| status(&error.code));
                self.refused(code, &envelope.to_string())
            }
            OciDistributionError::IoError(error) => {
                Failure::new(Fault::Host, "READ_FAILED", "can't read the image's archive")
                    .detail(error.to_string())
            }
            other => {
                let message = format!("registry {} does not behave: {other}", self.registry);
                Failure::new(Fault::Transient, "REGISTRY_MISBEHAVES", message)
            }
        }
    }

    /// Turns a request that had no answer into a failure.
    pub(crate) fn unreachable(&self, error: reqwest::Error) -> Failure {
        if let Some(status) = error.status() {
            return self.refused(status.as_u16(), "");
        }
        // URLs of uploads carry the registry's state, which is of no use to a reader.
        let cause = chain(&error.without_url());
        let message = format!("can't talk to registry {}: {cause}", self.registry);
        Failure::new(Fault::Transient, "REGISTRY_UNREACHABLE", message).retryable().hint(
            "check its address; for plain HTTP or a private certificate give the provider as JSON with \
             insecure or ca_file",
        )
    }

    /// Turns an answer into a failure.
    pub(crate) fn refused(&self, code: u16, body: &str) -> Failure {
        let registry = &self.registry;
        let failure = match code {
            401 if self.anonymous => {
                let message = format!("registry {registry} asks for credentials");
                Failure::new(Fault::Auth, "REGISTRY_UNAUTHORIZED", message)
                    .hint("give credentials with username and password, or with token")
            }
            401 => {
                let message = format!("registry {registry} does not accept the credentials");
                Failure::new(Fault::Auth, "REGISTRY_UNAUTHORIZED", message)
                    .hint("check username and password, or whether the token has expired")
            }
            403 => {
                let message = format!("registry {registry} does not allow this account to do that");
                Failure::new(Fault::Auth, "REGISTRY_DENIED", message)
                    .hint("ask who keeps the registry for the right to push and delete")
            }
            404 => {
                let message = format!("registry {registry} does not know the repository");
                Failure::new(Fault::User, "REPOSITORY_NOT_FOUND", message)
                    .hint("check the provider's name, and whether a registry answers there")
            }
            429 => {
                let message = format!("registry {registry} gets too many requests");
                Failure::new(Fault::Quota, "REGISTRY_BUSY", message).retryable()
            }
            500.. => {
                let message = format!("registry {registry} has a fault of its own (status {code})");
                Failure::new(Fault::Transient, "REGISTRY_FAILED", message).retryable()
            }
            _ => {
                let reason = StatusCode::from_u16(code).ok();
                let reason =
                    reason.and_then(|status| status.canonical_reason()).unwrap_or("unknown");
                let message = format!("registry {registry} refuses: status {code}, {reason}");
                Failure::new(Fault::User, "REGISTRY_REFUSED", message)
            }
        };
        failure.detail(body.chars().take(2000).collect::<String>())
    }
}

fn status(code: &OciErrorCode) -> u16 {
    match code {
        OciErrorCode::Unauthorized => 401,
        OciErrorCode::Denied => 403,
        OciErrorCode::NameUnknown | OciErrorCode::ManifestUnknown | OciErrorCode::NotFound => 404,
        OciErrorCode::Unsupported => 405,
        OciErrorCode::Toomanyrequests => 429,
        _ => 400,
    }
}
