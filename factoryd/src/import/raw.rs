//! A disk's bytes as they are, for who reads only that.

use super::format::SIZE_MAX;
use super::tool::Tool;
use super::{Disk, DiskFormat, Error};
use std::path::Path;
use std::time::Duration;

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
/// If `qemu-img` is missing, fails, or takes longer than an hour.
pub async fn raw_copy(disk: &Disk, file: &Path, raw: &Path) -> Result<(), Error> {
    let from = disk.format.driver();
    let options = ["convert", "-f", from, "-O", DiskFormat::Raw.as_str(), "-S", "4k", "--"];
    let mut words: Vec<_> = options.iter().map(AsRef::as_ref).collect();
    words.extend([file.as_os_str(), raw.as_os_str()]);
    QEMU_IMG.output(&words).await.map(drop)
}
