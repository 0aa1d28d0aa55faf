//! The EFI system partition: a FAT file system with one boot loader, made by dosfstools and mtools inside the disk file.

use super::{Error, Extent};
use crate::program::Program;
use std::ffi::OsString;
use std::path::Path;

/// Makes the file system at `extent` of the disk, with `loader` as the boot loader for removable media.
///
/// # Errors
/// If a tool is missing or fails.
pub(crate) fn make(disk: &Path, extent: Extent, loader: &Path, epoch: u64) -> Result<(), Error> {
    Program::new("mkfs.vfat", "dosfstools")
        .args(["--invariant", "-F", "32", "-n", "ESP"])
        .arg(format!("--offset={}", extent.offset / super::gpt::SECTOR))
        .arg(disk)
        .arg((extent.size / 1024).to_string())
        .quiet()?;
    let mut image = OsString::from(disk);
    image.push(format!("@@{}", extent.offset));
    for directory in ["::/EFI", "::/EFI/BOOT"] {
        mtool("mmd", epoch).arg("-i").arg(&image).arg(directory).quiet()?;
    }
    mtool("mcopy", epoch)
        .arg("-i")
        .arg(&image)
        .arg(loader)
        .arg("::/EFI/BOOT/BOOTX64.EFI")
        .quiet()?;
    Ok(())
}

fn mtool(name: &str, epoch: u64) -> Program {
    Program::new(name, "mtools")
        .env("MTOOLS_SKIP_CHECK", "1")
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .env("TZ", "UTC")
}
