//! The database: its schema, how it came to be, and the connections to it.

use super::Error;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use std::path::Path;
use std::time::Duration;

/// Every step from an empty file to the present schema. A released step is never changed: stores that took it exist.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
    include_str!("migrations/5.sql"),
    include_str!("migrations/6.sql"),
    include_str!("migrations/7.sql"),
];

/// Marks a database as a factory's ("ifac"), so that nobody else's is taken for one.
const APPLICATION_ID: i64 = 0x6966_6163;

/// How long a connection waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers how to connect to the database at `path` for writing.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Sorting takes no room on a disk that may be full.
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// Answers how to connect to the database at `path` for reading.
pub(super) fn options_to_read(path: &Path) -> SqliteConnectOptions {
    options(path).create_if_missing(false).pragma("query_only", "ON")
}

/// Brings the database to the present schema, in one transaction.
///
/// # Errors
/// If it is newer than this program, is not a factory's, or can't be written.
pub(super) async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::database("migrate the schema", path, source);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found = version(&mut transaction, path).await?;
    for step in &MIGRATIONS[found..] {
        sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(failed)?;
    }
    if found < MIGRATIONS.len() {
        let stamp = format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
            MIGRATIONS.len()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(stamp))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    // Changes nothing, and yet fails if nothing can be changed: better now than in the middle of a build.
    sqlx::raw_sql("UPDATE images SET cancel = cancel WHERE false")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// How many cursors are left out after a start of the machine: more than a power cut can have taken back.
const CURSORS_LEFT_OUT: i64 = 1 << 20;

/// Notes on which start of the machine the database is used. If it was used on another, cursors are left out.
///
/// # Errors
/// If it can't be written.
pub(super) async fn note_boot(
    connection: &mut SqliteConnection,
    path: &Path,
    boot: &str,
) -> Result<(), Error> {
    let failed = |source| Error::database("note the start of the machine", path, source);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let noted = sqlx::query_scalar::<_, String>("SELECT boot FROM machine");
    let noted = noted.fetch_optional(&mut *transaction).await.map_err(failed)?;
    let sql = match noted {
        Some(noted) if noted == boot => return Ok(()),
        Some(_) => {
            sqlx::query("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'events'")
                .bind(CURSORS_LEFT_OUT)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            "UPDATE machine SET boot = ?"
        }
        None => "INSERT INTO machine (boot) VALUES (?)",
    };
    sqlx::query(sql).bind(boot).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Answers the schema's version: how many migrations were made.
async fn version(connection: &mut SqliteConnection, path: &Path) -> Result<usize, Error> {
    let (found, application, tables): (i64, i64, i64) = sqlx::query_as(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_user_version, pragma_application_id",
    )
    .fetch_one(connection)
    .await
    .map_err(|source| Error::database("read the schema version", path, source))?;
    let empty = found == 0 && tables == 0;
    if application != APPLICATION_ID && !empty {
        let what = "it is another program's database".to_owned();
        return Err(Error::Corrupt { path: path.to_owned(), what });
    }
    let known = MIGRATIONS.len();
    match usize::try_from(found) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(Error::Newer { path: path.to_owned(), found, known: known as i64 }),
    }
}
