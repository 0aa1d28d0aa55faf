//! What the factory must know of a file: its size and its SHA-256, read without reading its holes.

use crate::{Failure, Fault};
use factory_proto::plugin_v1::Artifact;
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use tokio_util::sync::CancellationToken;

const BUFFER_BYTES: usize = 1024 * 1024;

/// Fills in an artifact's size and, unless it is known, its SHA-256.
///
/// # Errors
/// If the file is not a regular one directly inside `work_dir`, or can't be read.
pub(crate) async fn measure(
    work_dir: &Path,
    artifact: Artifact,
    cancellation: CancellationToken,
) -> Result<Artifact, Failure> {
    let path = checked_path(work_dir, &artifact.path)?;
    let read = move || fill_in(artifact, &path, &cancellation);
    let lost = |_| Failure::new(Fault::Plugin, "ARTIFACT_UNREADABLE", "reading the file panicked");
    tokio::task::spawn_blocking(read).await.map_err(lost)?
}

fn checked_path(work_dir: &Path, name: &str) -> Result<PathBuf, Failure> {
    let mut components = Path::new(name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(work_dir.join(only)),
        _ => {
            let message =
                format!("artifact {name:?} must be the name of a file in the work directory");
            Err(Failure::new(Fault::Plugin, "ARTIFACT_PATH", message))
        }
    }
}

fn fill_in(
    mut artifact: Artifact,
    path: &Path,
    cancellation: &CancellationToken,
) -> Result<Artifact, Failure> {
    let unreadable = |error: io::Error| {
        let message = format!("artifact {} can't be read: {error}", artifact.path);
        Failure::new(Fault::Plugin, "ARTIFACT_UNREADABLE", message)
    };
    let file = open(path).map_err(unreadable)?;
    artifact.size = file.metadata().map_err(unreadable)?.len();
    if artifact.sha256.is_empty() {
        let digest = sha256(&file, artifact.size, cancellation).map_err(unreadable)?;
        artifact.sha256 = digest.ok_or_else(Failure::cancelled)?;
    }
    Ok(artifact)
}

/// Opens a regular file, and neither what a link points to nor a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a regular file"))
}

/// Returns the SHA-256 in hexadecimal; `None` if cancelled meanwhile.
fn sha256(file: &File, size: u64, cancellation: &CancellationToken) -> io::Result<Option<String>> {
    let zeros = vec![0; BUFFER_BYTES];
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut digest = Sha256::new();
    let mut at = 0;
    while at < size {
        let (start, end) = next_data(file, at, size)?;
        let mut hole = start - at;
        while 0 < hole && !cancellation.is_cancelled() {
            let len = hole.min(BUFFER_BYTES as u64);
            digest.update(&zeros[..len as usize]);
            hole -= len;
        }
        at = start;
        while at < end && !cancellation.is_cancelled() {
            let len = (end - at).min(BUFFER_BYTES as u64) as usize;
            file.read_exact_at(&mut buffer[..len], at)?;
            digest.update(&buffer[..len]);
            at += len as u64;
        }
        if cancellation.is_cancelled() {
            return Ok(None);
        }
    }
    Ok(Some(hex(&digest.finalize())))
}

/// Returns where the next data starts and ends; both are `size` if only a hole is left. A file system that knows no holes
/// says that all is data.
fn next_data(file: &File, at: u64, size: u64) -> io::Result<(u64, u64)> {
    let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => start.min(size),
        Err(Errno::NXIO) => return Ok((size, size)),
        Err(Errno::INVAL) => return Ok((at, size)),
        Err(error) => return Err(error.into()),
    };
    let end = rustix::fs::seek(file, SeekFrom::Hole(start))?.min(size);
    Ok((start, end))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    async fn measured(work_dir: &Path, name: &str) -> Result<Artifact, Failure> {
        let artifact = Artifact { path: name.to_owned(), ..Default::default() };
        measure(work_dir, artifact, CancellationToken::new()).await
    }

    fn reason(result: Result<Artifact, Failure>) -> String {
        result.unwrap_err().as_proto().unwrap().reason.clone()
    }

    #[tokio::test]
    async fn a_sparse_file_has_the_digest_of_its_full_content() {
        let dir = tempfile::tempdir().unwrap();
        let size = 9 * 1024 * 1024 + 5;
        let mut content = vec![0; size];
        let file = File::create(dir.path().join("disk")).unwrap();
        file.set_len(size as u64).unwrap();
        for at in [0, 3 * 1024 * 1024 + 17, size - 4] {
            file.write_all_at(b"data", at as u64).unwrap();
            content[at..at + 4].copy_from_slice(b"data");
        }
        let artifact = measured(dir.path(), "disk").await.unwrap();
        assert_eq!(artifact.size, size as u64);
        assert_eq!(artifact.sha256, hex(&Sha256::digest(&content)));
    }

    #[tokio::test]
    async fn an_empty_file_and_one_that_is_only_a_hole_are_fine() {
        let dir = tempfile::tempdir().unwrap();
        for size in [0, 2 * 1024 * 1024 + 1] {
            File::create(dir.path().join("f")).unwrap().set_len(size).unwrap();
            let artifact = measured(dir.path(), "f").await.unwrap();
            assert_eq!(artifact.sha256, hex(&Sha256::digest(vec![0; size as usize])));
        }
    }

    #[tokio::test]
    async fn a_digest_that_is_known_is_not_computed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "x").unwrap();
        let artifact = Artifact { path: "f".into(), sha256: "known".into(), ..Default::default() };
        let artifact = measure(dir.path(), artifact, CancellationToken::new()).await.unwrap();
        assert_eq!((artifact.sha256.as_str(), artifact.size), ("known", 1));
    }

    #[tokio::test]
    async fn a_path_that_leaves_the_work_directory_is_the_plugins_fault() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "../x", "/etc/passwd", "a/b", "./x", "x/"] {
            assert_eq!(reason(measured(dir.path(), name).await), "ARTIFACT_PATH", "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_missing_a_link_or_a_directory_is_the_plugins_fault() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", dir.path().join("link")).unwrap();
        std::fs::create_dir(dir.path().join("dir")).unwrap();
        for name in ["missing", "link", "dir"] {
            let result = measured(dir.path(), name).await;
            assert_eq!(reason(result), "ARTIFACT_UNREADABLE", "{name}");
        }
    }

    #[tokio::test]
    async fn a_cancelled_operation_stops_reading() {
        let dir = tempfile::tempdir().unwrap();
        File::create(dir.path().join("disk")).unwrap().set_len(1 << 40).unwrap();
        let cancellation = CancellationToken::new();
        cancellation.cancel();
        let artifact = Artifact { path: "disk".into(), ..Default::default() };
        assert!(measure(dir.path(), artifact, cancellation).await.unwrap_err().is_cancelled());
    }
}
