//! What programs are for, by their ELF header.

use super::Platform;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const HEADER_LEN: usize = 20;

/// Numbers of machines (`e_machine`), each with its byte order (1: little-endian) and Go's word.
const MACHINES: [(u16, u8, &str); 8] = [
    (62, 1, "amd64"),
    (183, 1, "arm64"),
    (3, 1, "386"),
    (40, 1, "arm"),
    (21, 1, "ppc64le"),
    (243, 1, "riscv64"),
    (22, 2, "s390x"),
    (258, 1, "loong64"),
];

/// Answers what a file runs on if it is a program or a library; `None` if it is something else, or for a machine not known here.
///
/// # Errors
/// If it can't be read.
pub(super) fn platform(path: &Path) -> io::Result<Option<Platform>> {
    let mut head = Vec::with_capacity(HEADER_LEN);
    File::open(path)?.take(HEADER_LEN as u64).read_to_end(&mut head)?;
    if head.len() < HEADER_LEN || !head.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let (order, machine) = (head[5], [head[18], head[19]]);
    let machine =
        if order == 2 { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    let known = MACHINES.iter().find(|(number, bytes, _)| (*number, *bytes) == (machine, order));
    Ok(known.map(|(_, _, arch)| Platform::linux(arch)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_what_it_is_for_and_a_script_does_not() {
        let here = platform(Path::new("/proc/self/exe")).unwrap();
        assert_eq!(here, Some(Platform::here()));
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("x");
        std::fs::write(&script, "#!/bin/sh\nexec true and more\n").unwrap();
        assert_eq!(platform(&script).unwrap(), None);
    }
}
