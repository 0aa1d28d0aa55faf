//! What deletions were asked for with, beside the images that they delete.

use super::image_row::column;
use super::rows::{deletion_from_json, deletion_to_json};
use super::writer::Transaction;
use super::{Error, NewCallback, Store, append};
use crate::domain::{Deletion, Event, EventKind, ImageId};
use std::time::SystemTime;

/// The document of an image that says how its deletion was asked for.
const DOCUMENT: &str = "deletion";

impl Store {
    /// Writes that an image is being deleted, as [`append_with`](Self::append_with) does, and what that was asked for with.
    ///
    /// # Errors
    /// As there.
    pub async fn begin_deletion(
        &self,
        image: &ImageId,
        events: Vec<(SystemTime, EventKind)>,
        callbacks: &[NewCallback],
        deletion: &Deletion,
    ) -> Result<Vec<Event>, Error> {
        let beside = append::Beside { callbacks, deletion: Some(deletion), steps: &[] };
        let written = self.write(image, events, beside);
        Ok(self.call("begin_deletion", written).await?.0)
    }

    /// Answers what the deletion of an image was asked for with, if it was.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn deletion(&self, image: &ImageId) -> Result<Option<Deletion>, Error> {
        self.call("deletion", self.read_deletion(image)).await
    }

    async fn read_deletion(&self, image: &ImageId) -> Result<Option<Deletion>, Error> {
        let sql = "SELECT d.body FROM documents d JOIN images i ON i.number = d.image
                   WHERE i.id = ? AND d.name = ?";
        let row = sqlx::query(sql).bind(image.as_str()).bind(DOCUMENT);
        let row = row.fetch_optional(&mut *self.reader().await?).await;
        let row = row.map_err(self.failed("read a deletion"))?;
        let read = row.map(|row| deletion_from_json(column(&row, "body")?)).transpose();
        read.map_err(|damage| self.damaged(&damage))
    }

    /// Writes what the deletion of the image with this number was asked for with.
    pub(super) async fn put_deletion(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        deletion: Option<&Deletion>,
    ) -> Result<(), Error> {
        let Some(deletion) = deletion else { return Ok(()) };
        let json = deletion_to_json(deletion).map_err(|damage| self.damaged(&damage))?;
        self.put_document(transaction, image, DOCUMENT, &json).await
    }
}
