//! Bodies: files that become an image's, whole or not at all.

use super::work::remove_tree;
use super::{Error, Store, blocking, content, seam};
use crate::domain::{Artifact, ImageId};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A file in a work directory that is to become an image's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// Where it is, in a [`WorkDir`](super::WorkDir) of this store, or kept in it. Its name is kept unless the image has another such.
    pub file: PathBuf,
    /// What it is to the image.
    pub role: String,
    /// Its format.
    pub format: String,
    /// The size a guest sees, in bytes; 0 if that means nothing.
    pub virtual_size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits, which is believed; if empty it is computed, which reads the file.
    pub sha256: String,
    /// Its media type; may be empty.
    pub media_type: String,
}

impl Store {
    /// Moves a file from a work directory to the image's, synchronised and read-only, and answers what to
    /// [`Store::append`] as [`EventKind::Artifact`](crate::domain::EventKind::Artifact). An artifact of the same role that the
    /// image has already stays whole until then.
    ///
    /// # Errors
    /// If there is no such image, the file is not a regular file in a work directory, or it can't be read or moved.
    pub async fn adopt(&self, image: &ImageId, new: NewArtifact) -> Result<Artifact, Error> {
        self.call("adopt", self.move_in(image, new)).await
    }

    async fn move_in(&self, image: &ImageId, new: NewArtifact) -> Result<Artifact, Error> {
        self.must_exist(image).await?;
        let sources = [self.root().join("work"), self.root().join("kept")];
        let directory = self.body_dir(image);
        blocking(move || adopt(&sources, &directory, new)).await
    }

    /// Gives an image a file that another image has: the same file under a second name, or a copy where the file system
    /// can't do that. Either image can be deleted without harm to the other.
    ///
    /// # Errors
    /// If there is no such image, the file is no body in this store or has another size than is recorded, or it can't be
    /// linked or copied.
    pub async fn share(&self, from: &Artifact, to: &ImageId) -> Result<Artifact, Error> {
        self.call("share", self.link_in(from, to)).await
    }

    async fn link_in(&self, from: &Artifact, to: &ImageId) -> Result<Artifact, Error> {
        self.must_exist(to).await?;
        let images = self.images_dir();
        let directory = self.body_dir(to);
        let temporary = self.own_work_dir();
        let from = from.clone();
        blocking(move || {
            let body = open_body(&images, &from)?;
            make_dir(&directory)?;
            let path = match link(&from.path, &directory)? {
                Some(path) => path,
                None => copy(&body, &from, &temporary, &directory)?,
            };
            sync_dir(&directory)?;
            Ok(Artifact { path, ..from })
        })
        .await
    }

    /// Removes all files of an image.
    ///
    /// # Errors
    /// If one can't be removed.
    pub async fn remove_bodies(&self, image: &ImageId) -> Result<(), Error> {
        let directory = self.body_dir(image);
        self.call("remove_bodies", async {
            blocking(move || remove_tree(&directory)).await?;
            self.inner.reserve.refill().await;
            Ok(())
        })
        .await
    }

    /// Removes the files of `replaced` that are the image's own. One that can't be removed costs space, no more.
    pub(super) async fn remove_replaced(&self, image: &ImageId, mut replaced: Vec<PathBuf>) {
        let directory = self.body_dir(image);
        replaced.retain(|path| path.parent() == Some(&directory));
        if replaced.is_empty() {
            return;
        }
        blocking(move || {
            for path in replaced {
                if seam::write("remove", &path).is_err() {
                    return;
                }
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        tracing::warn!(path = %path.display(), %error, "a replaced body stays behind");
                    }
                    _ => {}
                }
            }
        })
        .await;
    }

    pub(super) fn body_dir(&self, image: &ImageId) -> PathBuf {
        self.images_dir().join(image.as_str())
    }

    async fn must_exist(&self, image: &ImageId) -> Result<(), Error> {
        let found = sqlx::query("SELECT 1 FROM images WHERE id = ?")
            .bind(image.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(self.failed("look for an image"))?;
        found.map(drop).ok_or_else(|| Error::UnknownImage(image.clone()))
    }
}

fn adopt(sources: &[PathBuf], directory: &Path, new: NewArtifact) -> Result<Artifact, Error> {
    let source = inside(sources, &new.file)?;
    let (file, metadata) = open_regular(&source)?;
    let sha256 = digest(&file, metadata.len(), &new, &source)?;
    finish(&file, &source)?;
    make_dir(directory)?;
    let path = rename(&source, directory)?;
    check_same(&path, &metadata)?;
    sync_dir(directory)?;
    Ok(Artifact {
        role: new.role,
        path,
        format: new.format,
        size: metadata.len(),
        virtual_size: new.virtual_size,
        sha256,
        media_type: new.media_type,
    })
}

/// Answers the file's path without symbolic links on the way to it, if that is in a directory of work, and in the one that is
/// meant: a plugin can put a link to another's in place of its own.
pub(super) fn inside(sources: &[PathBuf], file: &Path) -> Result<PathBuf, Error> {
    let refused = |why| Error::Refused { path: file.to_owned(), why };
    let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(refused("it is not a file"));
    };
    if name.to_str().is_none() {
        return Err(refused("its name is not UTF-8"));
    }
    let meant = parent.file_name();
    let parent = parent.canonicalize().map_err(|source| Error::reading("find", file, source))?;
    if !sources.iter().any(|source| parent.starts_with(source) && parent != *source) {
        return Err(refused("it is not in a work directory of this store"));
    }
    if parent.file_name() != meant {
        return Err(refused("its directory was replaced by another"));
    }
    Ok(parent.join(name))
}

pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), Error> {
    let failed = |source| Error::reading("open", path, source);
    let refused = |why| Error::Refused { path: path.to_owned(), why };
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if found.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    if !found.is_file() {
        return Err(refused("it is not a regular file"));
    }
    // What is there may have changed since: follow nothing, and don't wait on a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = file.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !same(&found, &metadata) {
        return Err(refused("it was replaced while it was opened"));
    }
    Ok((file, metadata))
}

fn digest(file: &File, size: u64, new: &NewArtifact, path: &Path) -> Result<String, Error> {
    if new.sha256.is_empty() {
        return content::sha256(file, size, &|_| {})
            .map_err(|source| Error::reading("read", path, source));
    }
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if new.sha256.len() != 64 || !new.sha256.bytes().all(digit) {
        let why = "its SHA-256 is not 64 lower-case hexadecimal digits";
        return Err(Error::Refused { path: path.to_owned(), why });
    }
    Ok(new.sha256.clone())
}

/// Makes a file last, and nobody's to change. One that has another name elsewhere is not opened to more readers.
pub(super) fn finish(file: &File, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::file("synchronise", path, source);
    seam::write("synchronise", path)?;
    file.sync_all().map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let readable = if metadata.nlink() > 1 { metadata.mode() & 0o444 } else { 0o444 };
    file.set_permissions(Permissions::from_mode(readable))
        .map_err(|source| Error::file("make read-only", path, source))
}

pub(super) fn make_dir(directory: &Path) -> Result<(), Error> {
    seam::write("make the directory", directory)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => sync_dir(directory.parent().unwrap_or(directory)),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::file("make the directory", directory, source)),
    }
}

pub(super) fn sync_dir(directory: &Path) -> Result<(), Error> {
    seam::write("synchronise", directory)?;
    let synchronised = File::open(directory).and_then(|open| open.sync_all());
    synchronised.map_err(|source| Error::file("synchronise", directory, source))
}

/// Moves a file into a directory, under its own name or the next one that is free.
pub(super) fn rename(source: &Path, directory: &Path) -> Result<PathBuf, Error> {
    seam::write("move into the store", source)?;
    let moved = place(source, directory, |path| {
        renameat_with(CWD, source, CWD, path, RenameFlags::NOREPLACE).map_err(io::Error::from)
    });
    moved.map_err(|error| Error::file("move into the store", source, error))
}

/// Links a file into a directory; `None` if the file system can't.
fn link(source: &Path, directory: &Path) -> Result<Option<PathBuf>, Error> {
    seam::write("link", source)?;
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    match place(source, directory, |path| fs::hard_link(source, path)) {
        Ok(path) => Ok(Some(path)),
        Err(error) => match error.kind() {
            CrossesDevices | TooManyLinks | PermissionDenied | Unsupported => Ok(None),
            _ => Err(Error::file("link", source, error)),
        },
    }
}

fn copy(
    body: &File,
    from: &Artifact,
    temporary: &Path,
    directory: &Path,
) -> Result<PathBuf, Error> {
    let failed = |source| Error::file("copy", &from.path, source).needing(from.size);
    seam::write("copy", &from.path)?;
    let temporary = temporary.join(Uuid::now_v7().to_string());
    let name = from.path.file_name().unwrap_or_default();
    DirBuilder::new().recursive(true).mode(0o700).create(&temporary).map_err(failed)?;
    let path = temporary.join(name);
    let copied = File::create_new(&path)
        .and_then(|copy| content::copy(body, &copy, from.size, &|_| {}).map(|()| copy))
        .map_err(failed)
        .and_then(|copy| finish(&copy, &path))
        .and_then(|()| rename(&path, directory));
    remove_tree(&temporary).and(copied)
}

/// Puts a file where its name is free; `put` must fail if it is not.
fn place(
    source: &Path,
    directory: &Path,
    mut put: impl FnMut(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let name = source.file_name().and_then(|name| name.to_str()).unwrap_or("body");
    let mut attempt = 1;
    loop {
        let path = directory.join(numbered(name, attempt));
        match put(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Answers `disk.tar.gz`, then `disk-2.tar.gz`, and so on.
fn numbered(name: &str, attempt: u32) -> String {
    match name.char_indices().find(|(index, letter)| *index > 0 && *letter == '.') {
        _ if attempt == 1 => name.to_owned(),
        Some((dot, _)) => format!("{}-{attempt}{}", &name[..dot], &name[dot..]),
        None => format!("{name}-{attempt}"),
    }
}

/// Makes sure that what was moved is what was looked at.
fn check_same(path: &Path, expected: &Metadata) -> Result<(), Error> {
    let moved =
        fs::symlink_metadata(path).map_err(|source| Error::reading("look at", path, source))?;
    if same(&moved, expected) && moved.len() == expected.len() {
        return Ok(());
    }
    fs::remove_file(path).map_err(|source| Error::file("remove", path, source))?;
    Err(Error::Refused { path: path.to_owned(), why: "it was replaced while it was taken" })
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Opens a body that is recorded, for sharing.
fn open_body(images: &Path, artifact: &Artifact) -> Result<File, Error> {
    let refused = |why| Error::Refused { path: artifact.path.clone(), why };
    if artifact.path.parent().and_then(Path::parent) != Some(images) {
        return Err(refused("it is not a body in this store"));
    }
    let (file, metadata) = open_regular(&artifact.path)?;
    if metadata.len() != artifact.size {
        return Err(refused("its size is not the recorded one"));
    }
    Ok(file)
}
