//! Nonces of signed requests that name a second in the future, and so could come again after a restart.

use super::image_row::column;
use super::rows::Damage;
use super::writer::Durability;
use super::{Error, Store};
use sqlx::sqlite::SqliteRow;

/// A nonce: the client, the second since 1970 that its request names, and the nonce, shortened.
pub type SignedAhead = (String, u64, [u8; 16]);

impl Store {
    /// Remembers a nonce, and forgets those before `oldest`.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn remember_signed_ahead(
        &self,
        (client, second, nonce): &SignedAhead,
        oldest: u64,
    ) -> Result<(), Error> {
        let failed = self.failed("remember a signed request");
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let forget = sqlx::query("DELETE FROM signed_ahead WHERE second < ?");
        let forget = forget.bind(signed(oldest)).execute(transaction.connection());
        forget.await.map_err(&failed)?;
        let insert = sqlx::query("INSERT OR IGNORE INTO signed_ahead VALUES (?, ?, ?)");
        let insert = insert.bind(client).bind(signed(*second)).bind(nonce.as_slice());
        insert.execute(transaction.connection()).await.map_err(&failed)?;
        transaction.commit().await
    }

    /// Answers the nonces of the second `oldest` and later.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn signed_ahead(&self, oldest: u64) -> Result<Vec<SignedAhead>, Error> {
        let query = sqlx::query("SELECT client, second, nonce FROM signed_ahead WHERE second >= ?");
        let rows = query.bind(signed(oldest)).fetch_all(&mut *self.reader().await?).await;
        let rows = rows.map_err(self.failed("read the signed requests"))?;
        let nonces = rows.iter().map(whole).collect::<Result<_, _>>();
        nonces.map_err(|damage| self.damaged(&damage))
    }
}

fn whole(row: &SqliteRow) -> Result<SignedAhead, Damage> {
    let second: i64 = column(row, "second")?;
    let nonce: Vec<u8> = column(row, "nonce")?;
    let nonce = nonce.try_into().map_err(|_| Damage::malformed("nonce", &"its length is wrong"))?;
    Ok((column(row, "client")?, second.unsigned_abs(), nonce))
}

fn signed(second: u64) -> i64 {
    i64::try_from(second).unwrap_or(i64::MAX)
}
