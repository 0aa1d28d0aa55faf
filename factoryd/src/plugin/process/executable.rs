//! What may be wrong with an executable, for who must put it right.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How much of a file is looked at: an ELF header up to its machine, or a first line.
const HEAD_LEN: usize = 256;

/// Says what a person can do about a file that can't be executed or ends at once; empty if nothing looks wrong.
pub(in crate::plugin) fn hint(path: &Path) -> String {
    let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o111 == 0 {
        return format!("make it executable: chmod +x {}", path.display());
    }
    match kind(&head(path)) {
        Kind::Script(interpreter) if !interpreter.exists() => {
            format!("install the interpreter in its first line, {}", interpreter.display())
        }
        Kind::Elf(machine) if our_machine().is_some_and(|ours| ours != machine) => {
            format!("get it for this machine's architecture: it is for ELF machine {machine}")
        }
        Kind::Other => "it is neither a program nor a script with a `#!` line".to_owned(),
        Kind::Script(_) | Kind::Elf(_) => String::new(),
    }
}

/// Answers the interpreter that a script names in its first line; `None` for what is no script.
pub(super) fn interpreter(path: &Path) -> Option<PathBuf> {
    match kind(&head(path)) {
        Kind::Script(interpreter) => Some(interpreter),
        Kind::Elf(_) | Kind::Other => None,
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    /// With the path of its interpreter.
    Script(PathBuf),
    /// With the number of its machine.
    Elf(u16),
    Other,
}

fn kind(head: &[u8]) -> Kind {
    if let Some(rest) = head.strip_prefix(b"#!") {
        let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let interpreter = line.split_whitespace().next().unwrap_or_default();
        return Kind::Script(interpreter.into());
    }
    match (head.starts_with(b"\x7fELF"), head.get(5), head.get(18..20)) {
        (true, Some(2), Some(&[high, low])) => Kind::Elf(u16::from_be_bytes([high, low])),
        (true, _, Some(&[low, high])) => Kind::Elf(u16::from_le_bytes([low, high])),
        _ => Kind::Other,
    }
}

fn our_machine() -> Option<u16> {
    match kind(&head(Path::new("/proc/self/exe"))) {
        Kind::Elf(machine) => Some(machine),
        _ => None,
    }
}

fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(file) = File::open(path) {
        // What can't be read is not judged.
        let _ = file.take(HEAD_LEN as u64).read_to_end(&mut head);
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn hint_for(content: &[u8], mode: u32) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        hint(&path)
    }

    fn elf(byte_order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut head = b"\x7fELF\x02".to_vec();
        head.push(byte_order);
        head.resize(18, 0);
        head.extend(machine);
        head
    }

    #[test]
    fn what_keeps_a_file_from_running_is_named() {
        assert!(hint_for(b"#!/bin/sh\n", 0o644).starts_with("make it executable: chmod +x /"));
        assert_eq!(
            hint_for(b"#!/opt/nosuch/python3 -u\n", 0o755),
            "install the interpreter in its first line, /opt/nosuch/python3"
        );
        assert_eq!(
            hint_for(&elf(2, [0, 22]), 0o755),
            "get it for this machine's architecture: it is for ELF machine 22"
        );
        assert!(hint_for(b"hello", 0o755).starts_with("it is neither a program"));
        assert!(hint_for(b"", 0o755).starts_with("it is neither a program"));
    }

    #[test]
    fn a_file_that_looks_right_has_no_hint() {
        assert_eq!(hint_for(b"#!/bin/sh -e\nexit 1\n", 0o755), "");
        assert_eq!(hint(&std::env::current_exe().unwrap()), "");
    }
}
