//! Which process works on which image, and requests to stop.

use super::writer::Durability;
use super::{Error, Store, blocking, image_row, owner};
use crate::domain::{Image, ImageId};
use sqlx::QueryBuilder;
use std::path::PathBuf;

impl Store {
    /// Makes this process the owner of every image that is not settled and whose owner is dead, and answers those, oldest
    /// first. Of several processes that ask, one gets each.
    ///
    /// # Errors
    /// If the database or the locks can't be read, or the database can't be written.
    pub async fn abandoned(&self) -> Result<Vec<Image>, Error> {
        self.call("abandoned", self.take_over()).await
    }

    async fn take_over(&self) -> Result<Vec<Image>, Error> {
        let mut adopted = Vec::new();
        let sql = "SELECT DISTINCT owner FROM images WHERE settled = 0 AND owner <> ?";
        for owner in self.dead_owners(sql).await? {
            adopted.extend(self.adopt_images(&owner).await?);
        }
        adopted.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(adopted)
    }

    /// Tells whether an image belongs to this process.
    ///
    /// # Errors
    /// If there is no such image.
    pub async fn owned_here(&self, id: &ImageId) -> Result<bool, Error> {
        self.call("owned_here", self.is_own(id)).await
    }

    async fn is_own(&self, id: &ImageId) -> Result<bool, Error> {
        let owner = sqlx::query_scalar::<_, String>("SELECT owner FROM images WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(self.failed("read the owner of an image"))?;
        owner
            .map(|owner| owner == self.inner.owner.id())
            .ok_or_else(|| Error::UnknownImage(id.clone()))
    }

    /// Asks the image's owner, whichever process that is, to stop working on it. The request lasts until the image is
    /// settled; for one that is settled it means nothing.
    ///
    /// # Errors
    /// If there is no such image.
    pub async fn request_cancel(&self, id: &ImageId) -> Result<(), Error> {
        self.call("request_cancel", async {
            loop {
                let requested = self.request_cancel_once(id).await;
                if !self.inner.reserve.helps(&requested).await {
                    return requested;
                }
            }
        })
        .await
    }

    async fn request_cancel_once(&self, id: &ImageId) -> Result<(), Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let changed = sqlx::query("UPDATE images SET cancel = (settled = 0) WHERE id = ?")
            .bind(id.as_str())
            .execute(transaction.connection())
            .await
            .map_err(self.failed("request a cancellation"))?;
        transaction.commit().await?;
        if changed.rows_affected() == 0 {
            return Err(Error::UnknownImage(id.clone()));
        }
        Ok(())
    }

    /// Answers the images of this process that are asked to stop and are not settled yet. Cheap enough to ask often.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn cancel_requests(&self) -> Result<Vec<ImageId>, Error> {
        self.call("cancel_requests", self.read_cancels()).await
    }

    async fn read_cancels(&self) -> Result<Vec<ImageId>, Error> {
        let sql =
            "SELECT id FROM images WHERE owner = ? AND settled = 0 AND cancel = 1 ORDER BY number";
        let ids = sqlx::query_scalar::<_, String>(sql)
            .bind(self.inner.owner.id())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(self.failed("read requests to cancel"))?;
        let ids = ids.iter().map(|id| image_row::image_id(id)).collect::<Result<_, _>>();
        ids.map_err(|damage| self.damaged(&damage))
    }

    /// Answers which owners are dead of those that a query answers, which is given this process's.
    pub(super) async fn dead_owners(&self, sql: &'static str) -> Result<Vec<String>, Error> {
        let owners = sqlx::query_scalar::<_, String>(sql)
            .bind(self.inner.owner.id())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(self.failed("read owners"))?;
        let directory = self.owners_dir();
        blocking(move || {
            let mut dead = Vec::new();
            for owner in owners {
                if owner::is_dead(&directory, &owner)? {
                    dead.push(owner);
                }
            }
            Ok(dead)
        })
        .await
    }

    /// Takes the images of a dead owner. The update is the arbiter: a second process finds none with that owner.
    async fn adopt_images(&self, dead: &str) -> Result<Vec<Image>, Error> {
        loop {
            let adopted = self.adopt_images_once(dead).await;
            if !self.inner.reserve.helps(&adopted).await {
                return adopted;
            }
        }
    }

    async fn adopt_images_once(&self, dead: &str) -> Result<Vec<Image>, Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let sql = "UPDATE images SET owner = ? WHERE settled = 0 AND owner = ? RETURNING number";
        let taken = sqlx::query_scalar::<_, i64>(sql)
            .bind(self.inner.owner.id())
            .bind(dead)
            .fetch_all(transaction.connection())
            .await
            .map_err(self.failed("take over images"))?;
        let mut images = Vec::new();
        for number in taken {
            let mut query = QueryBuilder::new(image_row::SELECT_WHOLE);
            query.push(" WHERE i.number = ").push_bind(number);
            let row = query.build().fetch_one(transaction.connection()).await;
            images.push(self.whole_image(&row.map_err(self.failed("read an image"))?)?);
        }
        transaction.commit().await?;
        Ok(images)
    }

    pub(super) fn owners_dir(&self) -> PathBuf {
        self.root().join("owners")
    }
}
