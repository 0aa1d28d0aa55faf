//! The row of an image.

use super::rows::{Damage, Detail, FORMAT, Word};
use super::writer::Transaction;
use super::{Error, Store};
use crate::domain::{Image, ImageId, Kind, Parameters, Status};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

macro_rules! columns {
    () => {
        "i.id, i.kind, i.status, i.percent, i.activity, i.name, i.parent, i.target, i.provider, \
         i.snapshot, i.attempt, i.created, i.updated, i.last_cursor, i.format, i.detail, i.number"
    };
}

/// Selects whole images; to be followed by conditions.
pub(super) const SELECT_WHOLE: &str = concat!(
    "SELECT ",
    columns!(),
    ", template.body AS template, icicle.body AS icicle
     FROM images i
     LEFT JOIN documents template ON template.image = i.number AND template.name = 'template'
     LEFT JOIN documents icicle ON icicle.image = i.number AND icicle.name = 'icicle'"
);

/// Selects one image, given an owner and its id, without its long texts, and the last cursor of the whole store.
pub(super) const SELECT_FOR_CHANGE: &str = concat!(
    "SELECT ",
    columns!(),
    ", i.settled, i.owner = ? AS is_own,
            (SELECT seq FROM sqlite_sequence WHERE name = 'events') AS cursor_written
     FROM images i WHERE i.id = ?"
);

/// An image read to be changed.
pub(super) struct ImageRow {
    /// The image, with empty long texts: a text that it has after events is news.
    pub(super) image: Image,
    /// Its number.
    pub(super) number: i64,
    /// Whether it was settled when it was read.
    pub(super) was_settled: bool,
    /// Whether it belongs to this process.
    pub(super) is_own: bool,
    /// The last cursor of the whole store.
    pub(super) cursor_written: u64,
}

/// Reads a row of [`SELECT_WHOLE`].
pub(super) fn whole(row: &SqliteRow, root: &Path) -> Result<Image, Damage> {
    let mut image = hot(row, root)?;
    image.template_xml = column::<Option<String>>(row, "template")?.unwrap_or_default();
    image.icicle_xml = column(row, "icicle")?;
    Ok(image)
}

/// Reads a row of [`SELECT_FOR_CHANGE`].
pub(super) fn for_change(row: &SqliteRow, root: &Path) -> Result<ImageRow, Damage> {
    Ok(ImageRow {
        image: hot(row, root)?,
        number: column(row, "number")?,
        was_settled: column(row, "settled")?,
        is_own: column(row, "is_own")?,
        cursor_written: unsigned(row, "cursor_written")?,
    })
}

impl Store {
    /// Writes the row of a new image and answers its number.
    pub(super) async fn insert_image(
        &self,
        transaction: &mut Transaction<'_>,
        image: &Image,
    ) -> Result<i64, Error> {
        let inserted = sqlx::query_scalar(
            "INSERT INTO images (id, kind, status, settled, percent, activity, name, parent, target, provider,
                 snapshot, attempt, created, updated, first_cursor, last_cursor, owner, format, detail)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
        )
        .bind(image.id.as_str())
        .bind(image.kind.as_str())
        .bind(image.status.as_str())
        .bind(image.status.is_settled())
        .bind(finite(image.percent))
        .bind(&image.activity)
        .bind(&image.name)
        .bind(image.parent.as_ref().map(ImageId::as_str))
        .bind(&image.target)
        .bind(&image.provider)
        .bind(image.snapshot)
        .bind(image.attempt)
        .bind(nanoseconds(image.created))
        .bind(nanoseconds(image.updated))
        .bind(image.last_cursor.cast_signed())
        .bind(image.last_cursor.cast_signed())
        .bind(self.inner.owner.id())
        .bind(FORMAT)
        .bind(self.detail(image)?)
        .fetch_one(transaction.connection())
        .await;
        let number = inserted.map_err(|source| self.insert_failed(&image.id, source))?;
        self.put_document(transaction, number, "template", &image.template_xml).await?;
        if let Some(icicle) = &image.icicle_xml {
            self.put_document(transaction, number, "icicle", icicle).await?;
        }
        Ok(number)
    }

    /// Writes what events made of an image that was read by [`SELECT_FOR_CHANGE`].
    pub(super) async fn update_image(
        &self,
        transaction: &mut Transaction<'_>,
        row: &ImageRow,
    ) -> Result<(), Error> {
        let image = &row.image;
        let settled = image.status.is_settled();
        let starts = row.was_settled && !settled;
        sqlx::query(
            "UPDATE images SET status = ?, settled = ?, percent = ?, activity = ?, updated = ?, last_cursor = ?,
                 attempt = ?, format = ?, detail = ?, owner = iif(?, ?, owner), cancel = iif(?, 0, cancel)
             WHERE number = ?",
        )
        .bind(image.status.as_str())
        .bind(settled)
        .bind(finite(image.percent))
        .bind(&image.activity)
        .bind(nanoseconds(image.updated))
        .bind(image.last_cursor.cast_signed())
        .bind(image.attempt)
        .bind(FORMAT)
        .bind(self.detail(image)?)
        .bind(starts)
        .bind(self.inner.owner.id())
        .bind(starts || settled)
        .bind(row.number)
        .execute(transaction.connection())
        .await
        .map_err(self.failed("update an image"))?;
        if settled {
            self.release(transaction, &image.id).await?;
        }
        match &image.icicle_xml {
            Some(icicle) => self.put_document(transaction, row.number, "icicle", icicle).await,
            None => Ok(()),
        }
    }

    /// Writes a long text of the image with this number.
    pub(super) async fn put_document(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        name: &'static str,
        body: &str,
    ) -> Result<(), Error> {
        sqlx::query("INSERT OR REPLACE INTO documents (image, name, body) VALUES (?, ?, ?)")
            .bind(image)
            .bind(name)
            .bind(body)
            .execute(transaction.connection())
            .await
            .map(drop)
            .map_err(self.failed("write a document"))
    }

    fn detail(&self, image: &Image) -> Result<String, Error> {
        let detail = Detail {
            failure: image.failure.clone(),
            identifiers: image.identifiers.clone(),
            artifacts: image.artifacts.clone(),
            properties: image.properties.0.clone(),
            parameters: image.parameters.0.clone(),
            secrets: image.secrets.clone(),
        };
        detail.into_json(self.root()).map_err(|damage| self.damaged(&damage))
    }

    fn insert_failed(&self, image: &ImageId, source: sqlx::Error) -> Error {
        match &source {
            sqlx::Error::Database(error) if error.is_unique_violation() => {
                Error::Duplicate(image.clone())
            }
            _ => self.failed("record an image")(source),
        }
    }
}

fn hot(row: &SqliteRow, root: &Path) -> Result<Image, Damage> {
    Damage::check_format(column(row, "format")?)?;
    let detail = Detail::from_json(column(row, "detail")?, root)?;
    Ok(Image {
        id: image_id(column(row, "id")?)?,
        kind: Kind::read(column(row, "kind")?)?,
        status: Status::read(column(row, "status")?)?,
        percent: column(row, "percent")?,
        activity: column(row, "activity")?,
        failure: detail.failure,
        name: column(row, "name")?,
        template_xml: String::new(),
        parent: column::<Option<&str>>(row, "parent")?.map(image_id).transpose()?,
        target: column(row, "target")?,
        provider: column(row, "provider")?,
        snapshot: column(row, "snapshot")?,
        identifiers: detail.identifiers,
        artifacts: detail.artifacts,
        properties: Parameters(detail.properties),
        parameters: Parameters(detail.parameters),
        secrets: detail.secrets,
        icicle_xml: None,
        attempt: column(row, "attempt")?,
        created: time(column(row, "created")?),
        updated: time(column(row, "updated")?),
        last_cursor: unsigned(row, "last_cursor")?,
    })
}

/// Reads a column.
pub(super) fn column<'r, T>(row: &'r SqliteRow, name: &'static str) -> Result<T, Damage>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(name).map_err(|source| Damage::malformed(name, &source))
}

/// Reads a column that holds a number that is never negative.
pub(super) fn unsigned(row: &SqliteRow, name: &'static str) -> Result<u64, Damage> {
    column::<i64>(row, name)?.try_into().map_err(|source| Damage::malformed(name, &source))
}

/// Reads the id of an image.
pub(super) fn image_id(text: &str) -> Result<ImageId, Damage> {
    ImageId::parse(text).map_err(|source| Damage::malformed("id", &source))
}

/// Writes a time as nanoseconds since 1970; good until the year 2262.
pub(super) fn nanoseconds(time: SystemTime) -> i64 {
    let clamped = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => clamped(after),
        Err(before) => -clamped(before.duration()),
    }
}

/// Reads a time.
pub(super) fn time(nanoseconds: i64) -> SystemTime {
    let span = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { UNIX_EPOCH - span } else { UNIX_EPOCH + span }
}

/// SQLite takes what is no number for NULL.
fn finite(percent: f64) -> f64 {
    if percent.is_finite() { percent } else { 0.0 }
}
