//! Images: recorded and read one by one.

use super::writer::Durability;
use super::{Error, NewCallback, Store, append, image_row};
use crate::domain::{Event, EventKind, Image, ImageId, Status};
use sqlx::QueryBuilder;
use sqlx::sqlite::SqliteRow;

impl Store {
    /// Records a new image, owned by this process, and answers its first event: New → New, at its time of creation.
    ///
    /// # Errors
    /// If its status is not New, there is such an image already, or its parent does not exist or is being deleted.
    pub async fn insert(&self, image: &Image) -> Result<Event, Error> {
        self.insert_with(image, &[]).await
    }

    /// Records a new image as [`insert`](Self::insert) does, with who is to be told of what becomes of it.
    ///
    /// # Errors
    /// As there.
    pub async fn insert_with(
        &self,
        image: &Image,
        callbacks: &[NewCallback],
    ) -> Result<Event, Error> {
        self.call("insert", self.insert_new(image, callbacks)).await
    }

    async fn insert_new(&self, image: &Image, callbacks: &[NewCallback]) -> Result<Event, Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        if let Some(parent) = &image.parent {
            let status = self.load(&mut transaction, parent).await?.image.status;
            if matches!(status, Status::Deleting | Status::Deleted) {
                return Err(Error::ParentGone { parent: parent.clone(), status });
            }
        }
        let event = Event {
            cursor: self.cursor_written(&mut transaction).await? + 1,
            image: image.id.clone(),
            time: image.created,
            kind: EventKind::Status { from: Status::New, to: Status::New, failure: None },
        };
        let mut image = Image { last_cursor: 0, ..image.clone() };
        append::apply(&mut image, &event)?;
        let number = self.insert_image(&mut transaction, &image).await?;
        self.insert_events(&mut transaction, number, std::slice::from_ref(&event)).await?;
        self.insert_callbacks(&mut transaction, number, event.cursor, callbacks).await?;
        let wake = self.wake();
        transaction.commit().await?;
        drop(wake);
        Ok(event)
    }

    /// Answers an image as it is now.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn image(&self, id: &ImageId) -> Result<Option<Image>, Error> {
        self.call("image", self.find_image(id)).await
    }

    async fn find_image(&self, id: &ImageId) -> Result<Option<Image>, Error> {
        let mut query = QueryBuilder::new(image_row::SELECT_WHOLE);
        query.push(" WHERE i.id = ").push_bind(id.as_str());
        let row = query.build().fetch_optional(&mut *self.reader().await?).await;
        let row = row.map_err(self.failed("read an image"))?;
        row.map(|row| self.whole_image(&row)).transpose()
    }

    pub(super) fn whole_image(&self, row: &SqliteRow) -> Result<Image, Error> {
        image_row::whole(row, self.root()).map_err(|damage| self.damaged(&damage))
    }
}
