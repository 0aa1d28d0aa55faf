//! The files of an image: the archive of its root file system and the disk, made side by side from one tree.

use super::configure;
use super::plan::{DISK, Plan, ROOTFS};
use super::say;
use super::tree::Tree;
use crate::disk::{self, Contents, io_failure, uki};
use crate::program::{self, Program};
use factory_plugin_sdk::{Failure, Fault};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;

/// How often the archive's progress is told, in bytes.
const TELL_EVERY: u64 = 16 << 20;
const BUFFER: usize = 1 << 20;
const BLOCK: u64 = 4096;

/// Writes both files, and answers the archive's SHA-256.
///
/// # Errors
/// `DISK_TOO_SMALL` with the size that is needed; if a file can't be written or a program fails.
pub(crate) fn write(tree: &Tree, plan: &Plan, scratch: &Path) -> Result<String, Failure> {
    let size = measure(tree.path()).map_err(|error| io_failure("the image".into(), &error))?;
    if !disk::may_hold(plan.disk_size, size) {
        return Err(too_small(plan.disk_size, size));
    }
    let kernel = kernel(tree, plan)?;
    let ids = configure::ids(plan)?;
    let path = Path::new(&plan.work_dir).join(DISK);
    let contents =
        Contents { tree: tree.path(), tree_size: size, kernel, epoch: plan.epoch, ids: &ids };
    say("writing the root file system and the disk");
    let (archived, made) = thread::scope(|scope| {
        let archive = scope.spawn(|| archive(tree, plan, size));
        let made = disk::make(&path, plan.disk_size, contents, scratch);
        let lost = |_| Failure::new(Fault::Plugin, "ARCHIVE_LOST", "writing the archive panicked");
        (archive.join().map_err(lost), made)
    });
    made.map_err(|error| match error {
        disk::Error::TooSmall => too_small(plan.disk_size, size),
        other => other.into(),
    })?;
    archived?
}

/// Unpacks the root file system of a base image.
///
/// # Errors
/// If the archive can't be read or tar fails.
pub(crate) fn unpack(plan: &Plan, tree: &Path) -> Result<(), Failure> {
    let reading = |error| io_failure("failed to read the base image".into(), &error);
    let mut file = File::open(&plan.base).map_err(reading)?;
    let total = file.metadata().map_err(reading)?.len();
    let mut command = Program::new("tar", "tar")
        .args(["--extract", "--numeric-owner", "--same-permissions", "--xattrs"])
        .args(["--xattrs-include=*", "--directory"])
        .arg(tree)
        .into_command();
    say("unpacking the base image");
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(reading)?;
    if let Some(mut stdin) = child.stdin.take() {
        // If tar ends early, its status says more than the broken pipe.
        let _ = copy(&mut file, &mut stdin, |_| (), "read", total);
    }
    let status = child.wait().map_err(reading)?;
    ended("tar", status)
}

fn archive(tree: &Tree, plan: &Plan, total: u64) -> Result<String, Failure> {
    let writing = |error| io_failure("failed to write the root file system".into(), &error);
    let mut file = File::create(Path::new(&plan.work_dir).join(ROOTFS)).map_err(writing)?;
    // Names in order, no time later than the image's, and none that changes by itself.
    let mut command = Program::new("tar", "tar")
        .args(["--create", "--sort=name", "--numeric-owner", "--xattrs", "--xattrs-include=*"])
        .args(["--format=pax", "--clamp-mtime"])
        .arg("--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime")
        .arg(format!("--mtime=@{}", plan.epoch))
        .arg("--directory")
        .arg(tree.path())
        .arg(".")
        .into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(writing)?;
    let mut hash = Sha256::new();
    if let Some(mut stdout) = child.stdout.take() {
        let copied = copy(&mut stdout, &mut file, |bytes| hash.update(bytes), "wrote", total);
        copied.map_err(writing)?;
    }
    let status = child.wait().map_err(writing)?;
    ended("tar", status)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Copies all of `from`, telling how far it is.
fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    mut see: impl FnMut(&[u8]),
    verb: &str,
    total: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let (mut done, mut told) = (0, 0);
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return to.flush(),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&buffer[..count])?;
        see(&buffer[..count]);
        done += count as u64;
        if done - told >= TELL_EVERY {
            told = done;
            say(&format!("{verb} {done} of {} bytes", total.max(done)));
        }
    }
}

fn ended(program: &str, status: std::process::ExitStatus) -> Result<(), Failure> {
    match status.success() {
        true => Ok(()),
        false => {
            let program = program.to_owned();
            Err(program::Error::Failed { program, status, output: String::new() }.into())
        }
    }
}

fn kernel(tree: &Tree, plan: &Plan) -> Result<uki::Kernel, Failure> {
    let read = |path: &str| {
        let failed = |error| io_failure(format!("failed to read the image's {path}"), &error);
        tree.read(path).map_err(failed)
    };
    Ok(uki::Kernel {
        os_release: read("/etc/os-release")?,
        command_line: configure::command_line(plan)?,
        initrd: read("/initrd.img")?,
        linux: read("/vmlinuz")?,
    })
}

/// Answers what the files take on a disk, in bytes.
fn measure(tree: &Path) -> io::Result<u64> {
    let mut seen = HashSet::new();
    let mut directories = vec![tree.to_owned()];
    let mut total = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                directories.push(entry.path());
            }
            // A file of several names is there once.
            if metadata.nlink() < 2 || metadata.is_dir() || seen.insert(metadata.ino()) {
                total += on_disk(&metadata);
            }
        }
    }
    Ok(total)
}

fn on_disk(metadata: &Metadata) -> u64 {
    match metadata.is_dir() {
        true => BLOCK,
        false if metadata.is_file() => metadata.len().next_multiple_of(BLOCK),
        false => 0,
    }
}

fn too_small(given: u64, files: u64) -> Failure {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let needed = mib(disk::smallest(files));
    let message =
        format!("a disk of {} MiB is too small for {} MiB of files", mib(given), mib(files));
    Failure::new(Fault::User, "DISK_TOO_SMALL", message)
        .hint(format!("ask for at least {needed} MiB in template/disk/size"))
        .path("template/disk/size")
        .step("write the disk")
        .metadata("needed_bytes", (needed << 20).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_two_names_is_counted_once() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("directory")).unwrap();
        fs::write(tree.path().join("directory/file"), vec![0; 5000]).unwrap();
        fs::hard_link(tree.path().join("directory/file"), tree.path().join("name")).unwrap();
        std::os::unix::fs::symlink("name", tree.path().join("link")).unwrap();
        assert_eq!(measure(tree.path()).unwrap(), 4096 + 8192);
    }

    #[test]
    fn a_disk_that_is_too_small_says_what_is_needed() {
        let failure = too_small(512 << 20, 600 << 20);
        let failure = failure.as_proto().unwrap();
        assert_eq!(failure.message, "a disk of 512 MiB is too small for 600 MiB of files");
        assert_eq!(failure.hint, "ask for at least 896 MiB in template/disk/size");
    }
}
