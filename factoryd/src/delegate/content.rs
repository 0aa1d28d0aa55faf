//! What templates name by URL.

use crate::domain::{Failure, Fault};
use async_trait::async_trait;

/// Fetches the contents that templates name by URL, by the policy of who runs the factory.
#[async_trait]
pub trait ContentSource: Send + Sync {
    /// Refuses, without asking anybody, a URL that can't be fetched for certain.
    ///
    /// # Errors
    /// Why it can't, and what to do.
    fn judge(&self, url: &str) -> Result<(), Box<Failure>>;

    /// Fetches a content. Dropping the future ends it.
    ///
    /// # Errors
    /// Why it can't be had.
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<Failure>>;

    /// Answers the URL as it can be shown and recorded: without credentials.
    fn shown(&self, url: &str) -> String;
}

/// Fetches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContents;

#[async_trait]
impl ContentSource for NoContents {
    fn judge(&self, _url: &str) -> Result<(), Box<Failure>> {
        let message = "a content is a URL, and this factory fetches nothing";
        let failure = Failure::new(Fault::User, "CONTENT_REFUSED", message);
        Err(Box::new(failure.hint("put the content into the template, as base64")))
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<Failure>> {
        self.judge(url).map(|()| Vec::new())
    }

    fn shown(&self, _url: &str) -> String {
        "a URL".to_owned()
    }
}
