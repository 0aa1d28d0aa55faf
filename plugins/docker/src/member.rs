//! One member of a tar, in the one form in which we write it.
//!
//! What depends on the machine or the moment of the build (names of users, access times, fractions of seconds, order of
//! records) is left out, so that equal files make equal bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use tar::{EntryType, Header};

/// The size of a tar's blocks, in bytes.
pub const BLOCK_SIZE: u64 = 512;

const NAME_LEN_MAX: usize = 100;

/// What is written in front of a member's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Relative to the root, without a leading `./`; a directory ends with `/`; the root itself is `./`.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryType,
    /// The target of a link; empty otherwise.
    pub link: Vec<u8>,
    /// Permissions.
    pub mode: u32,
    /// The owner's number.
    pub uid: u64,
    /// The group's number.
    pub gid: u64,
    /// When it was changed, in seconds since 1970.
    pub mtime: u64,
    /// How many bytes follow.
    pub size: u64,
    /// Major and minor number of a device.
    pub device: Option<(u32, u32)>,
    /// Extended attributes, as records `SCHILY.xattr.NAME`.
    pub attributes: BTreeMap<String, Vec<u8>>,
}

impl Member {
    /// Makes an ordinary file that root owns and all may read.
    pub fn file(path: &str, size: u64, mtime: u64) -> Self {
        Self {
            path: path.as_bytes().to_vec(),
            kind: EntryType::Regular,
            link: Vec::new(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime,
            size,
            device: None,
            attributes: BTreeMap::new(),
        }
    }

    /// Makes a directory that root owns and all may read.
    pub fn directory(path: &str, mtime: u64) -> Self {
        Self { kind: EntryType::Directory, mode: 0o755, ..Self::file(path, 0, mtime) }
    }

    /// Writes what goes in front of the content.
    ///
    /// # Errors
    /// If the output fails.
    pub fn write_header(&self, output: &mut impl Write) -> io::Result<()> {
        let records = self.records();
        if !records.is_empty() {
            write_records(output, &records)?;
        }
        output.write_all(&self.header_block()?)
    }

    /// Returns the header block alone, which is the whole header where path and link are short and there are no attributes.
    ///
    /// # Errors
    /// If the device numbers fit no tar.
    pub fn header_block(&self) -> io::Result<[u8; BLOCK_SIZE as usize]> {
        let mut header = Header::new_ustar();
        header.set_entry_type(self.kind);
        header.set_mode(self.mode);
        header.set_uid(self.uid);
        header.set_gid(self.gid);
        header.set_mtime(self.mtime);
        header.set_size(self.size);
        let (major, minor) = self.device.unwrap_or_default();
        header.set_device_major(major)?;
        header.set_device_minor(minor)?;
        if let Some(ustar) = header.as_ustar_mut() {
            fill(&mut ustar.name, &self.path);
            fill(&mut ustar.linkname, &self.link);
        }
        header.set_cksum();
        Ok(*header.as_bytes())
    }

    /// Collects what the header block has no room for, sorted by name.
    fn records(&self) -> BTreeMap<&str, &[u8]> {
        let mut records: BTreeMap<&str, &[u8]> =
            self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        if self.path.len() > NAME_LEN_MAX {
            records.insert("path", &self.path);
        }
        if self.link.len() > NAME_LEN_MAX {
            records.insert("linkpath", &self.link);
        }
        records
    }
}

/// Writes the zeros that fill the last block of a member's content.
///
/// # Errors
/// If the output fails.
pub fn write_padding(output: &mut impl Write, size: u64) -> io::Result<()> {
    let padding = (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE;
    output.write_all(&[0; BLOCK_SIZE as usize][..padding as usize])
}

/// Writes the two empty blocks that end a tar.
///
/// # Errors
/// If the output fails.
pub fn write_end(output: &mut impl Write) -> io::Result<()> {
    output.write_all(&[0; 2 * BLOCK_SIZE as usize])
}

fn fill(field: &mut [u8; NAME_LEN_MAX], bytes: &[u8]) {
    let len = bytes.len().min(NAME_LEN_MAX);
    field[..len].copy_from_slice(&bytes[..len]);
}

fn write_records(output: &mut impl Write, records: &BTreeMap<&str, &[u8]>) -> io::Result<()> {
    let mut content = Vec::new();
    for (name, value) in records {
        content.extend_from_slice(&record(name, value));
    }
    let size = content.len() as u64;
    let mut extension = Member::file("././@PaxHeader", size, 0);
    extension.kind = EntryType::XHeader;
    output.write_all(&extension.header_block()?)?;
    output.write_all(&content)?;
    write_padding(output, size)
}

/// Writes `LENGTH NAME=VALUE\n`, where the length counts its own digits.
fn record(name: &str, value: &[u8]) -> Vec<u8> {
    let rest = name.len() + value.len() + 3;
    let mut len = rest + 1;
    while rest + len.to_string().len() != len {
        len = rest + len.to_string().len();
    }
    let mut bytes = format!("{len} {name}=").into_bytes();
    bytes.extend_from_slice(value);
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        assert_eq!(record("a", b"b"), b"6 a=b\n");
        for len in [0, 90, 91, 92, 93, 94, 990, 991, 992, 993] {
            let bytes = record("path", &vec![b'x'; len]);
            let text = String::from_utf8(bytes).unwrap();
            let (digits, _) = text.split_once(' ').unwrap();
            assert_eq!(digits.parse::<usize>().unwrap(), text.len());
        }
    }

    #[test]
    fn long_paths_and_attributes_are_read_back() {
        let path = "d/".repeat(120) + "file";
        let mut member = Member::file(&path, 3, 7);
        member.attributes.insert("SCHILY.xattr.security.capability".into(), vec![1, 0, 255, b'\n']);
        let mut tar = Vec::new();
        member.write_header(&mut tar).unwrap();
        tar.extend_from_slice(b"abc");
        write_padding(&mut tar, 3).unwrap();
        write_end(&mut tar).unwrap();
        assert_eq!(tar.len() as u64 % BLOCK_SIZE, 0);

        let read = crate::source::Source::new(&tar[..]).next_member().unwrap().unwrap();
        assert_eq!((read.path, read.size, read.mtime), (path.into_bytes(), 3, 7));
        assert_eq!(read.attributes, member.attributes);
    }

    #[test]
    fn sizes_beyond_eight_gibibytes_fit() {
        let member = Member::file("blobs/sha256/0", 20 << 30, 0);
        let header = Header::from_byte_slice(&member.header_block().unwrap()).clone();
        assert_eq!(header.entry_size().unwrap(), 20 << 30);
    }
}
