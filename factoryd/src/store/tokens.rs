//! Tokens: whose they are and what they allow, never what they are.

use super::image_row::{column, nanoseconds, time};
use super::rows::Damage;
use super::writer::Durability;
use super::{Error, Store};
use crate::domain::{Role, Token};
use sqlx::sqlite::SqliteRow;
use std::time::SystemTime;

impl Store {
    /// Records a token by its SHA-256.
    ///
    /// # Errors
    /// If the database can't be written, or has such an id already.
    pub async fn insert_token(&self, token: &Token, digest: [u8; 32]) -> Result<(), Error> {
        // A token that was shown must be there after a power cut.
        let mut transaction = self.inner.writer.begin(Durability::Power).await?;
        sqlx::query(
            "INSERT INTO tokens (id, name, role, digest, created, expires, last_used)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&token.id)
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(digest.as_slice())
        .bind(nanoseconds(token.created))
        .bind(token.expires.map(nanoseconds))
        .bind(token.last_used.map(nanoseconds))
        .execute(transaction.connection())
        .await
        .map_err(self.failed("record a token"))?;
        transaction.commit().await
    }

    /// Answers a token and its SHA-256.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn token(&self, id: &str) -> Result<Option<(Token, [u8; 32])>, Error> {
        let query = sqlx::query("SELECT * FROM tokens WHERE id = ?").bind(id);
        let row = query.fetch_optional(&mut *self.reader().await?).await;
        let row = row.map_err(self.failed("read a token"))?;
        row.map(|row| self.whole_token(&row)).transpose()
    }

    /// Lists tokens, oldest first.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let query = sqlx::query("SELECT * FROM tokens ORDER BY created, id");
        let rows = query.fetch_all(&mut *self.reader().await?).await;
        let rows = rows.map_err(self.failed("list tokens"))?;
        rows.iter().map(|row| self.whole_token(row).map(|(token, _)| token)).collect()
    }

    /// Forgets a token, and answers whether there was one. It is refused from now on, by all processes.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn delete_token(&self, id: &str) -> Result<bool, Error> {
        let mut transaction = self.inner.writer.begin(Durability::Power).await?;
        let query = sqlx::query("DELETE FROM tokens WHERE id = ?").bind(id);
        let deleted = query.execute(transaction.connection()).await;
        let deleted = deleted.map_err(self.failed("revoke a token"))?.rows_affected();
        transaction.commit().await?;
        Ok(deleted == 1)
    }

    /// Notes when a token was used.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn touch_token(&self, id: &str, used: SystemTime) -> Result<(), Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let query = sqlx::query("UPDATE tokens SET last_used = ? WHERE id = ?");
        let query = query.bind(nanoseconds(used)).bind(id);
        let touched = query.execute(transaction.connection()).await;
        touched.map_err(self.failed("note the use of a token"))?;
        transaction.commit().await
    }

    fn whole_token(&self, row: &SqliteRow) -> Result<(Token, [u8; 32]), Error> {
        whole(row).map_err(|damage| self.damaged(&damage))
    }
}

fn whole(row: &SqliteRow) -> Result<(Token, [u8; 32]), Damage> {
    let role: String = column(row, "role")?;
    let role: Role = role.parse().map_err(|_| Damage::unknown("role", &role))?;
    let digest: Vec<u8> = column(row, "digest")?;
    let digest = digest.try_into();
    let digest = digest.map_err(|_| Damage::malformed("token", &"its digest is no SHA-256"))?;
    let expires: Option<i64> = column(row, "expires")?;
    let last_used: Option<i64> = column(row, "last_used")?;
    let token = Token {
        id: column(row, "id")?,
        name: column(row, "name")?,
        role,
        created: time(column(row, "created")?),
        expires: expires.map(time),
        last_used: last_used.map(time),
    };
    Ok((token, digest))
}
