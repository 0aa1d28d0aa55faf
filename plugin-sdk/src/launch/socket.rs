//! The socket that the plugin listens on, removed when it ends.

use super::Error;
use factory_proto::handshake::SOCKET_DIR;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A bound socket.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Where the factory gave no directory: one that only this user can enter.
    _own_directory: Option<TempDir>,
}

impl Socket {
    /// Binds a socket in the factory's directory.
    pub(super) fn bind() -> Result<Self, Error> {
        let given = std::env::var_os(SOCKET_DIR).filter(|directory| !directory.is_empty());
        let own_directory = match given {
            Some(_) => None,
            None => Some(make_directory()?),
        };
        let own_path = own_directory.as_ref().map(|own| own.path().to_owned());
        let directory = given.map(PathBuf::from).or(own_path).unwrap_or_default();
        let path = directory.join(format!("plugin-{}", std::process::id()));
        match listen(&path) {
            Ok(listener) => Ok(Self { listener, path, _own_directory: own_directory }),
            Err(source) => Err(Error::Socket { path, source }),
        }
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what accepts connections.
    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The factory may have removed its directory already.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn make_directory() -> Result<TempDir, Error> {
    let path = std::env::temp_dir();
    let only_us = Permissions::from_mode(0o700);
    let made = tempfile::Builder::new().prefix("plugin").permissions(only_us).tempdir_in(&path);
    made.map_err(|source| Error::Socket { path, source })
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
