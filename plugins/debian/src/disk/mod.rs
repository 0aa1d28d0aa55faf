//! From a directory to a disk that boots under BIOS and UEFI, without devices, mounts or root.
//!
//! ```text
//! sector 0       boot code, protective MBR      (BIOS starts here)
//!        1..33   partition table
//! 1 MiB          BIOS boot: GRUB's core image   → menu and kernel in the root file system
//! 2 MiB          EFI system: BOOTX64.EFI        → a unified kernel image (UEFI starts here)
//! then           root: ext4
//! last 33        partition table again
//! ```

mod esp;
mod ext4;
mod gpt;
pub(crate) mod grub;
pub(crate) mod uki;

use crate::program;
use factory_plugin_sdk::{Failure, Fault};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const MIB: u64 = 1 << 20;
const BOOT_AT: u64 = MIB;
const ESP_AT: u64 = 2 * MIB;
const SMALLEST_ESP: u64 = 128 * MIB;

/// What a disk of this kind can't exceed: 16 TiB, the largest file of common file systems.
pub(crate) const LARGEST: u64 = 16 << 40;

/// What goes onto a disk.
#[derive(Debug)]
pub(crate) struct Contents<'a> {
    /// The root file system, as a directory.
    pub(crate) tree: &'a Path,
    /// What its files take, in bytes.
    pub(crate) tree_size: u64,
    /// What UEFI starts.
    pub(crate) kernel: uki::Kernel,
    /// The time of everything, in seconds since 1970.
    pub(crate) epoch: u64,
    /// The names of the parts.
    pub(crate) ids: &'a Ids,
}

/// The ids of a disk and its parts. The same seed gives the same ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids {
    seed: [u8; 32],
}

/// A part of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    offset: u64,
    size: u64,
}

/// Why there is no disk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file can't be read or made.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk can't be written.
    #[error("failed to write {what}")]
    Write {
        /// Which part.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program is missing or failed.
    #[error(transparent)]
    Program(#[from] program::Error),
    /// The files do not fit.
    #[error("the files do not fit onto the disk")]
    TooSmall,
    /// GRUB's core image does not fit.
    #[error("GRUB's core image has {size} bytes, but its partition {room}")]
    CoreImage {
        /// Bytes of the image.
        size: u64,
        /// Bytes of the partition.
        room: u64,
    },
    /// GRUB's boot sector is not one.
    #[error("{} is no boot sector", .0.display())]
    BootSector(PathBuf),
    /// The boot stub is none.
    #[error("{} is no boot stub with room for a kernel", .0.display())]
    Stub(PathBuf),
}

impl Error {
    fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    fn write(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { what, source }
    }
}

impl Ids {
    /// Derives them from what makes the image what it is.
    pub(crate) fn derive(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length in front keeps `ab`, `c` and `a`, `bc` apart.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self { seed: hash.finalize().into() }
    }

    /// Restores them from [`seed`](Self::seed); `None` if it has another length.
    pub(crate) fn from_seed(seed: &[u8]) -> Option<Self> {
        Some(Self { seed: seed.try_into().ok()? })
    }

    /// Answers what they are derived from.
    pub(crate) fn seed(&self) -> &[u8] {
        &self.seed
    }

    /// Answers the id for a purpose.
    pub(crate) fn id(&self, purpose: &str) -> Uuid {
        let bytes = self.bytes(purpose);
        let half: [u8; 16] = std::array::from_fn(|index| bytes[index]);
        uuid::Builder::from_custom_bytes(half).into_uuid()
    }

    /// Answers 32 bytes for a purpose.
    pub(crate) fn bytes(&self, purpose: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.seed).chain_update(purpose).finalize().into()
    }

    /// Answers the id of the root file system, by which the kernel finds it.
    pub(crate) fn root(&self) -> Uuid {
        self.id("root file system")
    }
}

/// Answers the size of the smallest disk that is sure to hold files of `tree_size` bytes, in whole 64 MiB.
pub(crate) fn smallest(tree_size: u64) -> u64 {
    let journal_and_tables = 96 * MIB + tree_size / 20;
    (ESP_AT + SMALLEST_ESP + MIB + tree_size + journal_and_tables).next_multiple_of(64 * MIB)
}

/// Tells whether files of `tree_size` bytes may fit onto a disk; only making it shows whether they do.
pub(crate) fn may_hold(size: u64, tree_size: u64) -> bool {
    ESP_AT + SMALLEST_ESP + MIB + tree_size <= size
}

/// Makes the disk as a sparse file of `size` bytes (a multiple of 1 MiB).
///
/// # Errors
/// [`Error::TooSmall`] if the contents do not fit; if a file can't be read or written, or a program fails.
pub(crate) fn make(
    disk: &Path,
    size: u64,
    contents: Contents<'_>,
    scratch: &Path,
) -> Result<(), Error> {
    let Contents { tree, tree_size, kernel, epoch, ids } = contents;
    let uki = kernel.into_uki()?;
    let esp = Extent { offset: ESP_AT, size: esp_size(uki.len() as u64) };
    let root_at = esp.offset + esp.size;
    let root = Extent { offset: root_at, size: size.saturating_sub(root_at + MIB) };
    if root.size < tree_size {
        return Err(Error::TooSmall);
    }
    let file = File::create(disk).map_err(Error::read(disk))?;
    file.set_len(size).map_err(Error::write("the disk"))?;
    ext4::make(disk, root, tree, ids.root(), epoch, scratch)?;
    let loader = scratch.join("uki.efi");
    fs::write(&loader, uki).map_err(Error::read(&loader))?;
    esp::make(&file, esp, &loader, epoch, scratch)?;
    let (boot_at, boot_sectors) = (BOOT_AT / gpt::SECTOR, (ESP_AT - BOOT_AT) / gpt::SECTOR);
    let boot_code = grub::install(&file, scratch, boot_at, boot_sectors)?;
    let table = table(size, esp, root, ids);
    table.write(&file, &boot_code).map_err(Error::write("the partition table"))
}

/// Answers the size of an EFI system partition with room for a loader and its successor.
fn esp_size(loader: u64) -> u64 {
    (2 * loader + MIB).next_multiple_of(MIB).max(SMALLEST_ESP)
}

fn table(size: u64, esp: Extent, root: Extent, ids: &Ids) -> gpt::Table {
    let partition = |kind, name, extent: Extent| gpt::Partition {
        kind,
        id: ids.id(name),
        first: extent.offset / gpt::SECTOR,
        sectors: extent.size / gpt::SECTOR,
        name,
    };
    let boot = Extent { offset: BOOT_AT, size: ESP_AT - BOOT_AT };
    let partitions = vec![
        partition(gpt::BIOS_BOOT, "bios", boot),
        partition(gpt::EFI_SYSTEM, "esp", esp),
        partition(gpt::LINUX_ROOT, "root", root),
    ];
    gpt::Table { id: ids.id("disk"), sectors: size / gpt::SECTOR, partitions }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Program(error) => error.into(),
            Error::Read { source, .. } | Error::Write { source, .. } => {
                io_failure(message, &source)
            }
            Error::TooSmall => Self::new(Fault::User, "DISK_TOO_SMALL", message)
                .hint("ask for a larger disk in template/disk/size")
                .path("template/disk/size"),
            Error::CoreImage { .. } | Error::BootSector(_) | Error::Stub(_) => {
                Self::new(Fault::Host, "BOOT_LOADER_UNUSABLE", message)
            }
        }
    }
}

/// Says what an I/O error means for the user: a full disk is not a broken one.
pub(crate) fn io_failure(message: String, source: &io::Error) -> Failure {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Failure::new(Fault::Quota, "NO_SPACE", format!("{message}: no space left"))
                .hint("free space in the factory's store")
        }
        _ => Failure::new(Fault::Host, "IO_ERROR", format!("{message}: {source}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_every_part_and_purpose() {
        let ids = Ids::derive(&[b"ab", b"c"]);
        assert_eq!(ids, Ids::derive(&[b"ab", b"c"]));
        assert_ne!(ids, Ids::derive(&[b"a", b"bc"]));
        assert_ne!(ids.id("esp"), ids.id("root"));
        assert_eq!(Ids::from_seed(ids.seed()), Some(ids));
    }

    #[test]
    fn partitions_follow_each_other_and_end_before_the_second_table() {
        let size = 1024 * MIB;
        let esp = Extent { offset: ESP_AT, size: SMALLEST_ESP };
        let root_at = ESP_AT + SMALLEST_ESP;
        let root = Extent { offset: root_at, size: size - root_at - MIB };
        let partitions = table(size, esp, root, &Ids::derive(&[])).partitions;
        for pair in partitions.windows(2) {
            assert_eq!(pair[0].first + pair[0].sectors, pair[1].first);
        }
        let end = partitions[2].first + partitions[2].sectors;
        assert!(end + 33 <= size / gpt::SECTOR);
    }

    #[test]
    fn a_full_disk_is_said_to_be_full() {
        let failure = io_failure("failed to write x".into(), &io::ErrorKind::StorageFull.into());
        assert_eq!(failure.as_proto().unwrap().reason, "NO_SPACE");
    }
}
