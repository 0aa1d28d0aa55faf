//! The file of an image of Image Factory's.

use crate::import::Error;
use crate::import::format::{self, Content};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyBody {
    /// Where it is.
    pub path: PathBuf,
    /// What it is to the image: `disk` or `archive`.
    pub role: &'static str,
    /// Its format.
    pub format: &'static str,
    /// Its size, in bytes.
    pub size: u64,
    /// The size a guest sees, in bytes; 0 if that means nothing.
    pub virtual_size: u64,
}

/// Looks at a body; `None` if there is none, or nothing in it.
pub(super) fn look(path: &Path) -> Result<Option<LegacyBody>, String> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("its body can't be opened: {error}")),
    };
    let size = file.metadata().map_err(|error| format!("its body can't be read: {error}"))?.len();
    if size == 0 {
        return Ok(None);
    }
    let path = path.to_owned();
    match format::content(&file, &path) {
        Ok(Content::Disk(disk)) => {
            let format = disk.format.as_str();
            Ok(Some(LegacyBody {
                path,
                role: "disk",
                format,
                size,
                virtual_size: disk.virtual_size,
            }))
        }
        Ok(Content::Packed(packed)) => {
            let format = packed.word();
            Ok(Some(LegacyBody { path, role: "archive", format, size, virtual_size: 0 }))
        }
        Err(Error::RefersElsewhere { what, .. }) => {
            Err(format!("its body refers to another file ({what})"))
        }
        Err(Error::NotUsable { why, .. }) => Err(format!("its body can't be used: {why}")),
        Err(error) => Err(crate::report::chain(&error).to_string()),
    }
}

/// Opens a file that is what its name says: no link to somewhere else, and nothing that waits.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
}
