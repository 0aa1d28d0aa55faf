//! Disks as they are met: made in seconds, and small.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How large a file system is: small enough to be fast, large enough for XFS.
pub(crate) const FS_SIZE: u64 = 320 << 20;
const MIB: u64 = 1 << 20;

/// A directory that looks like a system's root, as far as an import looks.
pub(crate) struct Root(pub(crate) PathBuf);

impl Root {
    /// Makes one with this os-release, and programs for x86_64.
    pub(crate) fn new(at: PathBuf, os_release: &str) -> Self {
        let root = Self(at);
        root.write("usr/lib/os-release", os_release.as_bytes());
        root.write("usr/bin/ls", &elf([62, 0]));
        fs::create_dir_all(root.0.join("etc")).unwrap();
        symlink("../usr/lib/os-release", root.0.join("etc/os-release")).unwrap();
        symlink("usr/bin", root.0.join("bin")).unwrap();
        root
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Makes an ext4 of it.
    pub(crate) fn ext4(&self, at: &Path) {
        sparse(at, FS_SIZE);
        run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&self.0).arg(at));
    }

    /// Makes an XFS of it; its prototype file is what `mkfs.xfs -p` takes.
    pub(crate) fn xfs(&self, at: &Path) {
        sparse(at, FS_SIZE);
        let prototype = at.with_extension("proto");
        let mut text = String::from("/none\n0 0\nd--755 0 0\n");
        describe(&self.0, &mut text);
        text.push_str("$\n");
        fs::write(&prototype, text).unwrap();
        run(Command::new("mkfs.xfs").args(["-q", "-f", "-p"]).arg(&prototype).arg(at));
    }

    /// Makes a Btrfs of it.
    pub(crate) fn btrfs(&self, at: &Path) {
        sparse(at, FS_SIZE);
        run(Command::new("mkfs.btrfs").args(["-q", "--rootdir"]).arg(&self.0).arg(at));
    }
}

/// The beginning of a program for an ELF machine.
pub(crate) fn elf(machine: [u8; 2]) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    bytes.resize(18, 0);
    bytes.extend(machine);
    bytes.resize(200, 0);
    bytes
}

/// Puts file systems into the partitions of a disk, after a first one that is empty.
pub(crate) fn partitioned(disk: &Path, label: &str, parts: &[&Path]) {
    let sizes = parts.iter().map(|part| part.metadata().unwrap().len());
    let sizes: Vec<u64> = [MIB].into_iter().chain(sizes).collect();
    sparse(disk, sizes.iter().sum::<u64>() + 2 * MIB);
    let mut table = format!("label: {label}\n");
    let mut at = MIB;
    let mut file = fs::File::options().write(true).open(disk).unwrap();
    let contents = [None].into_iter().chain(parts.iter().map(Some));
    for (size, content) in sizes.iter().zip(contents) {
        table.push_str(&format!("start={}, size={}\n", at / 512, size / 512));
        if let Some(content) = content {
            file.seek(SeekFrom::Start(at)).unwrap();
            copy_data(content, &mut file, at);
        }
        at += size;
    }
    let mut sfdisk = Command::new("sfdisk");
    sfdisk
        .args(["-q", "--no-tell-kernel", "--wipe-partitions", "never"])
        .arg(disk)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = sfdisk.spawn().unwrap();
    child.stdin.take().unwrap().write_all(table.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Converts a raw disk.
pub(crate) fn converted(raw: &Path, format: &str, to: &Path) {
    run(Command::new("qemu-img").args(["convert", "-f", "raw", "-O", format]).arg(raw).arg(to));
}

pub(crate) fn sparse(at: &Path, size: u64) {
    fs::File::create(at).unwrap().set_len(size).unwrap();
}

#[track_caller]
pub(crate) fn run(command: &mut Command) {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = command.env("PATH", path).output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}");
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Writes what is not zero.
fn copy_data(from: &Path, to: &mut fs::File, at: u64) {
    let bytes = fs::read(from).unwrap();
    for (index, chunk) in bytes.chunks(64 * 1024).enumerate() {
        if chunk.iter().any(|byte| *byte != 0) {
            to.seek(SeekFrom::Start(at + index as u64 * 64 * 1024)).unwrap();
            to.write_all(chunk).unwrap();
        }
    }
}

fn describe(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (name, path) = (entry.file_name().into_string().unwrap(), entry.path());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            text.push_str(&format!("{name} l--777 0 0 {}\n", target.display()));
        } else if kind.is_dir() {
            text.push_str(&format!("{name} d--755 0 0\n"));
            describe(&path, text);
            text.push_str("$\n");
        } else {
            text.push_str(&format!("{name} ---755 0 0 {}\n", path.display()));
        }
    }
}

/// Puts a file system into the one logical volume of a disk that is all LVM: what `pvcreate`, `vgcreate` and `lvcreate` write,
/// who need root and a kernel's driver, but for the checksums.
pub(crate) fn logical_volume(disk: &Path, content: &Path) {
    const EXTENT: u64 = 4 * MIB;
    const METADATA: (u64, u64) = (4096, MIB - 4096);
    let extents = content.metadata().unwrap().len() / EXTENT;
    sparse(disk, MIB + extents * EXTENT);
    let pv = "Imcjvb-Qrw3-eFRs-o7LY-yAYO-FA6g-Nkk3cE";
    let text = format!(
        "vg {{\nid = \"B9E028-Y07i-JkkV-JvWM-JMs1-Y0Yy-dq76iK\"\nseqno = 1\nextent_size = {}\n\
         physical_volumes {{\npv0 {{\nid = \"{pv}\"\npe_start = 2048\npe_count = {extents}\n}}\n}}\n\
         logical_volumes {{\nroot {{\nid = \"PzLNkW-4tnA-S0EQ-Ncbh-RFl4-Xa2i-bPJ0mN\"\n\
         status = [\"READ\", \"WRITE\", \"VISIBLE\"]\nsegment_count = 1\nsegment1 {{\nstart_extent = 0\n\
         extent_count = {extents}\ntype = \"striped\"\nstripe_count = 1\nstripes = [\n\"pv0\", 0\n]\n}}\n}}\n}}\n}}\n",
        EXTENT / 512
    );
    let plain = pv.replace('-', "");
    let places = numbers(&[MIB + extents * EXTENT, MIB, 0, 0, 0, METADATA.0, METADATA.1, 0, 0]);
    let label = [
        &b"LABELONE"[..],
        &1u64.to_le_bytes(),
        &0u32.to_le_bytes(),
        &32u32.to_le_bytes(),
        b"LVM2 001",
        plain.as_bytes(),
        &places,
    ];
    let areas = numbers(&[METADATA.0, METADATA.1, 512, text.len() as u64, 0]);
    let header = [&0u32.to_le_bytes()[..], b" LVM2 x[5A%r0N*>", &1u32.to_le_bytes(), &areas];
    let mut file = fs::File::options().write(true).open(disk).unwrap();
    for (at, bytes) in [(512, label.concat()), (4096, header.concat()), (4608, text.into_bytes())] {
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&bytes).unwrap();
    }
    copy_data(content, &mut file, MIB);
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
