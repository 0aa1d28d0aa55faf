//! Room on the disk that is promised to builds, of all processes with the store open. A promise ends in the transaction that
//! settles its image.

use super::writer::{Durability, Transaction};
use super::{Error, Store};
use crate::domain::ImageId;
use crate::filesystem::Space;

impl Store {
    /// Looks at the file system of the store.
    ///
    /// # Errors
    /// If it can't be looked at.
    pub fn space(&self) -> Result<Space, Error> {
        Space::of(self.root())
            .map_err(|source| Error::reading("look at the file system of", self.root(), source))
    }

    /// Reserves so many bytes for an image until it is settled, if `decide` agrees, who is told how many are promised to others. What was promised
    /// to processes that are dead does not count. Answers whether it is reserved.
    ///
    /// # Errors
    /// If the database can't be read or written.
    pub async fn reserve(
        &self,
        image: &ImageId,
        bytes: u64,
        decide: impl FnOnce(u64) -> bool + Send,
    ) -> Result<bool, Error> {
        self.call("reserve", self.reserve_once(image, bytes, decide)).await
    }

    async fn reserve_once(
        &self,
        image: &ImageId,
        bytes: u64,
        decide: impl FnOnce(u64) -> bool + Send,
    ) -> Result<bool, Error> {
        let sql = "SELECT DISTINCT owner FROM reservations WHERE owner <> ?";
        let dead = self.dead_owners(sql).await?;
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        for owner in dead {
            self.forget_reservations(&mut transaction, &owner).await?;
        }
        let sum = "SELECT coalesce(sum(bytes), 0) FROM reservations WHERE image <> ?";
        let promised = sqlx::query_scalar::<_, i64>(sum)
            .bind(image.as_str())
            .fetch_one(transaction.connection())
            .await
            .map_err(self.failed("read reservations"))?;
        if !decide(promised.cast_unsigned()) {
            transaction.commit().await?;
            return Ok(false);
        }
        sqlx::query("INSERT OR REPLACE INTO reservations (image, owner, bytes) VALUES (?, ?, ?)")
            .bind(image.as_str())
            .bind(self.inner.owner.id())
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .execute(transaction.connection())
            .await
            .map_err(self.failed("reserve room"))?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Ends the promise to an image.
    pub(super) async fn release(
        &self,
        transaction: &mut Transaction<'_>,
        image: &ImageId,
    ) -> Result<(), Error> {
        sqlx::query("DELETE FROM reservations WHERE image = ?")
            .bind(image.as_str())
            .execute(transaction.connection())
            .await
            .map(drop)
            .map_err(self.failed("give reserved room back"))
    }

    async fn forget_reservations(
        &self,
        transaction: &mut Transaction<'_>,
        owner: &str,
    ) -> Result<(), Error> {
        sqlx::query("DELETE FROM reservations WHERE owner = ?")
            .bind(owner)
            .execute(transaction.connection())
            .await
            .map(drop)
            .map_err(self.failed("forget reservations"))
    }
}
