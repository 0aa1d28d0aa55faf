//! Partitions and file systems of a raw disk, read by GRUB's drivers: MBR and GPT, LVM and RAID; ext2 to ext4, XFS, Btrfs
//! and many more. `grub-fstest` needs neither root nor a kernel's driver.

use super::Error;
use super::tool::Tool;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long all that is asked of one disk may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// How many devices of a disk are looked at.
const DEVICES_MAX: usize = 64;
/// How many names of a directory are looked at.
const NAMES_MAX: usize = 10_000;

const GRUB_FSTEST: Tool = Tool {
    program: "grub-fstest",
    package: "grub-common",
    deadline: Duration::from_secs(30),
    memory_max: 1 << 30,
    output_max: 4 << 20,
    file_max: 0,
};

/// A raw disk.
pub(super) struct RawDisk {
    path: PathBuf,
    until: Instant,
}

/// A part of a disk that may hold a file system: a partition, a logical volume, or the whole disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device(String);

impl RawDisk {
    /// Opens a disk; the path must be absolute.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), until: Instant::now() + DEADLINE }
    }

    /// Lists what may hold a file system; the last partition that GRUB finds is the first that it lists.
    pub(super) async fn devices(&self) -> Result<Vec<Device>, Error> {
        let listed = self.ask(&["ls"]).await?.unwrap_or_default();
        let words = String::from_utf8_lossy(&listed).into_owned();
        let mut devices: Vec<Device> =
            words.split_whitespace().filter_map(Device::read).take(DEVICES_MAX).collect();
        devices.reverse();
        Ok(devices)
    }

    /// Lists a directory, names of directories without their slash; `None` if there is none, nothing in it, or no file
    /// system.
    pub(super) async fn list(
        &self,
        device: &Device,
        directory: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let listed = self.ask(&["ls", &device.path(directory)]).await?;
        let words = String::from_utf8_lossy(&listed.unwrap_or_default()).into_owned();
        let names = words.split(' ').map(|name| name.trim().trim_end_matches('/').to_owned());
        let names: Vec<String> = names.filter(|name| !name.is_empty()).take(NAMES_MAX).collect();
        // Of what it can't read GRUB lists nothing, and does not say that it failed.
        Ok((!names.is_empty()).then_some(names))
    }

    /// Reads the first bytes of a file; `None` if there is none. Symbolic links lead nowhere but into the same file system.
    pub(super) async fn read(
        &self,
        device: &Device,
        file: &str,
        len_max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&["-n", &len_max.to_string(), "cat", &device.path(file)]).await
    }

    async fn ask(&self, words: &[&str]) -> Result<Option<Vec<u8>>, Error> {
        let left = self.until.saturating_duration_since(Instant::now());
        let late = Error::Late { program: GRUB_FSTEST.program, seconds: DEADLINE.as_secs() };
        if left.is_zero() {
            return Err(late);
        }
        let tool = Tool { deadline: GRUB_FSTEST.deadline.min(left), ..GRUB_FSTEST };
        // Options come first, then the disk, then the command.
        let at = if words.first() == Some(&"-n") { 2 } else { 0 };
        let mut arguments: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
        arguments.insert(at, self.path.as_os_str());
        let output = tool.run(&arguments).await?;
        Ok(output.complaint.is_none().then_some(output.stdout))
    }
}

impl Device {
    /// Reads a word of GRUB's list. Only what is inside the disk counts: `(host)` is this machine's own file system.
    fn read(word: &str) -> Option<Self> {
        let name = word.strip_prefix('(')?.strip_suffix(')')?;
        let inside = name == "loop0"
            || ["loop0,", "lvm/", "lvmid/", "md/"].iter().any(|start| name.starts_with(start));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b",/_.+-".contains(&byte);
        (inside && name.len() <= 200 && name.bytes().all(plain)).then(|| Self(name.to_owned()))
    }

    fn path(&self, file: &str) -> String {
        format!("({})/{}", self.0, file.trim_start_matches('/'))
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0.split_once(',') {
            Some((_, partition)) => partition,
            None if self.0 == "loop0" => "the whole disk",
            None => &self.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_inside_the_disk_is_a_device() {
        for inside in ["(loop0)", "(loop0,gpt1)", "(loop0,msdos5)", "(lvm/vg-root)", "(md/0)"] {
            assert!(Device::read(inside).is_some(), "{inside}");
        }
        for outside in ["(host)", "(proc)", "(loop1)", "(lvm/a)/(host)", "(lvm/a'b)", "host", "()"]
        {
            assert!(Device::read(outside).is_none(), "{outside}");
        }
    }

    #[test]
    fn paths_are_inside_their_device() {
        let device = Device::read("(loop0,gpt1)").unwrap();
        assert_eq!(device.path("/etc/os-release"), "(loop0,gpt1)/etc/os-release");
        assert_eq!(device.to_string(), "gpt1");
    }
}
