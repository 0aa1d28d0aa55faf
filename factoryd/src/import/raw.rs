//! A disk's bytes as they are, for who reads only that.

use super::format::SIZE_MAX;
use super::tool::Tool;
use super::{Disk, DiskFormat, Error};
use crate::filesystem::{Bytes, Space};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much room a disk that is written out must leave others, in bytes.
const FREE_MIN: u64 = 256 << 20;
/// How often the room is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

const QEMU_IMG: Tool = Tool {
    program: "qemu-img",
    package: "qemu-utils",
    deadline: Duration::from_secs(60 * 60),
    memory_max: 4 << 30,
    output_max: 64 * 1024,
    file_max: SIZE_MAX,
};

/// Writes the disk in `file` to `raw`, with holes where it is empty. The path must be absolute: other words mean
/// protocols to `qemu-img`.
///
/// # Errors
/// If `qemu-img` is missing, fails, or takes longer than an hour; and if it would fill the file system: a small file can say
/// that it holds terabytes.
pub async fn raw_copy(disk: &Disk, file: &Path, raw: &Path) -> Result<(), Error> {
    let from = disk.format.driver();
    let options = ["convert", "-f", from, "-O", DiskFormat::Raw.as_str(), "-S", "4k", "--"];
    let mut words: Vec<_> = options.iter().map(AsRef::as_ref).collect();
    words.extend([file.as_os_str(), raw.as_os_str()]);
    tokio::select! {
        written = QEMU_IMG.output(&words) => written.map(drop),
        mount = nearly_full(raw) => {
            let why = format!("written out, it leaves less than {} of the file system {}", Bytes(FREE_MIN), mount.display());
            Err(Error::NotUsable { path: file.to_owned(), why })
        }
    }
}

/// Waits until the file system of a file has hardly any room left, and answers where it is mounted; for ever if that can't be
/// told.
async fn nearly_full(file: &Path) -> PathBuf {
    let mut ticks = tokio::time::interval(LOOK_AGAIN);
    loop {
        ticks.tick().await;
        let Ok(space) = Space::of(file) else { return std::future::pending().await };
        if space.free < FREE_MIN {
            return space.mount;
        }
    }
}
