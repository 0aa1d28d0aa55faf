//! Following images: everything after a cursor, once, in order, for as long as there is something to come.

use super::{Error, Factory, WatchRequest};
use crate::domain::Event;
use crate::store::{EventQuery, News, Store};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::time::Duration;

/// How many events are read at once.
const BATCH: usize = 500;
/// How long to wait at most before looking again: another process may write to the store, which wakes nobody here.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

struct Watcher {
    store: Store,
    request: WatchRequest,
    cursor: News,
}

impl Factory {
    /// Streams events after a cursor, also to a reader who comes after the end. Dropping the stream ends nothing else.
    ///
    /// With `follow`, the stream ends once every named image is settled and all of its events are out; with no image named,
    /// never.
    pub fn watch(
        &self,
        request: WatchRequest,
    ) -> impl Stream<Item = Result<Event, Error>> + Send + use<> {
        let watcher = Watcher { store: self.store.clone(), request, cursor: self.store.cursor() };
        stream::try_unfold(watcher, Watcher::next)
            .map_ok(|batch| stream::iter(batch).map(Ok))
            .try_flatten()
    }
}

impl Watcher {
    /// Answers the next events: some, or `None` at the end.
    async fn next(mut self) -> Result<Option<(Vec<Event>, Self)>, Error> {
        loop {
            self.cursor.mark_unchanged();
            // Asked before reading: what a settled image has to tell is in the store by then.
            let settled = !self.request.follow || self.all_settled().await?;
            let batch = self.read().await?;
            if let Some(last) = batch.last() {
                self.request.after = last.cursor;
                return Ok(Some((batch, self)));
            }
            if settled {
                return Ok(None);
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, self.cursor.changed()).await;
        }
    }

    async fn read(&self) -> Result<Vec<Event>, Error> {
        let query = EventQuery {
            images: self.request.images.clone(),
            after: self.request.after,
            limit: BATCH,
            logs: self.request.logs,
        };
        Ok(self.store.events(&query).await?)
    }

    async fn all_settled(&self) -> Result<bool, Error> {
        for id in &self.request.images {
            let image = self.store.image(id).await?;
            if image.is_some_and(|image| !image.status.is_settled()) {
                return Ok(false);
            }
        }
        Ok(!self.request.images.is_empty())
    }
}
