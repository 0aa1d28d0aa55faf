//! Why something was not fetched or sent.

use super::lookup::Refused;
use crate::domain::{Failure, Fault};
use std::io;
use std::time::Duration;

/// Why something was not fetched or sent. Messages hold no credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no URL.
    #[error("it is not a URL that can be read: {why}")]
    Unreadable {
        /// What is wrong with it.
        why: String,
    },
    /// Another scheme than http, https and file.
    #[error("the scheme `{scheme}` is not served, only http, https and file")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The policy forbids it.
    #[error("{host} is not a public address, or has none, and is not allowed")]
    Address {
        /// The host.
        host: String,
    },
    /// `file:` URLs are not read here.
    #[error("this factory reads no files by URL")]
    NoContentDirs,
    /// A file outside of the content directories, or none at all.
    #[error("{path} is no file below a content directory")]
    Outside {
        /// What was asked for.
        path: String,
    },
    /// A directory, a device, a pipe.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What was asked for.
        path: String,
    },
    /// A file can't be read.
    #[error("{path} can't be read")]
    File {
        /// What was asked for.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// More than is taken.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// How much is taken.
        limit: u64,
    },
    /// It took too long.
    #[error("it did not come within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// A redirect without an end.
    #[error("there are more than {0} redirects")]
    TooManyRedirects(usize),
    /// A redirect that leads nowhere, or from https to http.
    #[error("the redirect to {to} is not followed: {why}")]
    BadRedirect {
        /// Where it leads.
        to: String,
        /// Why it is not followed.
        why: &'static str,
    },
    /// The server says no.
    #[error("the server answers {0}")]
    Status(u16),
    /// The server compressed it, unasked.
    #[error("the server sends it as `{0}`, which was not asked for")]
    Encoded(String),
    /// The connection failed or ended early.
    #[error("{0}")]
    Connection(String),
}

impl Error {
    /// Answers what the client said: whether our own resolver refused, else all its causes without the URL.
    pub(super) fn of(error: reqwest::Error, limit: Duration) -> Self {
        let causes =
            || std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        if let Some(refused) = causes().find_map(|cause| cause.downcast_ref::<Refused>()) {
            return Self::Address { host: refused.host.clone() };
        }
        if error.is_timeout() {
            return Self::TooSlow(limit);
        }
        let mut words: Vec<String> = causes().map(ToString::to_string).collect();
        words.dedup();
        Self::Connection(if words.is_empty() {
            "the connection failed".to_owned()
        } else {
            words.join(": ")
        })
    }

    /// Answers whose move is next, a stable name, and what to do.
    fn explained(&self) -> (Fault, &'static str, &'static str) {
        match self {
            Self::Unreadable { .. } | Self::Scheme { .. } => (
                Fault::User,
                "CONTENT_REFUSED",
                "correct the URL, or put the content into the template, as base64",
            ),
            Self::Address { .. } => (
                Fault::User,
                "CONTENT_REFUSED",
                "who runs the factory can allow the host with --outbound-allow",
            ),
            Self::NoContentDirs | Self::Outside { .. } => (
                Fault::User,
                "CONTENT_REFUSED",
                "who runs the factory can name the file's directory with --content-dir; \
                 or put the content into the template, as base64",
            ),
            Self::NotAFile { .. } | Self::File { .. } => {
                (Fault::User, "CONTENT_UNREADABLE", "name a regular file that the factory can read")
            }
            Self::TooLarge { .. } => (
                Fault::User,
                "CONTENT_TOO_LARGE",
                "let a command in the template fetch what is large",
            ),
            Self::TooManyRedirects(_) | Self::BadRedirect { .. } | Self::Encoded(_) => {
                (Fault::User, "CONTENT_REFUSED", "name the URL that has the content itself")
            }
            Self::Status(400..=499) => {
                (Fault::User, "CONTENT_UNAVAILABLE", "see whether the URL is right")
            }
            Self::Status(_) | Self::TooSlow(_) | Self::Connection(_) => (
                Fault::Transient,
                "CONTENT_UNAVAILABLE",
                "see whether the server can be reached, and try again",
            ),
        }
    }

    /// Answers what is recorded with an image whose content is at `shown`.
    pub fn into_failure(self, shown: &str) -> Box<Failure> {
        let (fault, reason, hint) = self.explained();
        let why = crate::report::chain(&self);
        let mut failure =
            Failure::new(fault, reason, format!("the content at {shown} can't be had: {why}"))
                .hint(hint);
        failure.retryable = fault == Fault::Transient;
        Box::new(failure)
    }
}
