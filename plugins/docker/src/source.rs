//! Reads a tar, member by member, in one pass.
//!
//! Our own, because the values of extended attributes are binary and may hold line ends, which readers that split records at
//! line ends get wrong: a file capability would be lost or the build would fail.

use crate::member::{BLOCK_SIZE, Member};
use std::collections::BTreeMap;
use std::io::{self, Read};
use tar::{EntryType, Header};

/// More than any sane set of attributes needs; a header that claims more is not read into memory.
const EXTENSION_SIZE_MAX: u64 = 16 << 20;

/// A tar that is being read. Reading from it gives the content of the current member.
pub struct Source<R> {
    input: R,
    content_left: u64,
    padding: u64,
}

/// What extension headers said about the member that follows.
#[derive(Default)]
struct Extensions {
    records: BTreeMap<String, Vec<u8>>,
}

impl<R: Read> Source<R> {
    /// Starts at the first member.
    pub fn new(input: R) -> Self {
        Self { input, content_left: 0, padding: 0 }
    }

    /// Goes on to the next member, whose content can then be read; `None` at the end mark.
    ///
    /// # Errors
    /// If the input fails, ends without an end mark, or is not a tar, or the member is a sparse file.
    pub fn next_member(&mut self) -> io::Result<Option<Member>> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_content()?;
            let Some(header) = self.header()? else { return Ok(None) };
            match header.entry_type() {
                EntryType::XGlobalHeader => self.start_content(header.entry_size()?),
                EntryType::XHeader => extensions.add_records(&self.extension(&header)?)?,
                EntryType::GNULongName => extensions.add_name("path", self.extension(&header)?),
                EntryType::GNULongLink => extensions.add_name("linkpath", self.extension(&header)?),
                _ => return self.member(&header, extensions).map(Some),
            }
        }
    }

    fn member(&mut self, header: &Header, extensions: Extensions) -> io::Result<Member> {
        let member = extensions.member(header)?;
        let size = extensions.number("size").map_or_else(|| header.entry_size(), Ok)?;
        self.start_content(size);
        Ok(Member { size: if member.kind.is_file() { size } else { 0 }, ..member })
    }

    fn start_content(&mut self, size: u64) {
        self.content_left = size;
        self.padding = (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE;
    }

    fn skip_content(&mut self) -> io::Result<()> {
        let rest = self.content_left + self.padding;
        let skipped = io::copy(&mut (&mut self.input).take(rest), &mut io::sink())?;
        (self.content_left, self.padding) = (0, 0);
        if skipped == rest { Ok(()) } else { Err(ends_early()) }
    }

    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut block = [0; BLOCK_SIZE as usize];
        self.input.read_exact(&mut block).map_err(early)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        let sum = block.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        let field = block[148..156].iter().map(|byte| u32::from(*byte)).sum::<u32>();
        if header.cksum().ok() != Some(sum - field + 8 * u32::from(b' ')) {
            return Err(invalid("a header's checksum is wrong: this is not a tar".to_owned()));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, header: &Header) -> io::Result<Vec<u8>> {
        let size = header.entry_size()?;
        if size > EXTENSION_SIZE_MAX {
            return Err(invalid(format!("an extension header has {size} bytes")));
        }
        self.start_content(size);
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.read_exact(&mut bytes).map_err(early)?;
        Ok(bytes)
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.input).take(self.content_left).read(buffer)?;
        if read == 0 && self.content_left > 0 && !buffer.is_empty() {
            return Err(ends_early());
        }
        self.content_left -= read as u64;
        Ok(read)
    }
}

impl Extensions {
    /// Adds records `LENGTH NAME=VALUE\n`; only the length says where a value ends.
    fn add_records(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (name, value, rest) = split_record(bytes)
                .ok_or_else(|| invalid("an extension header is damaged".into()))?;
            self.records.insert(name, value.to_vec());
            bytes = rest;
        }
        Ok(())
    }

    fn add_name(&mut self, name: &str, mut bytes: Vec<u8>) {
        bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
        self.records.insert(name.to_owned(), bytes);
    }

    fn number(&self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.records.get(name)?).ok()?.parse().ok()
    }

    fn member(&self, header: &Header) -> io::Result<Member> {
        let own = |name: &str| self.records.get(name).cloned();
        let path = own("path").unwrap_or_else(|| header.path_bytes().into_owned());
        let sparse = self.records.keys().any(|name| name.starts_with("GNU.sparse."));
        if sparse || header.entry_type() == EntryType::GNUSparse {
            let path = String::from_utf8_lossy(&path);
            return Err(invalid(format!("file {path} is stored as a GNU sparse file")));
        }
        let link = header.link_name_bytes().map(|link| link.into_owned()).unwrap_or_default();
        let attribute = |(name, _): &(&String, &Vec<u8>)| name.starts_with("SCHILY.xattr.");
        let attributes = self.records.iter().filter(attribute);
        Ok(Member {
            path,
            kind: plain(header.entry_type()),
            link: own("linkpath").unwrap_or(link),
            mode: header.mode()? & 0o7777,
            uid: self.number("uid").map_or_else(|| header.uid(), Ok)?,
            gid: self.number("gid").map_or_else(|| header.gid(), Ok)?,
            mtime: header.mtime()?,
            size: 0,
            device: device(header),
            attributes: attributes.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }
}

/// Splits the first record off: name, value, rest.
fn split_record(bytes: &[u8]) -> Option<(String, &[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let len: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let name = String::from_utf8_lossy(&record[..equals]).into_owned();
    Some((name, &record[equals + 1..], &bytes[len..]))
}

fn device(header: &Header) -> Option<(u32, u32)> {
    let is_device = matches!(header.entry_type(), EntryType::Char | EntryType::Block);
    let major = header.device_major().ok().flatten()?;
    let minor = header.device_minor().ok().flatten()?;
    is_device.then_some((major, minor))
}

/// Two types mean an ordinary file.
fn plain(kind: EntryType) -> EntryType {
    if kind == EntryType::Continuous { EntryType::Regular } else { kind }
}

fn early(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { ends_early() } else { error }
}

fn ends_early() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the tar ends before its end mark")
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_tar_is_refused() {
        let error = Source::new(&[b'x'; 4096][..]).next_member().unwrap_err();
        assert_eq!(error.to_string(), "a header's checksum is wrong: this is not a tar");
        let error = Source::new(&b""[..]).next_member().unwrap_err();
        assert_eq!(error.to_string(), "the tar ends before its end mark");
    }

    #[test]
    fn gnu_long_names_are_read() {
        let path = "d/".repeat(90) + "file";
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(2);
        header.set_mode(0o644);
        header.set_uid(1);
        header.set_gid(1);
        header.set_mtime(1);
        builder.append_data(&mut header, &path, &b"ab"[..]).unwrap();
        let tar = builder.into_inner().unwrap();
        let mut source = Source::new(&tar[..]);
        assert_eq!(source.next_member().unwrap().unwrap().path, path.as_bytes());
        assert!(source.next_member().unwrap().is_none());
    }

    #[test]
    fn sparse_files_and_damaged_records_are_refused() {
        let mut member = Member::file("hole", 0, 0);
        member.attributes.insert("GNU.sparse.major".into(), b"1".to_vec());
        let mut tar = Vec::new();
        member.write_header(&mut tar).unwrap();
        let error = Source::new(&tar[..]).next_member().unwrap_err();
        assert_eq!(error.to_string(), "file hole is stored as a GNU sparse file");
        for damaged in ["x", "9 a=b\n", "5 a=b\n", "0 a=b\n", "4 ab\n"] {
            assert!(Extensions::default().add_records(damaged.as_bytes()).is_err(), "{damaged}");
        }
    }
}
