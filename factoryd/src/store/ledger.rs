//! The ledger: what plugins made, or meant to make, outside this machine, and have not deleted; and who settles it.
//!
//! An entry is left over if it is open, its image does not own it, and nobody works on the image any more. It belongs to the
//! process that worked on the image for as long as that lives, and to any then; one at a time claims it.

use super::image_row::{column, image_id, nanoseconds, time, unsigned};
use super::rows::{Damage, Word};
use super::writer::{Durability, Transaction};
use super::{Error, Store};
use crate::domain::{ImageId, Resource, ResourceState};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use std::time::SystemTime;

/// How many entries are claimed at once.
const CLAIM_MAX: u32 = 256;

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEntry {
    /// Its number: never used twice.
    pub number: u64,
    /// The image it was made for.
    pub image: ImageId,
    /// The target of that; `None` for a base image.
    pub target: Option<String>,
    /// The provider of that.
    pub provider: Option<String>,
    /// What it is, and how far it got.
    pub resource: Resource,
    /// Whether its image, which is complete, owns it.
    pub kept: bool,
    /// Whether the image is still being worked on.
    pub busy: bool,
    /// When it was declared.
    pub declared: SystemTime,
    /// How often it was tried to settle it.
    pub attempts: u32,
    /// What was in the way the last time; empty if nothing.
    pub problem: String,
    /// Whether it waits for somebody to give credentials.
    pub needs_credentials: bool,
    /// When it is tried again.
    pub next: SystemTime,
    /// Whether some process settles it now.
    pub claimed: bool,
}

/// Which entries to answer. The default is all that is open and that no image owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Of this image only.
    pub image: Option<ImageId>,
    /// These only; all if empty.
    pub numbers: Vec<u64>,
    /// Also what complete images own.
    pub kept: bool,
}

/// Why an entry is still open after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponed {
    /// The entry.
    pub number: u64,
    /// What was in the way.
    pub problem: String,
    /// Whether it waits for somebody to give credentials. Then this was no try.
    pub needs_credentials: bool,
    /// When to try again.
    pub next: SystemTime,
}

/// What a process may claim of what is left over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Of these images, for which it has credentials: also what waits for some.
    pub keyed: Vec<ImageId>,
    /// Of these images, which it works on.
    pub own: Vec<ImageId>,
    /// Of all images that this or a dead process has worked on.
    pub orphans: bool,
}

const SELECT: &str = "SELECT r.*, i.id AS image_id, i.target, i.provider, i.settled
     FROM resources r JOIN images i ON i.number = r.image WHERE r.state <> 'deleted'";

impl Store {
    /// Answers what is open, in the order in which it was declared.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn ledger(&self, filter: &LedgerFilter) -> Result<Vec<LedgerEntry>, Error> {
        self.call("ledger", self.read_ledger(filter)).await
    }

    async fn read_ledger(&self, filter: &LedgerFilter) -> Result<Vec<LedgerEntry>, Error> {
        let mut query = QueryBuilder::new(SELECT);
        if !filter.kept {
            query.push(" AND r.kept = 0");
        }
        if let Some(image) = &filter.image {
            query.push(" AND i.id = ").push_bind(image.as_str());
        }
        if !filter.numbers.is_empty() {
            push_numbers(&mut query, &filter.numbers);
        }
        query.push(" ORDER BY r.number");
        let rows = query.build().fetch_all(&mut *self.reader().await?).await;
        self.entries(&rows.map_err(self.failed("read the ledger"))?)
    }

    /// Claims what is left over and due, and answers it, the newest first. Each claim counts as a try.
    ///
    /// # Errors
    /// If the database or the locks can't be read, or the database can't be written.
    pub async fn claim_left_over(
        &self,
        now: SystemTime,
        left: &Left,
    ) -> Result<Vec<LedgerEntry>, Error> {
        self.call("claim_left_over", self.claim_due(now, left)).await
    }

    async fn claim_due(&self, now: SystemTime, left: &Left) -> Result<Vec<LedgerEntry>, Error> {
        let mut owners = Vec::new();
        if left.orphans {
            owners.push(self.inner.owner.id().to_owned());
            let sql = "SELECT DISTINCT i.owner FROM resources r JOIN images i ON i.number = r.image
                 WHERE r.state <> 'deleted' AND r.kept = 0 AND i.owner <> ?";
            owners.extend(self.dead_owners(sql).await?);
        }
        self.free_claims().await?;
        let numbers = self.due(now, &owners, left).await?;
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let claimed = self.claim(&mut transaction, &numbers).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Claims what is open of an image that this process works on, and answers it, the newest first. Each claim counts as a
    /// try.
    ///
    /// # Errors
    /// If the database can't be read or written.
    pub async fn claim_of(&self, image: &ImageId) -> Result<Vec<LedgerEntry>, Error> {
        self.call("claim_of", self.claim_open(image)).await
    }

    async fn claim_open(&self, image: &ImageId) -> Result<Vec<LedgerEntry>, Error> {
        let filter = LedgerFilter { image: Some(image.clone()), ..LedgerFilter::default() };
        self.free_claims().await?;
        let numbers: Vec<u64> =
            self.read_ledger(&filter).await?.iter().map(|it| it.number).collect();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let claimed = self.claim(&mut transaction, &numbers).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Gives up claims, and notes why the entries are still open. Those that are closed meanwhile stay so.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn postpone(&self, postponed: &[Postponed]) -> Result<(), Error> {
        self.call("postpone", self.write_postponed(postponed)).await
    }

    async fn write_postponed(&self, postponed: &[Postponed]) -> Result<(), Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        for entry in postponed {
            sqlx::query(
                "UPDATE resources SET reaper = '', problem = ?1, keyless = ?2, next = ?3, attempts = attempts - ?2
                 WHERE number = ?4 AND reaper = ?5",
            )
            .bind(&entry.problem)
            .bind(entry.needs_credentials)
            .bind(nanoseconds(entry.next))
            .bind(entry.number.cast_signed())
            .bind(self.inner.owner.id())
            .execute(transaction.connection())
            .await
            .map_err(self.failed("postpone entries of the ledger"))?;
        }
        transaction.commit().await
    }

    /// Makes entries due now; those that wait for credentials go on waiting for who has them.
    ///
    /// # Errors
    /// If the database can't be written.
    pub async fn hasten(&self, numbers: &[u64]) -> Result<(), Error> {
        self.call("hasten", self.write_hastened(numbers)).await
    }

    async fn write_hastened(&self, numbers: &[u64]) -> Result<(), Error> {
        let mut query = QueryBuilder::new("UPDATE resources AS r SET next = 0 WHERE TRUE");
        push_numbers(&mut query, numbers);
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let done = query.build().execute(transaction.connection()).await;
        done.map_err(self.failed("make entries of the ledger due"))?;
        transaction.commit().await
    }

    /// Answers when the next entry is due that some process may claim; `None` if there is none.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn next_left_over(&self) -> Result<Option<SystemTime>, Error> {
        self.call("next_left_over", self.read_next()).await
    }

    async fn read_next(&self) -> Result<Option<SystemTime>, Error> {
        let sql = "SELECT min(r.next) FROM resources r JOIN images i ON i.number = r.image
             WHERE r.state <> 'deleted' AND r.kept = 0 AND r.keyless = 0 AND r.reaper = '' AND i.settled = 1";
        let next =
            sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(&mut *self.reader().await?).await;
        Ok(next.map_err(self.failed("read the ledger"))?.map(time))
    }

    /// Tells whether nobody works on an image; an unknown one counts as settled.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn is_settled(&self, image: &ImageId) -> Result<bool, Error> {
        self.call("is_settled", self.read_settled(image)).await
    }

    async fn read_settled(&self, image: &ImageId) -> Result<bool, Error> {
        let settled = sqlx::query_scalar::<_, bool>("SELECT settled FROM images WHERE id = ?")
            .bind(image.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await;
        Ok(settled.map_err(self.failed("read an image"))?.unwrap_or(true))
    }

    async fn due(
        &self,
        now: SystemTime,
        owners: &[String],
        left: &Left,
    ) -> Result<Vec<u64>, Error> {
        let json = |ids: &[ImageId]| {
            let ids: Vec<&str> = ids.iter().map(ImageId::as_str).collect();
            serde_json::to_string(&ids).unwrap_or_default()
        };
        let rows = sqlx::query_scalar::<_, i64>(
            "SELECT r.number FROM resources r JOIN images i ON i.number = r.image
             WHERE r.state <> 'deleted' AND r.kept = 0 AND r.reaper = '' AND r.next <= ?1 AND i.settled = 1
                 AND (i.id IN (SELECT value FROM json_each(?2))
                      OR r.keyless = 0 AND (i.owner IN (SELECT value FROM json_each(?3))
                                            OR i.id IN (SELECT value FROM json_each(?4))))
             ORDER BY r.next, r.number LIMIT ?5",
        )
        .bind(nanoseconds(now))
        .bind(json(&left.keyed))
        .bind(serde_json::to_string(owners).unwrap_or_default())
        .bind(json(&left.own))
        .bind(CLAIM_MAX)
        .fetch_all(&mut *self.reader().await?)
        .await
        .map_err(self.failed("read the ledger"))?;
        Ok(rows.into_iter().map(i64::cast_unsigned).collect())
    }

    /// Claims those that nobody else has claimed meanwhile, and answers them.
    async fn claim(
        &self,
        transaction: &mut Transaction<'_>,
        numbers: &[u64],
    ) -> Result<Vec<LedgerEntry>, Error> {
        let failed = self.failed("claim entries of the ledger");
        let mut query =
            QueryBuilder::new("UPDATE resources AS r SET attempts = attempts + 1, reaper = ");
        query.push_bind(self.inner.owner.id()).push(" WHERE reaper = '' AND state <> 'deleted'");
        push_numbers(&mut query, numbers);
        query.push(" RETURNING number");
        let taken = query.build_query_scalar::<i64>().fetch_all(transaction.connection()).await;
        let taken: Vec<u64> = taken.map_err(&failed)?.into_iter().map(i64::cast_unsigned).collect();
        let mut query = QueryBuilder::new(SELECT);
        push_numbers(&mut query, &taken);
        query.push(" ORDER BY r.number DESC");
        let rows = query.build().fetch_all(transaction.connection()).await.map_err(&failed)?;
        self.entries(&rows)
    }

    /// Frees what dead processes have claimed.
    async fn free_claims(&self) -> Result<(), Error> {
        let sql = "SELECT DISTINCT reaper FROM resources
             WHERE state <> 'deleted' AND kept = 0 AND reaper <> '' AND reaper <> ?";
        for dead in self.dead_owners(sql).await? {
            let mut transaction = self.inner.writer.begin(Durability::Process).await?;
            sqlx::query("UPDATE resources SET reaper = '' WHERE reaper = ?")
                .bind(dead)
                .execute(transaction.connection())
                .await
                .map_err(self.failed("free entries of the ledger"))?;
            transaction.commit().await?;
        }
        Ok(())
    }

    fn entries(&self, rows: &[SqliteRow]) -> Result<Vec<LedgerEntry>, Error> {
        let entries = rows.iter().map(entry).collect::<Result<_, _>>();
        entries.map_err(|damage| self.damaged(&damage))
    }
}

fn push_numbers(query: &mut QueryBuilder<Sqlite>, numbers: &[u64]) {
    let json = serde_json::to_string(numbers).unwrap_or_default();
    query.push(" AND r.number IN (SELECT value FROM json_each(").push_bind(json).push("))");
}

fn entry(row: &SqliteRow) -> Result<LedgerEntry, Damage> {
    let resource = Resource {
        state: ResourceState::read(column(row, "state")?)?,
        intent_id: column(row, "intent")?,
        kind: column(row, "kind")?,
        description: column(row, "description")?,
        locator_json: column(row, "locator")?,
        resource_id: column(row, "resource")?,
        lasting: column(row, "lasting")?,
        plugin: column(row, "plugin")?,
        operation: column(row, "operation")?,
    };
    Ok(LedgerEntry {
        number: unsigned(row, "number")?,
        image: image_id(column(row, "image_id")?)?,
        target: column(row, "target")?,
        provider: column(row, "provider")?,
        resource,
        kept: column(row, "kept")?,
        busy: !column::<bool>(row, "settled")?,
        declared: time(column(row, "declared")?),
        attempts: column(row, "attempts")?,
        problem: column(row, "problem")?,
        needs_credentials: column(row, "keyless")?,
        next: time(column(row, "next")?),
        claimed: !column::<String>(row, "reaper")?.is_empty(),
    })
}
