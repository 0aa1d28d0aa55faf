//! Events written down, and what they make of their image.

use super::image_row::{self, ImageRow};
use super::news::Herald;
use super::writer::{Durability, Transaction};
use super::{Error, NewCallback, StepChange, Store, resources};
use crate::domain::{Deletion, Event, EventKind, Image, ImageId, ResourceState, Status};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

impl Store {
    /// Writes what happened to an image, and the image as it is after that, all or nothing; answers the events with
    /// their cursors and wakes who watches [`Store::cursor`].
    ///
    /// Once written, the image's own files that it has no more (a second artifact of the same role, a deleted image) are
    /// removed. An image that was settled and starts to move belongs to this process from then on.
    ///
    /// # Errors
    /// If there is no such image, an event is not a step that it can take, or it is to be deleted and others were made from it.
    pub async fn append(
        &self,
        image: &ImageId,
        events: Vec<(SystemTime, EventKind)>,
    ) -> Result<Vec<Event>, Error> {
        self.append_with(image, events, &[]).await
    }

    /// Writes what happened to an image as [`append`](Self::append) does, and who is to be told of that and of all that
    /// follows.
    ///
    /// # Errors
    /// As there.
    pub async fn append_with(
        &self,
        image: &ImageId,
        events: Vec<(SystemTime, EventKind)>,
        callbacks: &[NewCallback],
    ) -> Result<Vec<Event>, Error> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.write(image, events, Beside { callbacks, steps: &[], deletion: None });
        Ok(self.call("append", written).await?.0)
    }

    /// Writes what happened to an image, and what belongs to that; answers the events and the cursor of the image's last.
    /// What ends or deletes an image is written even on a full disk.
    pub(super) async fn write(
        &self,
        image: &ImageId,
        events: Vec<(SystemTime, EventKind)>,
        beside: Beside<'_>,
    ) -> Result<(Vec<Event>, u64), Error> {
        let must = events.iter().any(|(_, kind)| must_be_written(kind))
            || beside.steps.iter().any(StepChange::ends_or_deletes);
        if !must {
            return self.write_once(image, events, beside).await;
        }
        loop {
            let written = self.write_once(image, events.clone(), beside).await;
            if !self.inner.reserve.helps(&written).await {
                return written;
            }
        }
    }

    async fn write_once(
        &self,
        image: &ImageId,
        events: Vec<(SystemTime, EventKind)>,
        beside: Beside<'_>,
    ) -> Result<(Vec<Event>, u64), Error> {
        let durability = durability(&events, beside.steps);
        let mut transaction = self.inner.writer.begin(durability).await?;
        let mut row = self.load(&mut transaction, image).await?;
        may_write(&row, &events)?;
        let mut known = paths(&row.image);
        let last_told = row.image.last_cursor;
        let events = number(image, events, row.cursor_written);
        for event in &events {
            apply(&mut row.image, event)?;
            if let EventKind::Artifact(artifact) = &event.kind {
                known.insert(artifact.path.clone());
            }
        }
        if events.iter().any(begins_deletion) {
            self.must_have_no_children(&mut transaction, image).await?;
        }
        self.insert_events(&mut transaction, row.number, &events).await?;
        self.insert_callbacks(&mut transaction, row.number, last_told, beside.callbacks).await?;
        self.note_pending(&mut transaction, row.number, &events).await?;
        let ledger = transaction.connection();
        let recorded = resources::record(ledger, row.number, &row.image, &events).await;
        recorded.map_err(self.failed("record resources"))?;
        self.put_deletion(&mut transaction, row.number, beside.deletion).await?;
        self.enter_steps(&mut transaction, row.number, beside.steps).await?;
        if !events.is_empty() {
            self.update_image(&mut transaction, &row).await?;
        }
        let wake = self.wake();
        transaction.commit().await?;
        drop(wake);
        let replaced: Vec<PathBuf> = known.difference(&paths(&row.image)).cloned().collect();
        if !replaced.is_empty() && durability == Durability::Process {
            self.synchronise(row.number).await?;
        }
        self.remove_replaced(image, replaced).await;
        Ok((events, row.image.last_cursor))
    }

    /// Makes all that was written survive a power cut. An image must not get files back that are removed now.
    async fn synchronise(&self, image: i64) -> Result<(), Error> {
        let mut transaction = self.inner.writer.begin(Durability::Power).await?;
        sqlx::query("UPDATE images SET cancel = cancel WHERE number = ?")
            .bind(image)
            .execute(transaction.connection())
            .await
            .map_err(self.failed("synchronise"))?;
        transaction.commit().await
    }

    /// Refuses the deletion of an image from which others were made that stay.
    async fn must_have_no_children(
        &self,
        transaction: &mut Transaction<'_>,
        image: &ImageId,
    ) -> Result<(), Error> {
        let sql = "SELECT count(*) FROM images WHERE parent = ? AND status NOT IN ('DELETING', 'DELETED')";
        let count = sqlx::query_scalar::<_, i64>(sql)
            .bind(image.as_str())
            .fetch_one(transaction.connection())
            .await
            .map_err(self.failed("look for images made from an image"))?;
        match usize::try_from(count).unwrap_or_default() {
            0 => Ok(()),
            count => Err(Error::HasChildren { image: image.clone(), count }),
        }
    }

    /// Reads an image to change it: without its long texts.
    pub(super) async fn load(
        &self,
        transaction: &mut Transaction<'_>,
        id: &ImageId,
    ) -> Result<ImageRow, Error> {
        let found = sqlx::query(image_row::SELECT_FOR_CHANGE)
            .bind(self.inner.owner.id())
            .bind(id.as_str())
            .fetch_optional(transaction.connection())
            .await
            .map_err(self.failed("read an image"))?;
        let row = found.ok_or_else(|| Error::UnknownImage(id.clone()))?;
        image_row::for_change(&row, self.root()).map_err(|damage| self.damaged(&damage))
    }

    /// Answers something that, dropped, tells watchers to look: however the commit ends, and even if its caller goes
    /// away in the middle of it. To look in vain does no harm.
    pub(super) fn wake(&self) -> Wake<'_> {
        Wake(&self.inner.herald)
    }
}

/// Wakes watchers when dropped.
pub(super) struct Wake<'a>(&'a Herald);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// Applies an event, or says which image refuses it.
pub(super) fn apply(image: &mut Image, event: &Event) -> Result<(), Error> {
    image.apply(event).map_err(|source| Error::Illegal { image: image.id.clone(), source })
}

fn begins_deletion(event: &Event) -> bool {
    matches!(event.kind, EventKind::Status { to: Status::Deleting, .. })
}

/// Tells what is worth the reserve on a full disk: the end of an image, the deletion that makes room, and what is out there.
fn must_be_written(kind: &EventKind) -> bool {
    match kind {
        EventKind::Status { to, .. } => to.is_settled() || *to == Status::Deleting,
        EventKind::Resource(resource) => resource.state != ResourceState::Intent,
        _ => false,
    }
}

/// What is written in one transaction with events.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    /// How the work advances.
    pub(super) steps: &'a [StepChange],
    /// Who is to be told.
    pub(super) callbacks: &'a [NewCallback],
    /// What its deletion was asked for with.
    pub(super) deletion: Option<&'a Deletion>,
}

/// Refuses what a process writes of an image that another one works on: it was taken for dead, and is late.
fn may_write(row: &ImageRow, events: &[(SystemTime, EventKind)]) -> Result<(), Error> {
    let begins = matches!(events.first(), Some((_, EventKind::Status { .. })));
    let tells = |(_, kind): &(SystemTime, EventKind)| {
        matches!(kind, EventKind::Resource(_) | EventKind::Log(_) | EventKind::Warning(_))
    };
    let unowned = row.was_settled && (begins || events.iter().all(tells));
    if row.is_own || unowned { Ok(()) } else { Err(Error::Taken(row.image.id.clone())) }
}

/// The rule of what must survive a power cut: the ledger, for its resource may be running; the end of an image, for
/// whoever asked for it relies on that; and a step that does or destroys what the database can't undo.
fn durability(events: &[(SystemTime, EventKind)], steps: &[StepChange]) -> Durability {
    let lasts = |kind: &EventKind| match kind {
        EventKind::Resource(_) => true,
        EventKind::Status { to, .. } => to.is_settled() || *to == Status::Deleting,
        _ => false,
    };
    let power =
        events.iter().any(|(_, kind)| lasts(kind)) || steps.iter().any(StepChange::is_outward);
    if power { Durability::Power } else { Durability::Process }
}

/// Gives events their cursors, the first after `written`.
pub(super) fn number(
    image: &ImageId,
    events: Vec<(SystemTime, EventKind)>,
    written: u64,
) -> Vec<Event> {
    let cursors = written + 1..;
    let numbered = cursors.zip(events);
    numbered
        .map(|(cursor, (time, kind))| Event { cursor, image: image.clone(), time, kind })
        .collect()
}

fn paths(image: &Image) -> BTreeSet<PathBuf> {
    image.artifacts.iter().map(|artifact| artifact.path.clone()).collect()
}
