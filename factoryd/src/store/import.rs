//! Images that were made elsewhere: their files are taken in, then the image appears whole or not at all.
//!
//! The files wait in a work directory, which is cleaned up if this process dies. They become the image's and the image is
//! recorded under the one lock that lets a process write: who holds it and finds files of an image without a record knows
//! that nobody is about to record it.

use super::bodies::{finish, inside, make_dir, open_regular, rename, sync_dir};
use super::work::remove_tree;
use super::writer::{Durability, Transaction};
use super::{Error, NewArtifact, Store, WorkDir, append, blocking, content};
use crate::domain::{Artifact, Event, EventKind, Image, ImageId, Status};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Who hears how many bytes of how many are done.
pub type Heard = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// How a file of somebody else's is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// As a copy, which shares the blocks where the file system can: the file stays its owner's to change.
    Copy,
    /// As [`Copy`](Self::Copy) where that shares the blocks, else under a second name, which takes everybody's right to
    /// change it; as a copy only where neither goes.
    Link,
    /// By moving it, or as a copy to another file system; the file is gone only once the image is recorded.
    Move,
}

impl Store {
    /// Takes a file in, into a work directory under the name `name`. Holes stay holes.
    ///
    /// # Errors
    /// If it is not a regular file, or can't be read, linked or written.
    pub async fn take_in(
        &self,
        work: &WorkDir,
        from: &Path,
        name: &str,
        taking: Taking,
        heard: Heard,
    ) -> Result<PathBuf, Error> {
        let (from, to) = (from.to_owned(), work.path().join(name));
        let taken = blocking(move || take_in(&from, &to, taking, &heard).map(|()| to));
        self.call("take_in", taken).await
    }

    /// Answers the SHA-256 of a file.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn digest(&self, file: &Path, heard: Heard) -> Result<String, Error> {
        let path = file.to_owned();
        let digest = blocking(move || {
            let (file, metadata) = open_regular(&path)?;
            let size = metadata.len();
            content::sha256(&file, size, &|done| heard(done, size))
                .map_err(|source| Error::reading("read", &path, source))
        });
        self.call("digest", digest).await
    }

    /// Records an image with its files and all that happened to it, in one transaction. The files move out of a work
    /// directory; each needs its SHA-256 and a name of its own. They are announced just before the last event.
    ///
    /// # Errors
    /// If there is such an image already, its parent does not exist, a file can't become a body, or an event is not a step
    /// that the image can take. Nothing is recorded then.
    pub async fn import(
        &self,
        image: &Image,
        files: Vec<NewArtifact>,
        events: Vec<(SystemTime, EventKind)>,
    ) -> Result<Vec<Event>, Error> {
        self.call("import", self.import_new(image, files, events)).await
    }

    async fn import_new(
        &self,
        image: &Image,
        files: Vec<NewArtifact>,
        events: Vec<(SystemTime, EventKind)>,
    ) -> Result<Vec<Event>, Error> {
        let work = self.root().join("work");
        let files = blocking(move || finished(&[work], files)).await?;
        let mut transaction = self.inner.writer.begin(Durability::Power).await?;
        self.must_be_new(&mut transaction, &image.id).await?;
        let directory = self.body_dir(&image.id);
        let recorded = self.record_imported(&mut transaction, image, &directory, files, events);
        match recorded.await {
            Ok(events) => {
                let wake = self.wake();
                transaction.commit().await?;
                drop(wake);
                Ok(events)
            }
            Err(error) => {
                // Its own: there was no such image before.
                blocking(move || remove_tree(&directory)).await?;
                Err(error)
            }
        }
    }

    async fn must_be_new(
        &self,
        transaction: &mut Transaction<'_>,
        id: &ImageId,
    ) -> Result<(), Error> {
        let found = sqlx::query("SELECT 1 FROM images WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(transaction.connection())
            .await
            .map_err(self.failed("look for an image"))?;
        found.map_or(Ok(()), |_| Err(Error::Duplicate(id.clone())))
    }

    async fn record_imported(
        &self,
        transaction: &mut Transaction<'_>,
        image: &Image,
        directory: &Path,
        files: Vec<NewArtifact>,
        events: Vec<(SystemTime, EventKind)>,
    ) -> Result<Vec<Event>, Error> {
        if let Some(parent) = &image.parent {
            self.load(transaction, parent).await?;
        }
        let written = self.cursor_written(transaction).await?;
        let events = append::number(&image.id, history(image, &files, directory, events), written);
        let mut image = Image { last_cursor: 0, ..image.clone() };
        events.iter().try_for_each(|event| append::apply(&mut image, event))?;
        let number = self.insert_image(transaction, &image).await?;
        self.insert_events(transaction, number, &events).await?;
        let directory = directory.to_owned();
        blocking(move || put(&directory, &files)).await?;
        Ok(events)
    }

    /// Removes files of images that were never recorded: what an import leaves that dies just before its end.
    pub(super) async fn remove_unrecorded(&self) -> Result<(), Error> {
        let directory = self.images_dir();
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let recorded = sqlx::query_scalar::<_, String>("SELECT id FROM images")
            .fetch_all(transaction.connection())
            .await
            .map_err(self.failed("list images"))?;
        let recorded: BTreeSet<String> = recorded.into_iter().collect();
        blocking(move || remove_all_but(&directory, &recorded)).await?;
        transaction.commit().await
    }
}

fn take_in(from: &Path, to: &Path, taking: Taking, heard: &Heard) -> Result<(), Error> {
    let (source, metadata) = open_regular(from)?;
    let size = metadata.len();
    let failed = |source| Error::file("copy", from, source).needing(size);
    let copy = File::create_new(to).map_err(|source| Error::file("make", to, source))?;
    if content::reflink(&source, &copy) {
        return Ok(());
    }
    if taking != Taking::Copy {
        fs::remove_file(to).map_err(|source| Error::file("remove", to, source))?;
        if fs::hard_link(from, to).is_ok() {
            return Ok(());
        }
        let copy = File::create_new(to).map_err(|source| Error::file("make", to, source))?;
        return content::copy_data(&source, &copy, size, &|done| heard(done, size)).map_err(failed);
    }
    content::copy_data(&source, &copy, size, &|done| heard(done, size)).map_err(failed)
}

/// Makes files last, and answers them with paths that hold no symbolic link.
fn finished(work: &[PathBuf], files: Vec<NewArtifact>) -> Result<Vec<NewArtifact>, Error> {
    let finish_one = |new: NewArtifact| {
        let source = inside(work, &new.file)?;
        let (file, _) = open_regular(&source)?;
        finish(&file, &source)?;
        Ok(NewArtifact { file: source, ..new })
    };
    files.into_iter().map(finish_one).collect()
}

/// All that happened to an image: it was recorded, what is known of it, its files, its end.
fn history(
    image: &Image,
    files: &[NewArtifact],
    directory: &Path,
    mut events: Vec<(SystemTime, EventKind)>,
) -> Vec<(SystemTime, EventKind)> {
    let begun = EventKind::Status { from: Status::New, to: Status::New, failure: None };
    let last = events.pop();
    let bodies = files.iter().map(|file| EventKind::Artifact(as_body(file, directory)));
    let bodies = bodies.map(|kind| (image.updated, kind));
    [(image.created, begun)].into_iter().chain(events).chain(bodies).chain(last).collect()
}

fn as_body(new: &NewArtifact, directory: &Path) -> Artifact {
    Artifact {
        role: new.role.clone(),
        path: directory.join(new.file.file_name().unwrap_or_default()),
        format: new.format.clone(),
        size: fs::metadata(&new.file).map_or(0, |metadata| metadata.len()),
        virtual_size: new.virtual_size,
        sha256: new.sha256.clone(),
        media_type: new.media_type.clone(),
    }
}

/// Moves files into the directory of an image that has none yet.
fn put(directory: &Path, files: &[NewArtifact]) -> Result<(), Error> {
    remove_tree(directory)?;
    if files.is_empty() {
        return Ok(());
    }
    make_dir(directory)?;
    for new in files {
        rename(&new.file, directory)?;
    }
    sync_dir(directory)
}

fn remove_all_but(directory: &Path, recorded: &BTreeSet<String>) -> Result<(), Error> {
    let failed = |source| Error::reading("list", directory, source);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Nothing but what an import makes.
        if ImageId::parse(&name).is_ok() && !recorded.contains(&name) {
            tracing::warn!(path = %entry.path().display(), "removing the files of an image that was never recorded");
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
