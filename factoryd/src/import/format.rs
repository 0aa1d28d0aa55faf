//! What a disk image's file is, by its first bytes.
//!
//! Read here and not by `qemu-img info`: that opens the files an image refers to, which could be any of this machine.

use super::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Disks larger than this, in bytes, as a guest sees them, are refused.
pub(super) const SIZE_MAX: u64 = 4 << 40;
/// Where references of the formats' headers are looked for.
const HEAD_LEN: usize = 64 * 1024;

/// How the bytes of a disk are stored in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFormat {
    /// As they are.
    Raw,
    /// QEMU's, version 2 or 3.
    Qcow2,
    /// VMware's, in one file.
    Vmdk,
    /// Hyper-V's.
    Vhdx,
    /// Virtual PC's and Azure's.
    Vhd,
    /// VirtualBox's.
    Vdi,
}

/// A disk image's file, as far as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Its format.
    pub format: DiskFormat,
    /// The size a guest sees, in bytes; 0 where only a conversion tells.
    pub virtual_size: u64,
}

impl DiskFormat {
    /// Answers the word that artifacts use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhdx => "vhdx",
            Self::Vhd => "vhd",
            Self::Vdi => "vdi",
        }
    }

    /// Answers QEMU's word.
    pub(super) fn driver(self) -> &'static str {
        if self == Self::Vhd { "vpc" } else { self.as_str() }
    }
}

impl fmt::Display for DiskFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is in a file that may be a disk image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A disk image.
    Disk(Disk),
    /// Something that is packed.
    Packed(Packed),
}

/// How something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Zip,
    Tar,
}

impl Packed {
    /// Answers the word that artifacts use.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::Tar => "tar",
        }
    }
}

/// Reads the header of a disk image's file.
///
/// # Errors
/// If it can't be read; if it is none, is encrypted or too large; and if it refers to another file.
pub fn examine(file: &File, path: &Path) -> Result<Disk, Error> {
    match content(file, path)? {
        Content::Disk(disk) => Ok(disk),
        Content::Packed(packed) => {
            let why = format!("it is packed ({}); unpack it first", packed.word());
            Err(Problem::Unusable(why).at(path))
        }
    }
}

/// Reads the header of a file that is a disk image or something packed.
///
/// # Errors
/// As [`examine`].
pub(super) fn content(file: &File, path: &Path) -> Result<Content, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Problem::Unusable("it is not a regular file".to_owned()).at(path));
    }
    let head = head(file, 0, HEAD_LEN).map_err(failed)?;
    let tail = head_of_last_sector(file, metadata.len()).map_err(failed)?;
    if let Some(packed) = packed(&head) {
        return Ok(Content::Packed(packed));
    }
    let disk = recognise(&head, &tail, metadata.len()).map_err(|problem| problem.at(path))?;
    if SIZE_MAX < disk.virtual_size {
        let why = format!(
            "it says that it holds {} bytes, and {SIZE_MAX} are the most",
            disk.virtual_size
        );
        return Err(Problem::Unusable(why).at(path));
    }
    Ok(Content::Disk(disk))
}

/// What is wrong with a header.
#[derive(Debug, PartialEq)]
enum Problem {
    Unusable(String),
    Refers(&'static str),
}

impl Problem {
    fn at(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Unusable(why) => Error::NotUsable { path, why },
            Self::Refers(what) => Error::RefersElsewhere { path, what },
        }
    }
}

fn recognise(head: &[u8], tail: &[u8], len: u64) -> Result<Disk, Problem> {
    let plain = |format| Ok(Disk { format, virtual_size: 0 });
    match head {
        [] => Err(Problem::Unusable("it is empty".to_owned())),
        [b'Q', b'F', b'I', 0xfb, ..] => qcow2(head),
        [b'K', b'D', b'M', b'V', ..] => vmdk(head),
        [b'C', b'O', b'W', b'D', ..] => Err(Problem::Refers("a VMDK of the ESX server")),
        _ if head.starts_with(b"# Disk Descript") => Err(Problem::Refers("a VMDK descriptor")),
        _ if head.starts_with(b"vhdxfile") => plain(DiskFormat::Vhdx),
        _ if head.starts_with(b"conectix") => vhd(head),
        _ if tail.starts_with(b"conectix") => vhd(tail),
        _ if head.get(64..68) == Some(&0xbeda_107f_u32.to_le_bytes()) => plain(DiskFormat::Vdi),
        _ => Ok(Disk { format: DiskFormat::Raw, virtual_size: len }),
    }
}

fn packed(head: &[u8]) -> Option<Packed> {
    match head {
        [0x1f, 0x8b, ..] => Some(Packed::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some(Packed::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packed::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packed::Zstd),
        [b'P', b'K', 3, 4, ..] => Some(Packed::Zip),
        _ if head.get(257..262) == Some(b"ustar") => Some(Packed::Tar),
        _ => None,
    }
}

/// QEMU's docs/interop/qcow2.rst.
fn qcow2(head: &[u8]) -> Result<Disk, Problem> {
    let unusable = |why: &str| Err(Problem::Unusable(why.to_owned()));
    let (Some(version), Some(virtual_size)) = (be32(head, 4), be64(head, 24)) else {
        return unusable("its qcow2 header is cut off");
    };
    if !(2..=3).contains(&version) {
        return unusable("it is a qcow of a version that is not known here");
    }
    if be64(head, 8) != Some(0) {
        return Err(Problem::Refers("a backing file"));
    }
    if be32(head, 32) != Some(0) {
        return unusable("it is encrypted");
    }
    let incompatible = if version == 3 { be64(head, 72) } else { Some(0) };
    match incompatible {
        None => unusable("its qcow2 header is cut off"),
        Some(features) if features & 4 != 0 => Err(Problem::Refers("an external data file")),
        Some(_) => Ok(Disk { format: DiskFormat::Qcow2, virtual_size }),
    }
}

/// VMware's "Virtual Disk Format" 5.0; a capacity of 0 says that the embedded descriptor names the extents.
fn vmdk(head: &[u8]) -> Result<Disk, Problem> {
    if le64(head, 12).is_none_or(|sectors| sectors == 0) {
        return Err(Problem::Refers("extents in other files"));
    }
    let parent = b"parentFileNameHint";
    if head.windows(parent.len()).any(|window| window.eq_ignore_ascii_case(parent)) {
        return Err(Problem::Refers("a parent disk"));
    }
    Ok(Disk { format: DiskFormat::Vmdk, virtual_size: 0 })
}

/// Microsoft's "Virtual Hard Disk Image Format Specification"; type 4 is a differencing disk.
fn vhd(footer: &[u8]) -> Result<Disk, Problem> {
    if be32(footer, 60) == Some(4) {
        return Err(Problem::Refers("a parent disk"));
    }
    Ok(Disk { format: DiskFormat::Vhd, virtual_size: be64(footer, 48).unwrap_or_default() })
}

fn head(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut read = 0;
    while read < len {
        match file.read_at(&mut bytes[read..], offset + read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// A fixed VHD is the disk as it is, with a footer in one more sector.
fn head_of_last_sector(file: &File, len: u64) -> io::Result<Vec<u8>> {
    match len.checked_sub(512) {
        Some(offset) => head(file, offset, 512),
        None => Ok(Vec::new()),
    }
}

fn bytes<const N: usize>(head: &[u8], at: usize) -> Option<[u8; N]> {
    head.get(at..at + N)?.try_into().ok()
}

fn be32(head: &[u8], at: usize) -> Option<u32> {
    bytes(head, at).map(u32::from_be_bytes)
}

fn be64(head: &[u8], at: usize) -> Option<u64> {
    bytes(head, at).map(u64::from_be_bytes)
}

fn le64(head: &[u8], at: usize) -> Option<u64> {
    bytes(head, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
