//! Packages made, and packages that somebody made to do harm.

mod hostile;
mod making;
mod signed;

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

const INFO: &str = r#"{"type": "os", "targets": [["X", null, null]], "version": "1.2.3"}"#;
const SCRIPT: &str = "#!/bin/sh\nexit 0\n";

/// A plugin `x`, with a licence and a library.
fn plugin() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "x.info", INFO, 0o644);
    write(directory.path(), "factory-plugin-x", SCRIPT, 0o755);
    write(directory.path(), "LICENSE", "as you like it\n", 0o644);
    write(directory.path(), "lib/deep/x.py", "pass\n", 0o644);
    directory
}

fn write(directory: &Path, path: &str, text: &str, mode: u32) {
    let path = directory.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Takes whatever nobody signed.
fn anything(_: &[u8], signature: Option<&[u8]>) -> Result<Option<String>, Error> {
    assert_eq!(signature, None);
    Ok(None)
}

fn unpacked(archive: &[u8], limits: &Limits) -> Result<(TempDir, Unpacked), Error> {
    let into = tempfile::tempdir().unwrap();
    let unpacked = unpack(Cursor::new(archive), into.path(), limits, &anything)?;
    Ok((into, unpacked))
}

/// All files below a directory, with what is in them.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => {
                    let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                    files.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
    }
    files
}

/// What stands in the header of a member.
struct Forged<'a> {
    path: &'a str,
    kind: u8,
    mode: u32,
    content: &'a [u8],
}

impl<'a> Forged<'a> {
    fn file(path: &'a str, content: &'a [u8]) -> Self {
        let mode = if path.starts_with("factory-plugin") { 0o755 } else { 0o644 };
        Self { path, kind: b'0', mode, content }
    }
}

/// Writes an archive as somebody would who does not use our own means.
fn forge(members: &[Forged<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for Forged { path, kind, mode, content } in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[156] = *kind;
        header.set_link_name("/etc/passwd").unwrap();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.extend(header.as_bytes());
        archive.extend(*content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive).unwrap();
    gzip.finish().unwrap()
}

/// The list of a package `x` with these files beside what it must have.
fn sums(more: &[(&str, &[u8])]) -> String {
    let must = [("x.info", INFO.as_bytes()), ("factory-plugin-x", SCRIPT.as_bytes())];
    let files = must.iter().chain(more);
    let files = files.map(|(path, bytes)| ((*path).to_owned(), super::sums::sha256(bytes)));
    let identity = Identity {
        name: "x".to_owned(),
        version: "1.2.3".parse().unwrap(),
        platform: Platform::Any,
    };
    Sums { identity, files: files.collect() }.text()
}
