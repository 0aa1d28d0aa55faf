//! A disk to make targets of.

use factory_plugin_sdk::InputImage;
use factory_plugin_sdk::harness::{input_image, template};
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The size of [`Disk`], in bytes.
pub(crate) const SIZE: u64 = 1 << 30;

/// A sparse raw disk in a directory of its own.
pub(crate) struct Disk {
    directory: TempDir,
}

impl Disk {
    /// Makes a disk of 1 GiB with 8 MiB in it.
    pub(crate) fn sparse() -> Self {
        let disk = Self { directory: tempfile::tempdir().unwrap() };
        let file = File::create(disk.path()).unwrap();
        file.set_len(SIZE).unwrap();
        let data: Vec<u8> = (0..4_u32 << 20).map(|i| (i.wrapping_mul(i) >> 11) as u8).collect();
        file.write_all_at(&data, 0).unwrap();
        file.write_all_at(&data, SIZE / 2).unwrap();
        disk
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("disk.raw")
    }

    /// Returns a directory for what the test makes.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the base image that has it.
    pub(crate) fn image(&self) -> InputImage {
        let mut template = template("Debian", "12", "x86_64");
        template.name = "My Debian".to_owned();
        input_image(template, &[("disk", &self.path(), "raw")])
    }
}

/// Returns how many bytes a file takes on its file system.
pub(crate) fn allocated(path: &Path) -> u64 {
    path.metadata().unwrap().blocks() * 512
}
