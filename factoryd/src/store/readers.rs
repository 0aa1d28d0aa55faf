//! The connections that only read: few, each used by one reader after the other.

use super::{Error, schema};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many reads may be under way at once.
const AT_ONCE_MAX: usize = 4;

/// The reading connections of this process. They stay open: with the last one SQLite's shared memory would go, and on a full
/// disk it can't be made again. (A pool of sqlx's asks each connection twice per read whether it is still there, which one to a
/// file always is, and takes it back in a task of its own, so that no run could be repeated.)
pub(super) struct Readers {
    path: PathBuf,
    places: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection to read with. Others may use it once it is dropped.
pub(super) struct Reader<'a> {
    connection: Option<SqliteConnection>,
    readers: &'a Readers,
    _place: SemaphorePermit<'a>,
}

impl Readers {
    /// Opens one connection to the database at `path`, which must be there; others are opened when they are needed.
    ///
    /// # Errors
    /// If it can't be opened.
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        let first = connect(path).await?;
        let (path, places) = (path.to_owned(), Semaphore::new(AT_ONCE_MAX));
        Ok(Self { path, places, idle: Mutex::new(vec![first]) })
    }

    /// Answers a connection, after who came earlier.
    ///
    /// # Errors
    /// If another one is needed and can't be opened, or all are closed.
    pub(super) async fn reader(&self) -> Result<Reader<'_>, Error> {
        let closed = |_| Error::database("read", &self.path, sqlx::Error::PoolClosed);
        let place = self.places.acquire().await.map_err(closed)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path).await?,
        };
        Ok(Reader { connection: Some(connection), readers: self, _place: place })
    }

    /// Closes all connections that nobody uses; there are no others from then on.
    pub(super) async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(path = %self.path.display(), %error, "the database was not closed cleanly");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Reader<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("only `drop` takes the connection")
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("only `drop` takes the connection")
    }
}

impl Drop for Reader<'_> {
    /// A read that its caller gave up ends by itself, before the next one on the connection begins.
    fn drop(&mut self) {
        if !self.readers.places.is_closed() {
            self.readers.idle().extend(self.connection.take());
        }
    }
}

async fn connect(path: &Path) -> Result<SqliteConnection, Error> {
    let connected = schema::options_to_read(path).connect().await;
    connected.map_err(|source| Error::database("open the database", path, source))
}
