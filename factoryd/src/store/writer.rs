//! The one connection that writes.

use super::{Error, schema, seam};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};
use std::path::{Path, PathBuf};
use tokio::sync::{Mutex, MutexGuard};

/// What a write that was acknowledged survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// The end of this process, `kill -9` included. A power cut may undo the last writes, never their order.
    Process,
    /// A power cut too: the log is synchronised before the write returns, and all earlier writes with it.
    Power,
}

/// The writing connection of this process, used by one writer after the other.
pub(super) struct Writer {
    path: PathBuf,
    session: Mutex<Option<Session>>,
}

struct Session {
    connection: SqliteConnection,
    durability: Durability,
}

/// A transaction that writes. Dropped without [`Transaction::commit`] it undoes itself and takes the connection with it,
/// so that the next one never starts from an unclear state: after a full disk, or a caller that went away.
pub(super) struct Transaction<'a> {
    slot: MutexGuard<'a, Option<Session>>,
    session: Option<Session>,
    path: &'a Path,
}

impl Writer {
    /// Opens the database at `path`, brings it to the present schema, and notes on which start of the machine.
    pub(super) async fn open(path: PathBuf, boot: &str) -> Result<Self, Error> {
        let mut session = connect(&path).await?;
        schema::migrate(&mut session.connection, &path).await?;
        schema::note_boot(&mut session.connection, &path, boot).await?;
        Ok(Self { path, session: Mutex::new(Some(session)) })
    }

    /// Closes the connection; a later transaction would open another.
    pub(super) async fn close(&self) {
        if let Some(session) = self.session.lock().await.take()
            && let Err(error) = session.connection.close().await
        {
            tracing::warn!(path = %self.path.display(), %error, "the database was not closed cleanly");
        }
    }

    /// Begins a transaction; waits for the one before it, in this process or another.
    pub(super) async fn begin(&self, durability: Durability) -> Result<Transaction<'_>, Error> {
        let mut slot = self.session.lock().await;
        let session = match slot.take() {
            Some(session) => session,
            None => connect(&self.path).await?,
        };
        let mut transaction = Transaction { slot, session: Some(session), path: &self.path };
        transaction.begin(durability).await?;
        Ok(transaction)
    }
}

impl Transaction<'_> {
    /// Answers the connection, to run statements on.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.session().connection
    }

    /// Makes everything since [`Writer::begin`] last.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        seam::write("commit", self.path)?;
        self.run("COMMIT", "commit").await?;
        *self.slot = self.session.take();
        Ok(())
    }

    async fn begin(&mut self, durability: Durability) -> Result<(), Error> {
        if self.session().durability != durability {
            let pragma = match durability {
                Durability::Process => "PRAGMA synchronous = NORMAL",
                Durability::Power => "PRAGMA synchronous = FULL",
            };
            self.run(pragma, "choose the durability").await?;
            self.session().durability = durability;
        }
        self.run("BEGIN IMMEDIATE", "begin a transaction").await
    }

    async fn run(&mut self, sql: &'static str, operation: &'static str) -> Result<(), Error> {
        let path = self.path;
        let done = sqlx::query(sql).execute(self.connection()).await;
        done.map(drop).map_err(|source| Error::database(operation, path, source))
    }

    fn session(&mut self) -> &mut Session {
        self.session
            .as_mut()
            .expect("only `commit` takes the session, and it consumes the transaction")
    }
}

async fn connect(path: &Path) -> Result<Session, Error> {
    let connection = schema::options(path)
        .connect()
        .await
        .map_err(|source| Error::database("open the database", path, source))?;
    Ok(Session { connection, durability: Durability::Process })
}
