//! The root file system: made by `mke2fs -d`, which needs neither a device nor a mount.
//!
//! mke2fs copies a file's change and access times, which nobody can set and which differ from build to build. So they are
//! set afterwards, in the inode tables, with each inode's checksum made anew. Offsets are those of the kernel's
//! `Documentation/filesystems/ext4`; all numbers are little-endian.

use super::{Error, Extent};
use crate::program::{self, Program};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use uuid::Uuid;

/// The features of the file system, whatever the build host's own defaults are: what GRUB 2.06 and every supported
/// kernel read.
const CONFIGURATION: &str = "\
[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	blocksize = 4096
	inode_size = 256
	inode_ratio = 16384
[fs_types]
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
";

const BLOCK: u64 = 4096;
const INODE: usize = 256;
const INCOMPATIBLE_CHECKSUM_SEED: u32 = 0x2000;
const READ_ONLY_METADATA_CHECKSUMS: u32 = 0x400;
const GROUP_INODES_UNUSED: u16 = 1;
/// Bytes beyond the first 128, up to the second half of the birth time.
const LONG_INODE: u16 = 24;

/// Makes the file system at `extent` of the disk from the directory `tree`.
///
/// # Errors
/// [`Error::TooSmall`] if the tree does not fit; if mke2fs is missing or fails.
pub(crate) fn make(
    disk: &Path,
    extent: Extent,
    tree: &Path,
    id: Uuid,
    epoch: u64,
    scratch: &Path,
) -> Result<(), Error> {
    let configuration = scratch.join("mke2fs.conf");
    fs::write(&configuration, CONFIGURATION).map_err(Error::read(&configuration))?;
    let made = Program::new("mke2fs", "e2fsprogs")
        .args(["-q", "-F", "-t", "ext4", "-L", "root", "-m", "1", "-U"])
        .args([id.to_string(), "-E".to_owned()])
        .arg(format!(
            "offset={},hash_seed={id},lazy_itable_init=1,lazy_journal_init=1",
            extent.offset
        ))
        .arg("-d")
        .arg(tree)
        .arg(disk)
        .arg(format!("{}k", extent.size / 1024))
        .env("MKE2FS_CONFIG", &configuration)
        .env("E2FSPROGS_FAKE_TIME", epoch.to_string())
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .quiet();
    match made {
        Err(program::Error::Failed { output, .. }) if says_full(&output) => {
            return Err(Error::TooSmall);
        }
        made => made?,
    };
    let file = File::options().read(true).write(true).open(disk).map_err(Error::read(disk))?;
    settle(&file, extent.offset, epoch).map_err(Error::write("the inode tables"))
}

fn says_full(output: &str) -> bool {
    output.contains("Could not allocate block") || output.contains("Could not allocate inode")
}

/// What the superblock says about where inodes are.
struct Shape {
    groups: u64,
    inodes_per_group: u32,
    descriptor: usize,
    /// What every metadata checksum starts with.
    seed: u32,
}

/// Sets the times of every inode: birth to `epoch`, modification to `epoch` if later, the others to modification.
fn settle(disk: &File, start: u64, epoch: u64) -> io::Result<()> {
    let mut superblock = [0; 1024];
    disk.read_exact_at(&mut superblock, start + 1024)?;
    let shape = Shape::read(&superblock)?;
    let mut descriptors = vec![0; shape.groups as usize * shape.descriptor];
    disk.read_exact_at(&mut descriptors, start + BLOCK)?;
    for (group, descriptor) in descriptors.chunks(shape.descriptor).enumerate() {
        if u16_at(descriptor, 0x12) & GROUP_INODES_UNUSED != 0 {
            continue;
        }
        let unused =
            u32::from(u16_at(descriptor, 0x1c)) | u32::from(u16_at(descriptor, 0x32)) << 16;
        let used = shape.inodes_per_group.saturating_sub(unused);
        let table = u64::from(u32_at(descriptor, 0x08)) | u64::from(u32_at(descriptor, 0x28)) << 32;
        let mut inodes = vec![0; used as usize * INODE];
        disk.read_exact_at(&mut inodes, start + table * BLOCK)?;
        let first = group as u32 * shape.inodes_per_group + 1;
        for (number, inode) in (first..).zip(inodes.chunks_mut(INODE)) {
            settle_inode(inode, number, epoch, shape.seed);
        }
        disk.write_all_at(&inodes, start + table * BLOCK)?;
    }
    Ok(())
}

impl Shape {
    fn read(superblock: &[u8]) -> io::Result<Self> {
        let blocks =
            u64::from(u32_at(superblock, 0x04)) | u64::from(u32_at(superblock, 0x150)) << 32;
        let incompatible = u32_at(superblock, 0x60);
        let as_configured = u16_at(superblock, 0x38) == 0xef53
            && u32_at(superblock, 0x18) == 2
            && usize::from(u16_at(superblock, 0x58)) == INODE
            && u16_at(superblock, 0xfe) == 64
            && incompatible & INCOMPATIBLE_CHECKSUM_SEED == 0
            && u32_at(superblock, 0x64) & READ_ONLY_METADATA_CHECKSUMS != 0;
        if !as_configured {
            return Err(io::Error::other("mke2fs made another file system than it was asked for"));
        }
        Ok(Self {
            groups: blocks.div_ceil(u64::from(u32_at(superblock, 0x20))),
            inodes_per_group: u32_at(superblock, 0x28),
            descriptor: 64,
            seed: crc32c(!0, &superblock[0x68..0x78]),
        })
    }
}

fn settle_inode(inode: &mut [u8], number: u32, epoch: u64, seed: u32) {
    if inode.iter().all(|&byte| byte == 0) {
        return;
    }
    let (modified, extra) = (u32_at(inode, 0x10), u32_at(inode, 0x88));
    let seconds = u64::from(modified) | u64::from(extra & 3) << 32;
    let (low, high) = (epoch as u32, (epoch >> 32) as u32 & 3);
    let (modified, extra) = if seconds > epoch { (low, high) } else { (modified, extra) };
    for (at, value) in [(0x08, modified), (0x0c, modified), (0x10, modified)] {
        put_u32(inode, at, value);
    }
    // Reserved inodes may be short: without finer times and without the checksum's upper half.
    let is_long = u16_at(inode, 0x80) >= LONG_INODE;
    if is_long {
        let times = [(0x84, extra), (0x88, extra), (0x8c, extra), (0x90, low), (0x94, high)];
        for (at, value) in times {
            put_u32(inode, at, value);
        }
        inode[0x82..0x84].fill(0);
    }
    inode[0x7c..0x7e].fill(0);
    let generation = u32_at(inode, 0x64);
    let seed = crc32c(crc32c(seed, &number.to_le_bytes()), &generation.to_le_bytes());
    let checksum = crc32c(seed, inode).to_le_bytes();
    inode[0x7c..0x7e].copy_from_slice(&checksum[..2]);
    if is_long {
        inode[0x82..0x84].copy_from_slice(&checksum[2..]);
    }
}

/// CRC-32C (Castagnoli) without the inversion at the end, as ext4 uses it.
fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = castagnoli();
    bytes.iter().fold(seed, |crc, &byte| crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)])
}

const fn castagnoli() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
    }

    /// Makes a file system of 64 MiB from `tree` and answers it as bytes, checked by e2fsck.
    fn made(tree: &Path) -> Vec<u8> {
        let scratch = tempfile::tempdir().unwrap();
        let disk = scratch.path().join("disk");
        let extent = Extent { offset: 0, size: 64 << 20 };
        File::create(&disk).unwrap().set_len(extent.size).unwrap();
        make(&disk, extent, tree, Uuid::from_u128(5), 1_700_000_000, scratch.path()).unwrap();
        let check = Command::new("/sbin/e2fsck").arg("-fn").arg(&disk).output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
        fs::read(&disk).unwrap()
    }

    #[test]
    fn the_same_files_give_the_same_file_system_whenever_they_were_made() {
        let tree = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(tree.path().join(name), name).unwrap();
        }
        let first = made(tree.path());
        fs::write(tree.path().join("a"), "a").unwrap();
        let second = made(tree.path());
        let different = first.iter().zip(&second).filter(|(a, b)| a != b).count();
        assert_eq!(different, 0);
    }

    #[test]
    fn a_tree_that_does_not_fit_is_an_error_of_its_own() {
        let scratch = tempfile::tempdir().unwrap();
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("large"), vec![1; 20 << 20]).unwrap();
        let disk = scratch.path().join("disk");
        let extent = Extent { offset: 0, size: 16 << 20 };
        File::create(&disk).unwrap().set_len(extent.size).unwrap();
        let made = make(&disk, extent, tree.path(), Uuid::from_u128(5), 1, scratch.path());
        assert!(matches!(made, Err(Error::TooSmall)), "{made:?}");
    }
}
