//! The database: whether SQLite finds it whole, and whether every row has its image.

use super::{CheckOptions, Checked, Finding, Remedy, Severity, remedy};
use crate::domain::ImageId;
use crate::store::writer::Durability;
use crate::store::{Error, ImageFilter, Page, Store};
use sqlx::Row;

const BACKUP: Remedy = Remedy::ByHand("restore the store from a backup");
/// Tables whose rows mean nothing without their image, and how they lose those.
const ORPHANS: [(&str, &str); 4] = [
    ("documents", "DELETE FROM documents WHERE image NOT IN (SELECT number FROM images)"),
    ("events", "DELETE FROM events WHERE image NOT IN (SELECT number FROM images)"),
    ("steps", "DELETE FROM steps WHERE image NOT IN (SELECT number FROM images)"),
    ("callbacks", "DELETE FROM callbacks WHERE image NOT IN (SELECT number FROM images)"),
];

impl Store {
    pub(super) async fn check_rows(
        &self,
        options: CheckOptions,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let complaints = sqlx::query_scalar::<_, String>("PRAGMA integrity_check(20)")
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(self.failed("check the integrity"));
        for complaint in readable(complaints, checked, self)?.unwrap_or_default() {
            if complaint != "ok" {
                checked.findings.push(self.damage(complaint));
            }
        }
        self.check_references(options, checked).await
    }

    async fn check_references(
        &self,
        options: CheckOptions,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let rows =
            sqlx::query(r#"SELECT "table", count(*) FROM pragma_foreign_key_check GROUP BY 1"#)
                .fetch_all(&mut *self.reader().await?)
                .await
                .map_err(self.failed("check references"));
        for row in readable(rows, checked, self)?.unwrap_or_default() {
            let read = |source| self.failed("read a reference")(source);
            let table: String = row.try_get(0).map_err(read)?;
            let count: i64 = row.try_get(1).map_err(read)?;
            checked.findings.push(self.orphans(options, &table, count).await?);
        }
        Ok(())
    }

    /// Says, of rows whose image is not there, what they are, and removes them if that is all they are good for.
    async fn orphans(
        &self,
        options: CheckOptions,
        table: &str,
        count: i64,
    ) -> Result<Finding, Error> {
        let message = format!("{count} row(s) of `{table}` belong to no image");
        if table == "resources" {
            let look = Remedy::ByHand(
                "look in the provider's account for what they name, then restore a backup",
            );
            return Ok(Finding::new(Severity::Error, "LEDGER_WITHOUT_IMAGE", message, look));
        }
        let Some((_, removal)) = ORPHANS.iter().find(|(name, _)| *name == table) else {
            return Ok(Finding::new(Severity::Error, "ROW_WITHOUT_IMAGE", message, BACKUP));
        };
        if options.repair {
            let mut transaction = self.inner.writer.begin(Durability::Power).await?;
            let removed = sqlx::query(*removal).execute(transaction.connection()).await;
            removed.map_err(self.failed("remove rows without an image"))?;
            transaction.commit().await?;
        }
        let remedy = remedy(options, "remove them");
        Ok(Finding::new(Severity::Warning, "ROW_WITHOUT_IMAGE", message, remedy))
    }

    /// Answers the ids of all images, deleted ones too.
    pub(super) async fn every_id(&self) -> Result<Vec<ImageId>, Error> {
        let all = ImageFilter { include_deleted: true, ..ImageFilter::default() };
        Ok(self.image_ids(&all, &Page::default()).await?.items)
    }

    pub(super) fn damage(&self, complaint: String) -> Finding {
        Finding::new(Severity::Error, "DATABASE_DAMAGED", complaint, BACKUP)
            .at(&self.inner.database)
    }
}

/// Makes a finding of damage that keeps something from being read, and leaves other errors alone.
pub(super) fn readable<T>(
    read: Result<T, Error>,
    checked: &mut Checked,
    store: &Store,
) -> Result<Option<T>, Error> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Error::Corrupt { what, .. }) => {
            checked.findings.push(store.damage(what));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
