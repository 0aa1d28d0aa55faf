//! Files that a step which is done leaves to a later one: `kept/<image>/<step>/`, once the directory of its operation.
//!
//! They are not synchronised, for they can be made again: whoever finds them after another start of the machine
//! ([`Store::boot`]) does not trust them.

use super::work::remove_tree;
use super::{Error, Store, WorkDir, blocking, seam};
use crate::domain::{Image, ImageId, StepName};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

impl Store {
    /// Keeps the directory of a step's operation for the steps after it, and answers where it is now. What an earlier try
    /// of the step left there goes.
    ///
    /// # Errors
    /// If it can't be moved.
    pub async fn keep_work(
        &self,
        work: WorkDir,
        image: &ImageId,
        step: StepName,
    ) -> Result<PathBuf, Error> {
        let to = self.kept_dir(image).join(step.as_str());
        let kept = blocking(move || {
            remove_tree(&to)?;
            seam::write("rename", &to)?;
            let parent = to.parent().unwrap_or(&to);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .and_then(|()| fs::rename(work.path(), &to))
                .map_err(|source| Error::file("keep", work.path(), source))?;
            Ok(to)
        });
        self.call("keep_work", kept).await
    }

    /// Removes what steps kept for an image.
    ///
    /// # Errors
    /// If something can't be removed.
    pub async fn remove_kept(&self, image: &ImageId) -> Result<(), Error> {
        let directory = self.kept_dir(image);
        self.call("remove_kept", blocking(move || remove_tree(&directory))).await
    }

    /// Answers which start of the machine this is.
    pub fn boot(&self) -> &str {
        &self.inner.boot
    }

    fn kept_dir(&self, image: &ImageId) -> PathBuf {
        self.root().join("kept").join(image.as_str())
    }

    /// Removes files of an image that no event announced: a factory that ended between the two left them.
    ///
    /// # Errors
    /// If the database can't be read, or one can't be removed.
    pub async fn remove_unannounced(&self, image: &ImageId) -> Result<(), Error> {
        let Some(known) = self.image(image).await? else { return Ok(()) };
        self.call("remove_unannounced", self.keep_only(image, known)).await
    }

    async fn keep_only(&self, image: &ImageId, known: Image) -> Result<(), Error> {
        let known = known.artifacts.into_iter().map(|artifact| artifact.path).collect();
        let directory = self.body_dir(image);
        blocking(move || {
            let mut unannounced = entries(&directory)?;
            unannounced.retain(|path| !BTreeSet::contains(&known, path));
            for path in &unannounced {
                tracing::warn!(path = %path.display(), "removing a body that was never announced");
                fs::remove_file(path).map_err(|source| Error::file("remove", path, source))?;
            }
            Ok(())
        })
        .await
    }

    /// Removes what is kept for images that need it no more: those that are complete or gone.
    pub(super) async fn remove_needless(&self) -> Result<(), Error> {
        let directory = self.root().join("kept");
        // Listed first: an image is recorded before anything is kept for it.
        let kept = blocking(move || entries(&directory)).await?;
        let sql = "SELECT id FROM images WHERE settled = 0 OR status = 'FAILED'";
        let needed =
            sqlx::query_scalar::<_, String>(sql).fetch_all(&mut *self.reader().await?).await;
        let needed: BTreeSet<String> =
            needed.map_err(self.failed("list images"))?.into_iter().collect();
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        blocking(move || {
            let mut result = Ok(());
            for path in kept.iter().filter(|path| !needed.contains(&name(path))) {
                result = result.and(remove_tree(path));
            }
            result
        })
        .await
    }
}

/// Answers the kernel's id of this start of the machine; without one no two starts are the same.
pub(super) fn this_boot() -> String {
    let read = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.map_or_else(|_| uuid::Uuid::new_v4().to_string(), |id| id.trim().to_owned())
}

/// Answers what is in a directory; nothing if there is none.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::reading("list", directory, source);
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => {
            let paths = entries.map_err(failed)?.map(|entry| Ok(entry.map_err(failed)?.path()));
            paths.collect()
        }
    }
}
