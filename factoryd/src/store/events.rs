//! Events: numbered, queried, watched.

use super::image_row::{column, image_id, nanoseconds, time, unsigned};
use super::rows::{self, Damage, FORMAT};
use super::writer::Transaction;
use super::{Error, News, Store};
use crate::domain::{Event, EventKind, ImageId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

/// How many events one statement writes: few enough for SQLite's limit on bound values.
const ROWS_PER_INSERT: usize = 500;

/// Which events to read. The default is the first 1000 of all images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Of these images only; of all if empty.
    pub images: Vec<ImageId>,
    /// Those after this cursor; 0 for the first ones.
    pub after: u64,
    /// So many at most.
    pub limit: usize,
    /// Lines of log too.
    pub logs: bool,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self { images: Vec::new(), after: 0, limit: 1000, logs: true }
    }
}

impl Store {
    /// Answers events in the order of their cursors. Who asks again with the last cursor of an answer misses none.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn events(&self, query: &EventQuery) -> Result<Vec<Event>, Error> {
        self.call("events", self.read_events(query)).await
    }

    async fn read_events(&self, query: &EventQuery) -> Result<Vec<Event>, Error> {
        let rows = select(query).build().fetch_all(&mut *self.reader().await?).await;
        let rows = rows.map_err(self.failed("read events"))?;
        let events = rows.iter().map(|row| self.event(row)).collect::<Result<_, _>>();
        events.map_err(|damage| self.damaged(&damage))
    }

    /// Answers what tells that this process wrote events. Other processes' events do not show; whoever waits for those too
    /// looks now and then.
    pub fn cursor(&self) -> News {
        self.inner.herald.listen()
    }

    /// Answers the last cursor that any process wrote; 0 if there is no event yet.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn last_cursor(&self) -> Result<u64, Error> {
        self.call("last_cursor", self.read_last_cursor()).await
    }

    async fn read_last_cursor(&self) -> Result<u64, Error> {
        let last =
            sqlx::query_scalar::<_, i64>(LAST_CURSOR).fetch_one(&mut *self.reader().await?).await;
        Ok(last.map_err(self.failed("read the last cursor"))?.cast_unsigned())
    }

    /// Answers the last cursor that was ever given; the next one is free for the one who holds the transaction.
    pub(super) async fn cursor_written(
        &self,
        transaction: &mut Transaction<'_>,
    ) -> Result<u64, Error> {
        let last = sqlx::query_scalar::<_, i64>(LAST_CURSOR).fetch_one(transaction.connection());
        Ok(last.await.map_err(self.failed("read the last cursor"))?.cast_unsigned())
    }

    /// Writes numbered events of the image with this number.
    pub(super) async fn insert_events(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        events: &[Event],
    ) -> Result<(), Error> {
        for events in events.chunks(ROWS_PER_INSERT) {
            let mut query =
                self.insertion(image, events).map_err(|damage| self.damaged(&damage))?;
            // A statement for many rows is rarely seen again; kept, it would displace the frequent ones.
            let query = query.build().persistent(events.len() == 1);
            let written = query.execute(transaction.connection()).await;
            written.map_err(self.failed("write events"))?;
        }
        Ok(())
    }

    fn insertion(&self, image: i64, events: &[Event]) -> Result<QueryBuilder<Sqlite>, Damage> {
        let bodies = events.iter().map(|event| rows::event_to_json(&event.kind, self.root()));
        let bodies = bodies.collect::<Result<Vec<_>, _>>()?;
        let mut query =
            QueryBuilder::new("INSERT INTO events (cursor, image, time, log, format, body) ");
        query.push_values(events.iter().zip(bodies), |mut row, (event, body)| {
            row.push_bind(event.cursor.cast_signed())
                .push_bind(image)
                .push_bind(nanoseconds(event.time))
                .push_bind(matches!(event.kind, EventKind::Log(_)))
                .push_bind(FORMAT)
                .push_bind(body);
        });
        Ok(query)
    }

    fn event(&self, row: &SqliteRow) -> Result<Event, Damage> {
        Damage::check_format(column(row, "format")?)?;
        Ok(Event {
            cursor: unsigned(row, "cursor")?,
            image: image_id(column(row, "id")?)?,
            time: time(column(row, "time")?),
            kind: rows::event_from_json(column(row, "body")?, self.root())?,
        })
    }
}

const LAST_CURSOR: &str =
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";

fn select(query: &EventQuery) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(
        "SELECT e.cursor, i.id, e.time, e.format, e.body
         FROM events e CROSS JOIN images i ON i.number = e.image WHERE e.cursor > ",
    );
    sql.push_bind(i64::try_from(query.after).unwrap_or(i64::MAX));
    match query.images.as_slice() {
        [] => {}
        [one] => {
            let number = "e.image = (SELECT number FROM images WHERE id = ";
            sql.push(" AND ").push(number).push_bind(one.as_str()).push(")");
        }
        // The plus keeps SQLite from collecting and sorting all events of the images for every page.
        many => {
            for (bound, column) in
                [(">= (SELECT min", "first_cursor"), ("<= (SELECT max", "last_cursor")]
            {
                sql.push(" AND e.cursor ")
                    .push(bound)
                    .push("(")
                    .push(column)
                    .push(") FROM images WHERE ");
                push_ids(&mut sql, many);
                sql.push(")");
            }
            sql.push(" AND +e.image IN (SELECT number FROM images WHERE ");
            push_ids(&mut sql, many);
            sql.push(")");
        }
    }
    if !query.logs {
        sql.push(" AND e.log = 0");
    }
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    sql.push(" ORDER BY e.cursor LIMIT ").push_bind(limit);
    sql
}

fn push_ids(sql: &mut QueryBuilder<Sqlite>, ids: &[ImageId]) {
    let ids: Vec<&str> = ids.iter().map(ImageId::as_str).collect();
    let json = serde_json::to_string(&ids).unwrap_or_default();
    sql.push("id IN (SELECT value FROM json_each(").push_bind(json).push("))");
}
