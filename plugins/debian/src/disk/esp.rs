//! The EFI system partition: a FAT file system with one boot loader, made by dosfstools and mtools as a file of its own
//! and then copied into the disk. (`mkfs.vfat --offset` of dosfstools 4.2 puts the root directory elsewhere.)

use super::{Error, Extent};
use crate::program::Program;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

const CHUNK: usize = 64 << 10;

/// Makes the file system at `extent` of the disk, with `loader` as the boot loader for removable media.
///
/// # Errors
/// If a tool is missing or fails, or the disk can't be written.
pub(super) fn make(
    disk: &File,
    extent: Extent,
    loader: &Path,
    epoch: u64,
    scratch: &Path,
) -> Result<(), Error> {
    let image = scratch.join("esp.img");
    let file = File::create(&image).map_err(Error::read(&image))?;
    file.set_len(extent.size).map_err(Error::write("the EFI system partition"))?;
    Program::new("mkfs.vfat", "dosfstools")
        // Clusters of one sector: less of them would not be FAT32.
        .args(["--invariant", "-F", "32", "-s", "1", "-n", "ESP"])
        .arg(&image)
        .quiet()?;
    for directory in ["::/EFI", "::/EFI/BOOT"] {
        mtool("mmd", &image, epoch).arg(directory).quiet()?;
    }
    mtool("mcopy", &image, epoch).arg(loader).arg("::/EFI/BOOT/BOOTX64.EFI").quiet()?;
    copy(&image, disk, extent.offset).map_err(Error::write("the EFI system partition"))
}

fn mtool(name: &str, image: &Path, epoch: u64) -> Program {
    Program::new(name, "mtools")
        .env("MTOOLS_SKIP_CHECK", "1")
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .env("TZ", "UTC")
        .arg("-i")
        .arg(image)
}

/// Copies what is not zero: the disk is zero there already, and stays sparse.
fn copy(image: &Path, disk: &File, offset: u64) -> io::Result<()> {
    let mut image = File::open(image)?;
    let mut chunk = vec![0; CHUNK];
    let mut at = offset;
    loop {
        let count = image.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        if chunk[..count].iter().any(|&byte| byte != 0) {
            disk.write_all_at(&chunk[..count], at)?;
        }
        at += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn the_boot_loader_is_where_firmware_looks_for_it() {
        let scratch = tempfile::tempdir().unwrap();
        let loader = scratch.path().join("loader");
        fs::write(&loader, b"loader").unwrap();
        let path = scratch.path().join("disk");
        let disk = File::create(&path).unwrap();
        let extent = Extent { offset: 2 << 20, size: 64 << 20 };
        make(&disk, extent, &loader, 1_700_000_000, scratch.path()).unwrap();
        let image = format!("{}@@{}", path.display(), extent.offset);
        let mut shown = Command::new("mtype");
        let shown = shown.args(["-i", &image, "::/EFI/BOOT/BOOTX64.EFI"]).output().unwrap();
        assert_eq!(shown.stdout, b"loader", "{}", String::from_utf8_lossy(&shown.stderr));
    }
}
