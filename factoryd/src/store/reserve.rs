//! Room that is kept for a full disk.
//!
//! What ends an image, deletes one or tells what a plugin has made must be written even when the disk is full, or nothing could
//! ever make room again. A database needs room for that: its log grows before anything is removed. So the store holds a file
//! of blocks that nobody else can have. When such a write fails for lack of room, a slice of the file is given up and the
//! write is done again at once; when there is plenty of room, the file is filled up. Nothing else may spend it: what builds
//! is refused on a full disk.
//!
//! Slices, since others write to a full disk too and take what is given up: who is late tries again with the next one. A
//! transaction of ours is some ten pages of 4 KiB, a slice is good for several.

use super::{Error, blocking};
use crate::filesystem::Space;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How large the file is, in bytes.
const SIZE: u64 = 8 << 20;
/// How much is given up at a time, in bytes.
const SLICE: u64 = 512 << 10;
/// The file is filled up only where so many times its size is free.
const PLENTY: u64 = 3;

/// The reserve of a store. All processes with the store open share it.
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Answers the reserve of the store in a directory.
    pub(super) fn of(root: &Path) -> Self {
        Self { path: root.join("reserve") }
    }

    /// Tells whether something that must be written should be tried again: it failed since the disk is full, and a slice of
    /// the reserve was given up for it.
    pub(super) async fn helps<T>(&self, written: &Result<T, Error>) -> bool {
        let full = written.as_ref().is_err_and(Error::is_full);
        let path = self.path.clone();
        full && blocking(move || give_up(&path)).await.unwrap_or(false)
    }

    /// Fills the file up if there is plenty of room. That it can't be is no failure: the next one may.
    pub(super) async fn refill(&self) {
        let path = self.path.clone();
        if let Err(error) = blocking(move || refill(&path)).await {
            tracing::warn!(path = %self.path.display(), %error, "no reserve is kept for a full disk");
        }
    }
}

/// Gives a slice up; answers whether there was one.
fn give_up(path: &Path) -> io::Result<bool> {
    let file = File::options().write(true).open(path)?;
    let len = file.metadata()?.len();
    file.set_len(len.saturating_sub(SLICE))?;
    if 0 < len {
        tracing::warn!(path = %path.display(), left = len.saturating_sub(SLICE), "the disk is full: using the reserve");
    }
    Ok(0 < len)
}

fn refill(path: &Path) -> io::Result<()> {
    let len = path.metadata().map_or(0, |metadata| metadata.len());
    if len == SIZE || Space::of(path)?.free < PLENTY * SIZE {
        return Ok(());
    }
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let filled = match fallocate(&file, FallocateFlags::empty(), 0, SIZE) {
        Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&file, len),
        other => other.map_err(io::Error::from),
    };
    if filled.is_err() {
        file.set_len(len)?;
    }
    filled
}

/// Where blocks can't be had otherwise. A file system that compresses zeros keeps no room this way.
fn write_zeros(file: &File, from: u64) -> io::Result<()> {
    let zeros = vec![0; 64 * 1024];
    let mut position = from;
    while position < SIZE {
        let count = usize::try_from(SIZE - position).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all_at(&zeros[..count], position)?;
        position += count as u64;
    }
    Ok(())
}
