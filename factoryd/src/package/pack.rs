//! Packing: an archive from what was gathered, the same bytes each time.

use super::gather::{Gathered, Source};
use super::signature::SigningKey;
use super::sums::{SIGNATURE, SUMS};
use super::{Error, InvalidKey};
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// Slower than the usual 3, but done once and fetched often.
const ZSTD_LEVEL: i32 = 12;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// By zstd.
    #[default]
    Zstd,
    /// By gzip.
    Gzip,
}

/// An archive that was made.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Where it is.
    pub path: PathBuf,
    /// The number of the key it is signed by, if it is.
    pub signed: bool,
}

impl Compression {
    /// Answers the end of an archive's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Zstd => "tar.zst",
            Self::Gzip => "tar.gz",
        }
    }

    /// Answers how an archive of that name is compressed.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        [Self::Zstd, Self::Gzip].into_iter().find(|it| name.ends_with(it.extension()))
    }
}

/// Writes a package to a file, which appears only when it is whole.
///
/// # Errors
/// If a file can't be read, is not what was gathered, or the archive can't be written.
pub fn pack(
    gathered: &Gathered,
    key: Option<(&SigningKey, &Path)>,
    compression: Compression,
    to: &Path,
) -> Result<Packed, Error> {
    let sums = gathered.sums.text();
    let signature = key.map(|(key, path)| {
        let comment = format!("factory-plugin {}", gathered.sums.identity);
        let failed = |source: InvalidKey| Error::Sign { path: path.to_owned(), source };
        key.sign(&sums, &comment).map_err(failed)
    });
    let signature = signature.transpose()?;
    let directory = to.parent().filter(|path| !path.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(directory)
        .map_err(Error::write(to))?;
    let mut writer = BufWriter::new(file);
    let write = |out: &mut dyn Write| archive(gathered, &sums, signature.as_deref(), out);
    compress(&mut writer, compression, write).map_err(Error::write(to))?;
    let file = writer.into_inner().map_err(|error| Error::write(to)(error.into_error()))?;
    file.as_file().sync_all().map_err(Error::write(to))?;
    file.persist(to).map_err(|error| Error::write(to)(error.error))?;
    Ok(Packed { path: to.to_owned(), signed: signature.is_some() })
}

fn compress(
    out: &mut dyn Write,
    compression: Compression,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match compression {
        Compression::Zstd => {
            let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
            write(&mut encoder)?;
            encoder.finish()?;
        }
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(out, flate2::Compression::best());
            write(&mut encoder)?;
            encoder.finish()?;
        }
    }
    Ok(())
}

fn archive(
    gathered: &Gathered,
    sums: &str,
    signature: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut builder = Builder::new(out);
    let first = [(SUMS, Some(sums)), (SIGNATURE, signature)];
    for (path, text) in first.iter().filter_map(|(path, text)| Some((*path, (*text)?))) {
        append(&mut builder, path, text.len() as u64, false, &mut text.as_bytes())?;
    }
    for (member, Source { path, len, executable }) in &gathered.sources {
        let file = File::open(path)?;
        append(&mut builder, member, *len, *executable, &mut file.take(*len))?;
    }
    builder.finish()
}

/// Appends a file of nobody's, of no time.
fn append(
    builder: &mut Builder<&mut dyn Write>,
    path: &str,
    len: u64,
    executable: bool,
    content: &mut dyn Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(len);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_cksum();
    builder.append(&header, content)
}
