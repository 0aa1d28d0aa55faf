//! What is in files: hashing and copying that know of holes, in constant memory.

use rustix::fs::{SeekFrom, ioctl_ficlone, seek};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// How many bytes are in memory at once.
const CHUNK: usize = 1024 * 1024;

static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// Who hears how many bytes are done.
pub(super) type Heard<'a> = &'a dyn Fn(u64);

/// Answers the SHA-256 of the first `size` bytes, as 64 lower-case hexadecimal digits. Holes are not read.
pub(super) fn sha256(file: &File, size: u64, heard: Heard<'_>) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut position = 0;
    while position < size {
        let data = next_data(file, position, size)?;
        for hole in chunks(position..data.start) {
            hasher.update(&ZEROS[..length(&hole)]);
            heard(hole.end);
        }
        read(file, data.clone(), |bytes, offset| {
            hasher.update(bytes);
            heard(offset + bytes.len() as u64);
            Ok(())
        })?;
        position = data.end;
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Makes the empty file `to` the same as the first `size` bytes of `from`: as a reflink where the file system can, else
/// as a copy with the same holes.
pub(super) fn copy(from: &File, to: &File, size: u64, heard: Heard<'_>) -> io::Result<()> {
    if reflink(from, to) {
        return Ok(());
    }
    copy_data(from, to, size, heard)
}

/// Makes the empty file `to` share the blocks of `from`; false if the file system can't.
pub(super) fn reflink(from: &File, to: &File) -> bool {
    ioctl_ficlone(to, from).is_ok()
}

/// Makes the empty file `to` the same as the first `size` bytes of `from`, with the same holes.
pub(super) fn copy_data(from: &File, to: &File, size: u64, heard: Heard<'_>) -> io::Result<()> {
    to.set_len(size)?;
    let mut position = 0;
    while position < size {
        let data = next_data(from, position, size)?;
        read(from, data.clone(), |bytes, offset| {
            heard(offset + bytes.len() as u64);
            to.write_all_at(bytes, offset)
        })?;
        position = data.end;
    }
    Ok(())
}

/// Answers the next range that is no hole, from `position` on; an empty one at `size` if there is none.
fn next_data(file: &File, position: u64, size: u64) -> io::Result<Range<u64>> {
    let start = match seek(file, SeekFrom::Data(position)) {
        Ok(start) => start.min(size),
        Err(rustix::io::Errno::NXIO) => size,
        // A file system that knows no holes.
        Err(rustix::io::Errno::INVAL) => return Ok(position..size),
        Err(errno) => return Err(errno.into()),
    };
    if start == size {
        return Ok(size..size);
    }
    Ok(start..seek(file, SeekFrom::Hole(start))?.min(size))
}

fn read(
    file: &File,
    range: Range<u64>,
    mut take: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK.min(length(&range))];
    for chunk in chunks(range) {
        let bytes = &mut buffer[..length(&chunk)];
        file.read_exact_at(bytes, chunk.start)?;
        take(bytes, chunk.start)?;
    }
    Ok(())
}

fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    range.step_by(CHUNK).map(move |start| start..end.min(start + CHUNK as u64))
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const SIZE: u64 = 64 * 1024 * 1024 + 3;

    /// Data in the middle, in the last byte, and nothing else.
    fn sparse() -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(SIZE).unwrap();
        file.write_all_at(&[7; 5000], 20 * 1024 * 1024 + 11).unwrap();
        file.write_all_at(&[9], SIZE - 1).unwrap();
        file
    }

    fn whole(file: &File) -> Vec<u8> {
        let mut bytes = vec![0; SIZE as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn plain_sha256(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_hash_with_holes_is_the_hash_of_the_bytes() {
        let file = sparse();
        assert_eq!(sha256(&file, SIZE, &|_| {}).unwrap(), plain_sha256(&whole(&file)));
        file.set_len(SIZE + 5_000_000).unwrap();
        let longer = [whole(&file), vec![0; 5_000_000]].concat();
        assert_eq!(sha256(&file, SIZE + 5_000_000, &|_| {}).unwrap(), plain_sha256(&longer));
        assert_eq!(sha256(&file, 0, &|_| {}).unwrap(), plain_sha256(b""));
    }

    #[test]
    fn a_copy_has_the_same_bytes_and_the_same_holes() {
        let (from, to) = (sparse(), tempfile::tempfile().unwrap());
        copy_data(&from, &to, SIZE, &|_| {}).unwrap();
        assert!(whole(&from) == whole(&to));
        assert!(to.metadata().unwrap().blocks() * 512 < SIZE / 8, "the copy is not sparse");
    }

    #[test]
    fn a_file_that_shrinks_under_the_reader_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[1; 100], 0).unwrap();
        assert!(read(&file, 0..200, |_, _| Ok(())).is_err());
    }
}
