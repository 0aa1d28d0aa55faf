//! The port through which contents of templates are fetched.

use super::{Client, Error, Files, Limits, Location, Options, file};
use crate::delegate::ContentSource;
use crate::domain::Failure;
use async_trait::async_trait;
use std::io;

/// Fetches what templates name by URL.
#[derive(Clone)]
pub struct Contents {
    client: Client,
    files: Files,
    limit: u64,
}

impl Contents {
    /// Makes a source that fetches as the options permit, within the usual limits.
    pub fn new(options: &Options) -> Self {
        let limits = Limits::default();
        let limit = limits.size;
        Self { client: Client::new(options.policy(), limits), files: options.files(), limit }
    }

    async fn read(&self, url: &str) -> Result<Vec<u8>, Error> {
        let Some(path) = file::path(url) else {
            return self.client.get(&Location::parse(url)?).await;
        };
        let (files, path, limit) = (self.files.clone(), path.to_owned(), self.limit);
        let shown = path.clone();
        let read = tokio::task::spawn_blocking(move || files.read(&path, limit)).await;
        read.unwrap_or_else(|panic| {
            Err(Error::File { path: shown, source: io::Error::other(panic) })
        })
    }
}

#[async_trait]
impl ContentSource for Contents {
    fn judge(&self, url: &str) -> Result<(), Box<Failure>> {
        let judged = match file::path(url) {
            Some(path) => self.files.judge(path),
            None => Location::parse(url).and_then(|location| self.client.policy().judge(&location)),
        };
        judged.map_err(|error| error.into_failure(&self.shown(url)))
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<Failure>> {
        self.read(url).await.map_err(|error| error.into_failure(&self.shown(url)))
    }

    fn shown(&self, url: &str) -> String {
        if file::path(url).is_some() {
            return url.to_owned();
        }
        Location::parse(url)
            .map_or_else(|_| "a URL that can't be read".to_owned(), |location| location.to_string())
    }
}
