//! A root file system to make images of.

use factory_plugin_docker::member::{Member, write_end, write_padding};
use factory_plugin_sdk::InputImage;
use factory_plugin_sdk::harness::{input_image, template};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tar::EntryType;
use tempfile::TempDir;

/// The newest time in [`RootFs`], in seconds since 1970.
pub(crate) const NEWEST: u64 = 1_700_000_000;

/// A file capability as the kernel stores it, with a line end among its bytes.
pub(crate) const CAPABILITY: &[u8] = &[1, 0, 0, 2, 0, b'\n', 0, 0, 0, b'\n', 0, 0];

/// A tar in a directory of its own.
pub(crate) struct RootFs {
    directory: TempDir,
}

impl RootFs {
    /// Writes a small root file system with one of everything, and a few megabytes to compress.
    pub(crate) fn small() -> Self {
        let rootfs = Self { directory: tempfile::tempdir().unwrap() };
        let mut tar = BufWriter::new(File::create(rootfs.path()).unwrap());
        for directory in ["./", "./boot/", "./dev/", "./etc/", "./usr/", "./usr/bin/"] {
            add(
                &mut tar,
                Member { kind: EntryType::Directory, mode: 0o755, ..file(directory) },
                b"",
            );
        }
        add(&mut tar, file("./boot/vmlinuz"), b"kernel");
        let console =
            Member { kind: EntryType::Char, device: Some((5, 1)), ..file("./dev/console") };
        add(&mut tar, console, b"");
        add(&mut tar, file("./etc/fstab"), b"/dev/vda1 / ext4");
        add(&mut tar, Member { mtime: NEWEST, ..file("./etc/os-release") }, b"ID=debian\n");
        let attribute = ("SCHILY.xattr.security.capability".to_owned(), CAPABILITY.to_vec());
        let attributes = [attribute].into();
        add(&mut tar, Member { attributes, mode: 0o4755, ..file("./usr/bin/ping") }, b"ping");
        add(&mut tar, link("./usr/bin/ping6", EntryType::Link, "./usr/bin/ping"), b"");
        add(&mut tar, link("./bin", EntryType::Symlink, "usr/bin"), b"");
        let long = format!("./usr/{}/file", "long".repeat(40));
        add(&mut tar, file(&long), &noise(5_000_000));
        write_end(&mut tar).unwrap();
        tar.flush().unwrap();
        drop(tar);
        rootfs
    }

    /// Makes a root file system with one huge file of zeros, which takes no space but takes long to read.
    pub(crate) fn huge() -> Self {
        let rootfs = Self { directory: tempfile::tempdir().unwrap() };
        let mut tar = File::create(rootfs.path()).unwrap();
        let size = 64 << 30;
        Member::file("zeros", size, 0).write_header(&mut tar).unwrap();
        tar.seek(SeekFrom::Current(i64::try_from(size).unwrap())).unwrap();
        write_end(&mut tar).unwrap();
        rootfs
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("rootfs.tar")
    }

    /// Returns a directory for what the test makes.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the image that has it.
    pub(crate) fn image(&self) -> InputImage {
        let mut template = template("Debian", "12", "x86_64");
        template.name = "My Debian".to_owned();
        input_image(template, &[("rootfs", &self.path(), "tar")])
    }
}

fn add(tar: &mut impl Write, member: Member, content: &[u8]) {
    let member = Member { size: content.len() as u64, ..member };
    member.write_header(tar).unwrap();
    tar.write_all(content).unwrap();
    write_padding(tar, member.size).unwrap();
}

fn file(path: &str) -> Member {
    Member::file(path, 0, 1_600_000_000)
}

fn link(path: &str, kind: EntryType, target: &str) -> Member {
    Member { kind, link: target.as_bytes().to_vec(), ..file(path) }
}

/// Makes bytes that compress to about half.
fn noise(size: u64) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as u8).collect()
}
