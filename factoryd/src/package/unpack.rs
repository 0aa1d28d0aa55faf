//! Unpacking: from an archive, or a copy of a directory, into an empty directory. Nothing that comes is believed.

use super::gather::{Gathered, Selection, Source, gather, understand_info};
use super::limits::SIGNATURE_LEN_MAX;
use super::sums::{SIGNATURE, SUMS, hexadecimal, sha256};
use super::{Error, Limits, Sums, member};
use flate2::read::MultiGzDecoder;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use tar::{Archive, Entry, EntryType};

const CHUNK: usize = 128 * 1024;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Two blocks of zeros end an archive; some writers fill up to 10 KiB. After that nothing may come, but nothing is looked at.
const ARCHIVE_OVERHEAD: u64 = 1 << 20;

/// What was unpacked, all of it as `SHA256SUMS` says.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// What it says of itself.
    pub sums: Sums,
    /// The SHA-256 of `SHA256SUMS`: that of the whole package.
    pub digest: String,
    /// The number of the key that signed it; `None` if it is not signed.
    pub signer: Option<String>,
}

/// Decides about a package by `SHA256SUMS` and its signature, before anything else of it is looked at. Answers who signed it.
pub type Judge<'a> = dyn Fn(&[u8], Option<&[u8]>) -> Result<Option<String>, Error> + 'a;

/// Unpacks an archive into an empty directory.
///
/// # Errors
/// If it is none, is refused, is too large, or is not what it says of itself. Then the directory may have parts of it.
pub fn unpack(
    archive: impl Read,
    into: &Path,
    limits: &Limits,
    judge: &Judge<'_>,
) -> Result<Unpacked, Error> {
    let plain = decompress(archive).map_err(Error::Archive)?;
    // What a tar archive adds to each file is less than 1 KiB.
    let len_max = limits.unpacked + limits.files as u64 * 1024 + ARCHIVE_OVERHEAD;
    let mut archive = Archive::new(plain.take(len_max));
    // Raw: no record that another reader would keep in memory, whatever its length, is understood here.
    let entries = archive.entries().map_err(Error::Archive)?.raw(true);
    let mut entries = entries.peekable();
    let Some((path, mut entry)) = next(&mut entries)? else { return Err(Error::NoSums) };
    if path != SUMS {
        return Err(Error::NoSums);
    }
    let text = short(&mut entry, limits.sums, "SHA256SUMS")?;
    let mut following = next(&mut entries)?;
    let mut signature = None;
    if let Some((_, entry)) = following.as_mut().filter(|(path, _)| path == SIGNATURE) {
        signature = Some(short(entry, SIGNATURE_LEN_MAX, "SHA256SUMS.minisig")?);
        following = None;
    }
    let mut writer = Writer::begin(into, limits, &text, signature.as_deref(), judge)?;
    while let Some((path, mut entry)) = match following.take() {
        Some(first) => Some(first),
        None => next(&mut entries)?,
    } {
        let executable = entry.header().mode().map_err(Error::Archive)? & 0o100 != 0;
        writer.write(&path, executable, &mut entry)?;
    }
    writer.finish()
}

/// Copies a directory that is a package, or could become one, into an empty directory.
///
/// # Errors
/// If it is none, is refused, is too large, or is not what it says of itself. Then the other directory may have parts of it.
pub fn copy(
    from: &Path,
    into: &Path,
    limits: &Limits,
    judge: &Judge<'_>,
) -> Result<Unpacked, Error> {
    let Gathered { sums, sources } = gather(from, &Selection::default(), limits)?;
    let text = optional(&from.join(SUMS), limits.sums)?;
    let signature = optional(&from.join(SIGNATURE), SIGNATURE_LEN_MAX)?;
    let text = text.unwrap_or_else(|| sums.text().into_bytes());
    let mut writer = Writer::begin(into, limits, &text, signature.as_deref(), judge)?;
    for (member, Source { path, executable, .. }) in &sources {
        let mut file = File::open(path).map_err(Error::read(path))?;
        writer.write(member, *executable, &mut file)?;
    }
    writer.finish()
}

/// Writes files, each only if it is in the list.
struct Writer<'a> {
    into: &'a Path,
    limits: &'a Limits,
    sums: Sums,
    /// What is in the list and was not written yet.
    open: BTreeMap<String, String>,
    /// Files that may be executed.
    executables: Vec<String>,
    written: u64,
    unpacked: Unpacked,
}

impl<'a> Writer<'a> {
    fn begin(
        into: &'a Path,
        limits: &'a Limits,
        text: &[u8],
        signature: Option<&[u8]>,
        judge: &Judge<'_>,
    ) -> Result<Self, Error> {
        let signer = judge(text, signature)?;
        let sums = Sums::parse(text)?;
        if limits.files < sums.files.len() {
            let max = limits.files as u64;
            return Err(Error::TooLarge { what: "the number of its files", max });
        }
        let open = sums.files.clone();
        let unpacked = Unpacked { sums: sums.clone(), digest: sha256(text), signer };
        let mut writer =
            Self { into, limits, sums, open, executables: Vec::new(), written: 0, unpacked };
        writer.create(SUMS, false, &mut &text[..])?;
        if let Some(signature) = signature {
            writer.create(SIGNATURE, false, &mut &signature[..])?;
        }
        Ok(writer)
    }

    fn write(&mut self, path: &str, executable: bool, content: &mut dyn Read) -> Result<(), Error> {
        let Some(expected) = self.open.remove(path) else {
            return Err(Error::Unlisted(path.to_owned()));
        };
        let found = self.create(path, executable, content)?;
        if found != expected {
            return Err(Error::Digest { path: path.to_owned(), expected, found });
        }
        if executable {
            self.executables.push(path.to_owned());
        }
        Ok(())
    }

    /// Makes a file that was not there, and answers the SHA-256 of what it got.
    fn create(
        &mut self,
        path: &str,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<String, Error> {
        let target = self.into.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(Error::write(parent))?;
        }
        let mode = if executable { 0o755 } else { 0o644 };
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(&target, flags, Mode::from_raw_mode(mode));
        let mut file = File::from(file.map_err(|errno| Error::write(&target)(errno.into()))?);
        let (mut hasher, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
        loop {
            let len = match content.read(&mut chunk) {
                Ok(0) => return Ok(hexadecimal(&hasher.finalize())),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::Archive(error)),
            };
            self.written += len as u64;
            if self.limits.unpacked < self.written {
                let max = self.limits.unpacked;
                return Err(Error::TooLarge { what: "its size, unpacked,", max });
            }
            hasher.update(&chunk[..len]);
            file.write_all(&chunk[..len]).map_err(Error::write(&target))?;
        }
    }

    /// Sees that nothing is missing, and that the plugin is what the list says.
    fn finish(self) -> Result<Unpacked, Error> {
        if let Some(path) = self.open.into_keys().next() {
            return Err(Error::Missing(path));
        }
        let identity = &self.sums.identity;
        let file = identity.info_file();
        let path = self.into.join(&file);
        let text = fs::read_to_string(&path).map_err(Error::read(&path))?;
        let (version, executable) = understand_info(&identity.name, &text)?;
        if version != identity.version {
            let why = format!("it says version {version}, and SHA256SUMS {}", identity.version);
            return Err(Error::Info { file, why });
        }
        let usual = identity.executable();
        let candidates = [Some(&usual), executable.as_ref()];
        if !candidates.into_iter().flatten().any(|path| self.executables.contains(path)) {
            return Err(Error::NoExecutable(executable.unwrap_or(usual)));
        }
        Ok(self.unpacked)
    }
}

fn decompress<'a>(archive: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut archive = BufReader::with_capacity(CHUNK, archive);
    let head = archive.fill_buf()?;
    if head.starts_with(&ZSTD_MAGIC) {
        return Ok(Box::new(zstd::Decoder::with_buffer(archive)?));
    }
    if head.starts_with(&GZIP_MAGIC) {
        return Ok(Box::new(MultiGzDecoder::new(archive)));
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it begins like neither of them"))
}

/// Answers the next file and its path, and passes directories over: they are made for their files.
fn next<'a, R: Read + 'a>(
    entries: &mut impl Iterator<Item = io::Result<Entry<'a, R>>>,
) -> Result<Option<(String, Entry<'a, R>)>, Error> {
    for entry in entries {
        let entry = entry.map_err(Error::Archive)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        let checked = if kind == EntryType::Directory { path.trim_end_matches('/') } else { &path };
        if std::str::from_utf8(&entry.path_bytes()).is_err() {
            return Err(Error::Member { path, why: "its name is not UTF-8" });
        }
        if let Some(why) = fault(kind, checked, entry.header().mode().map_err(Error::Archive)?) {
            return Err(Error::Member { path, why });
        }
        if kind != EntryType::Directory {
            return Ok(Some((path, entry)));
        }
    }
    Ok(None)
}

fn fault(kind: EntryType, path: &str, mode: u32) -> Option<&'static str> {
    const SET_ID: u32 = 0o6000;
    match kind {
        EntryType::Regular | EntryType::Directory if mode & SET_ID != 0 => {
            Some("it would run as somebody else (set-user-ID or set-group-ID)")
        }
        EntryType::Regular | EntryType::Directory => member::fault(path),
        EntryType::Link | EntryType::Symlink => Some("it is a link"),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Some("it is a device"),
        _ => Some("it is of a kind that the format ustar does not have"),
    }
}

/// Reads a short file.
fn short(content: &mut dyn Read, max: u64, what: &'static str) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    content.take(max + 1).read_to_end(&mut text).map_err(Error::Archive)?;
    if max < text.len() as u64 { Err(Error::TooLarge { what, max }) } else { Ok(text) }
}

fn optional(path: &Path, max: u64) -> Result<Option<Vec<u8>>, Error> {
    match File::open(path) {
        Ok(mut file) => short(&mut file, max, "SHA256SUMS or its signature").map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::read(path)(error)),
    }
}
