//! The file system that a path is on: where it is mounted, how much room it has, and how it is said that there is too little.

use crate::domain::{Failure, Fault};
use rustix::fs::statvfs;
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// With less than this, in bytes, nothing can be relied upon: a database needs 32 KiB more at a time.
const HARDLY_ANY: u64 = 64 * 1024;

/// A file system, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// How many bytes this user may still write.
    pub free: u64,
    /// Its size in bytes.
    pub total: u64,
    /// How many files this user may still make; `None` if there is no limit.
    pub files: Option<u64>,
}

impl Space {
    /// Looks at the file system of a path, or, where that is not there yet, of the nearest directory that is.
    ///
    /// # Errors
    /// If it can't be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
        let there = there.canonicalize()?;
        let found = statvfs(&there)?;
        Ok(Self {
            mount: mount(&there)?,
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
            files: (found.f_files != 0).then_some(found.f_favail),
        })
    }

    /// Tells whether so little is left that it explains any failure to write.
    pub fn is_full(&self) -> bool {
        self.free < HARDLY_ANY || self.files == Some(0)
    }
}

/// Answers the highest directory above a path that is on the same device.
fn mount(path: &Path) -> io::Result<PathBuf> {
    let device = path.metadata()?.dev();
    let same = |path: &&Path| path.metadata().is_ok_and(|found| found.dev() == device);
    Ok(path.ancestors().take_while(same).last().unwrap_or(path).to_owned())
}

/// Something could not be written for lack of room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// What was to be written.
    pub path: PathBuf,
    /// How many bytes it needs; 0 if that is not known.
    pub needed: u64,
    /// Whether it is the user's quota that is used up.
    pub quota: bool,
    /// The file system when it happened; `None` if it can't be looked at.
    pub space: Option<Space>,
}

impl Shortage {
    /// The reason of a build that lacked room.
    pub const REASON: &str = "NO_SPACE";
    /// What to do about it.
    pub const HINT: &str =
        "free space there, delete images (`factory delete`), or choose another directory";

    /// Looks at the file system of what could not be written.
    pub fn of(path: &Path, needed: u64) -> Self {
        let space = Space::of(path).ok();
        Self { path: path.to_owned(), needed, quota: false, space }
    }

    /// Says so of an error of the operating system's; `None` if it is another one.
    pub fn told_by(path: &Path, error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull => Some(Self::of(path, 0)),
            io::ErrorKind::QuotaExceeded => Some(Self { quota: true, ..Self::of(path, 0) }),
            _ => None,
        }
    }

    /// Adds how many bytes there should have been.
    pub fn needing(self, needed: u64) -> Self {
        Self { needed, ..self }
    }

    /// Answers what is recorded with an image.
    pub fn failure(&self) -> Failure {
        Failure::new(Fault::Host, Self::REASON, self.to_string()).hint(Self::HINT)
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lack = match &self.space {
            _ if self.quota => "the disk quota is used up",
            Some(Space { files: Some(0), .. }) => "no more files can be made",
            _ => "no space left",
        };
        f.write_str(lack)?;
        if let Some(space) = &self.space {
            let (free, total) = (Bytes(space.free), Bytes(space.total));
            write!(f, " on the file system {} ({free} of {total} free)", space.mount.display())?;
        }
        write!(f, " for {}", self.path.display())?;
        if self.needed != 0 {
            write!(f, ", which needs {}", Bytes(self.needed))?;
        }
        Ok(())
    }
}

/// A number of bytes, for people: `0 B`, `4.0 KiB`, `12.5 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];

impl Bytes {
    /// Reads a number of bytes, or one with a unit: `4096`, `512MiB`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let number: u64 = digits.trim_end().parse().ok()?;
        let power = match &text[digits.len()..] {
            "" | "B" => 0,
            unit => 1 + UNITS.iter().position(|known| *known == unit)? as u32,
        };
        1024_u64.checked_pow(power)?.checked_mul(number).map(Self)
    }

    /// Answers the number as [`parse`](Self::parse) reads it, without any loss.
    pub fn exact(self) -> String {
        let fits = |power: &u32| self.0 != 0 && self.0.is_multiple_of(1024_u64.pow(*power));
        match (1..=5).rev().find(fits) {
            Some(power) => format!("{}{}", self.0 >> (10 * power), UNITS[power as usize - 1]),
            None => self.0.to_string(),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        // What would be shown as 1024.0 is 1.0 of the next one.
        while 1023.95 <= value && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_yet_is_on_the_file_system_above_it() {
        let directory = tempfile::tempdir().unwrap();
        let here = Space::of(directory.path()).unwrap();
        let below = Space::of(&directory.path().join("a/b/c")).unwrap();
        assert_eq!((below.mount, below.total), (here.mount, here.total));
        assert!(0 < here.total && here.free <= here.total);
        let process = Space::of(Path::new("/proc/self")).unwrap();
        assert_eq!(process.mount, Path::new("/proc"));
    }

    #[test]
    fn a_shortage_names_the_file_system_what_was_needed_and_what_is_free() {
        let space = Space { mount: "/srv".into(), free: 3 << 20, total: 64 << 20, files: Some(9) };
        let path = PathBuf::from("/srv/store/images/x/disk.raw");
        let shortage =
            Shortage { path, needed: 12 << 30, quota: false, space: Some(space.clone()) };
        assert_eq!(
            shortage.to_string(),
            "no space left on the file system /srv (3.0 MiB of 64.0 MiB free) for \
             /srv/store/images/x/disk.raw, which needs 12.0 GiB"
        );
        let quota = Shortage { quota: true, needed: 0, space: None, ..shortage.clone() };
        assert_eq!(quota.to_string(), "the disk quota is used up for /srv/store/images/x/disk.raw");
        let files = Shortage { space: Some(Space { files: Some(0), ..space }), ..shortage };
        assert!(files.to_string().starts_with("no more files can be made on"), "{files}");
        assert_eq!(files.failure().reason, "NO_SPACE");
    }

    #[test]
    fn sizes_can_be_typed_and_are_shown_as_they_are_typed() {
        let bytes = ["0", "1000", "4KiB", "512MiB", "3GiB"].map(|text| Bytes::parse(text).unwrap());
        assert_eq!(bytes.map(|bytes| bytes.0), [0, 1000, 4096, 512 << 20, 3 << 30]);
        assert_eq!(bytes.map(Bytes::exact), ["0", "1000", "4KiB", "512MiB", "3GiB"]);
        for wrong in ["", "MiB", "-1", "1.5GiB", "1GB", "99999999PiB", "1 x"] {
            assert_eq!(Bytes::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bytes_read_as_people_count_them() {
        let shown =
            [0, 1023, 1024, 1536, (1 << 20) - 1, 12 << 30, u64::MAX].map(|n| Bytes(n).to_string());
        assert_eq!(
            shown,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "12.0 GiB", "16384.0 PiB"]
        );
    }
}
