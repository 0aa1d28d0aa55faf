//! Callbacks: who is to be told of changes of an image's status, how far that is, and which process does it.

use super::image_row::{column, image_id, nanoseconds, time, unsigned};
use super::rows::Damage;
use super::writer::{Durability, Transaction};
use super::{Error, Store};
use crate::domain::{Event, EventKind, ImageId};
use sqlx::sqlite::SqliteRow;
use std::time::SystemTime;

/// Somebody who wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCallback {
    /// Its id: a UUID.
    pub id: String,
    /// Where, without credentials.
    pub url: String,
    /// Scheme, host and port of that.
    pub origin: String,
    /// Whether the URL came with credentials, which are not stored.
    pub credentials: bool,
}

/// How far a callback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackState {
    /// There is, or will be, something to deliver.
    Active,
    /// The image is settled, and everything is delivered.
    Done,
    /// The receiver wants no more.
    Stopped,
    /// It was tried for too long.
    GaveUp,
}

/// A callback that this process delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Its id.
    pub id: String,
    /// The image.
    pub image: ImageId,
    /// Where, without credentials.
    pub url: String,
    /// Scheme, host and port of that.
    pub origin: String,
    /// Whether the URL came with credentials.
    pub credentials: bool,
    /// How far it is.
    pub state: CallbackState,
    /// The cursor of the last change that was delivered.
    pub delivered: u64,
    /// How often the next delivery failed.
    pub attempts: u32,
    /// Since when it fails.
    pub failing: Option<SystemTime>,
    /// Why; empty if it does not.
    pub problem: String,
    /// When to try again.
    pub next: SystemTime,
}

impl CallbackState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Active, Self::Done, Self::Stopped, Self::GaveUp];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::GaveUp => "gave up",
        }
    }
}

impl Store {
    /// Makes this process deliver the callbacks of dead ones. Of several processes that ask, one gets each.
    ///
    /// # Errors
    /// If the database or the locks can't be read, or the database can't be written.
    pub async fn claim_callbacks(&self) -> Result<(), Error> {
        let sql = "SELECT DISTINCT owner FROM callbacks WHERE state = 'active' AND owner <> ?";
        for dead in self.dead_owners(sql).await? {
            let mut transaction = self.inner.writer.begin(Durability::Process).await?;
            sqlx::query("UPDATE callbacks SET owner = ? WHERE state = 'active' AND owner = ?")
                .bind(self.inner.owner.id())
                .bind(dead)
                .execute(transaction.connection())
                .await
                .map_err(self.failed("take over callbacks"))?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Answers what this process has to deliver now, the longest overdue first: so many at most of one origin, for one
    /// that is slow must not crowd out the others.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn due_callbacks(
        &self,
        now: SystemTime,
        of_one_origin: u32,
    ) -> Result<Vec<Callback>, Error> {
        let sql = "SELECT * FROM (
                 SELECT c.*, i.id AS image_id,
                     row_number() OVER (PARTITION BY c.origin ORDER BY c.next, c.id) AS place
                 FROM callbacks c JOIN images i ON i.number = c.image
                 WHERE c.state = 'active' AND c.owner = ? AND c.delivered < c.pending AND c.next <= ?
             ) WHERE place <= ? ORDER BY next, id LIMIT 1000";
        let rows = sqlx::query(sql)
            .bind(self.inner.owner.id())
            .bind(nanoseconds(now))
            .bind(of_one_origin)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(self.failed("read callbacks"))?;
        let callbacks = rows.iter().map(callback).collect::<Result<_, _>>();
        callbacks.map_err(|damage| self.damaged(&damage))
    }

    /// Answers when the next failed delivery is to be tried again; `None` if there is none.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn next_callback(&self) -> Result<Option<SystemTime>, Error> {
        let sql = "SELECT min(next) FROM callbacks
                   WHERE state = 'active' AND owner = ? AND delivered < pending";
        let next = sqlx::query_scalar::<_, Option<i64>>(sql)
            .bind(self.inner.owner.id())
            .fetch_one(&mut *self.reader().await?)
            .await;
        Ok(next.map_err(self.failed("read callbacks"))?.map(time))
    }

    /// Writes down how far a callback is.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn update_callback(&self, callback: &Callback) -> Result<(), Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        sqlx::query(
            "UPDATE callbacks SET state = ?, delivered = ?, attempts = ?, failing = ?, problem = ?, next = ?
             WHERE id = ?",
        )
        .bind(callback.state.as_str())
        .bind(callback.delivered.cast_signed())
        .bind(callback.attempts)
        .bind(callback.failing.map(nanoseconds))
        .bind(&callback.problem)
        .bind(nanoseconds(callback.next))
        .bind(&callback.id)
        .execute(transaction.connection())
        .await
        .map_err(self.failed("update a callback"))?;
        transaction.commit().await
    }

    /// Records callbacks of the image with this number, which want to be told of what happens after `delivered`.
    pub(super) async fn insert_callbacks(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        delivered: u64,
        callbacks: &[NewCallback],
    ) -> Result<(), Error> {
        for callback in callbacks {
            sqlx::query(
                "INSERT INTO callbacks (id, image, url, origin, credentials, owner, state, pending, delivered)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&callback.id)
            .bind(image)
            .bind(&callback.url)
            .bind(&callback.origin)
            .bind(callback.credentials)
            .bind(self.inner.owner.id())
            .bind(CallbackState::Active.as_str())
            .bind(delivered.cast_signed())
            .bind(delivered.cast_signed())
            .execute(transaction.connection())
            .await
            .map_err(self.failed("record a callback"))?;
        }
        Ok(())
    }

    /// Notes changes of status among events as something to deliver.
    pub(super) async fn note_pending(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        events: &[Event],
    ) -> Result<(), Error> {
        let mut changes =
            events.iter().filter(|event| matches!(event.kind, EventKind::Status { .. }));
        let Some(last) = changes.next_back() else { return Ok(()) };
        sqlx::query("UPDATE callbacks SET pending = ? WHERE state = 'active' AND image = ?")
            .bind(last.cursor.cast_signed())
            .bind(image)
            .execute(transaction.connection())
            .await
            .map_err(self.failed("note what callbacks have to tell"))?;
        Ok(())
    }
}

fn callback(row: &SqliteRow) -> Result<Callback, Damage> {
    let word: &str = column(row, "state")?;
    let known = CallbackState::ALL.into_iter().find(|state| state.as_str() == word);
    Ok(Callback {
        id: column(row, "id")?,
        image: image_id(column(row, "image_id")?)?,
        url: column(row, "url")?,
        origin: column(row, "origin")?,
        credentials: column(row, "credentials")?,
        state: known.unwrap_or(CallbackState::Active),
        delivered: unsigned(row, "delivered")?,
        attempts: column(row, "attempts")?,
        failing: column::<Option<i64>>(row, "failing")?.map(time),
        problem: column(row, "problem")?,
        next: time(column(row, "next")?),
    })
}
