//! Files: whether each belongs to an image or to somebody who lives, and is only its owner's to change.

use super::{CheckOptions, Checked, Finding, Remedy, Severity, remedy};
use crate::domain::ImageId;
use crate::store::work::remove_tree;
use crate::store::writer::Durability;
use crate::store::{Error, Store, blocking, owner};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const REMOVE: &str = "remove it";

impl Store {
    pub(super) async fn check_files(
        &self,
        options: CheckOptions,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let root = self.root().to_owned();
        checked.findings.extend(
            blocking(move || check_mode(options, &root, 0o077, "is open to other users")).await?,
        );
        for path in blocking_list(self.images_dir()).await? {
            self.check_directory(options, &path, checked).await?;
        }
        let (work, owners) = (self.root().join("work"), self.owners_dir());
        let left = blocking(move || left_by_the_dead(&work, &owners)).await?;
        if options.repair && !left.is_empty() {
            self.clean_work().await?;
        }
        let found = left.into_iter().map(|path| {
            let message = "it was left by a process that is dead".to_owned();
            Finding::new(Severity::Note, "LEFT_BY_THE_DEAD", message, remedy(options, REMOVE))
                .at(path)
        });
        checked.findings.extend(found);
        Ok(())
    }

    /// Looks at the directory of an image, or at what is in the place of one.
    async fn check_directory(
        &self,
        options: CheckOptions,
        path: &Path,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let id = path.file_name().and_then(|name| name.to_str());
        let Some(id) = id.and_then(|name| ImageId::parse(name).ok()) else {
            let message = "it is no directory of an image".to_owned();
            let remedy = Remedy::ByHand("see whose it is, and remove it");
            let finding = Finding::new(Severity::Note, "STRANGER", message, remedy);
            checked.findings.push(finding.at(path));
            return Ok(());
        };
        for file in blocking_list(path.to_owned()).await? {
            self.check_file(options, &id, &file, checked).await?;
        }
        if matches!(self.image(&id).await, Ok(None)) {
            self.check_file(options, &id, path, checked).await?;
        }
        Ok(())
    }

    /// Looks at what is in the directory of an image, or at the directory of an image that is not recorded.
    async fn check_file(
        &self,
        options: CheckOptions,
        id: &ImageId,
        path: &Path,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        if self.is_orphan(options, id, path).await? {
            let message = "no image has it".to_owned();
            let remedy = remedy(options, REMOVE);
            let finding = Finding::new(Severity::Warning, "ORPHAN", message, remedy);
            checked.findings.push(finding.of(id).at(path));
            return Ok(());
        }
        let body = path.to_owned();
        let found =
            blocking(move || check_mode(options, &body, 0o222, "can be written to")).await?;
        checked.findings.extend(found.map(|finding| finding.of(id)));
        Ok(())
    }

    /// Tells whether a file belongs to no image, and removes it then if that is asked for. Nobody records an image or its bodies
    /// meanwhile.
    async fn is_orphan(
        &self,
        options: CheckOptions,
        id: &ImageId,
        path: &Path,
    ) -> Result<bool, Error> {
        let mut transaction = self.inner.writer.begin(Durability::Process).await?;
        let orphan = match self.load(&mut transaction, id).await {
            Err(Error::UnknownImage(_)) => true,
            // Whose it is can't be told. That has been found already.
            Err(Error::Corrupt { .. }) => false,
            Err(error) => return Err(error),
            Ok(row) => {
                let has = row.image.artifacts.iter().any(|artifact| artifact.path == path);
                row.was_settled && !has
            }
        };
        if orphan && options.repair {
            let path = path.to_owned();
            blocking(move || remove(&path)).await?;
        }
        transaction.commit().await?;
        Ok(orphan)
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    if path.is_dir() && !path.is_symlink() {
        return remove_tree(path);
    }
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove", path, source))
        }
        _ => Ok(()),
    }
}

/// Looks whether somebody may do what nobody should, by bits of the mode.
fn check_mode(
    options: CheckOptions,
    path: &Path,
    wrong: u32,
    what: &str,
) -> Result<Option<Finding>, Error> {
    let metadata = match fs::symlink_metadata(path) {
        // Deleted meanwhile.
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|source| Error::reading("look at", path, source))?,
    };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & wrong == 0 || metadata.is_symlink() || metadata.is_dir() && wrong == 0o222 {
        return Ok(None);
    }
    if options.repair {
        let set = fs::set_permissions(path, Permissions::from_mode(mode & !wrong));
        set.map_err(|source| Error::file("set the permissions of", path, source))?;
    }
    let message = format!("it {what} (mode {mode:o})");
    let remedy = remedy(options, "set its permissions");
    Ok(Some(Finding::new(Severity::Warning, "PERMISSIONS", message, remedy).at(path)))
}

/// Lists the work directories and locks of owners that are dead.
fn left_by_the_dead(work: &Path, owners: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut left = Vec::new();
    for directory in [work, owners] {
        for path in list(directory)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // A name with `.new` is somebody's who is about to be an owner.
            let is_dead = owner::is_dead(owners, name.trim_end_matches(".lock"))?;
            if is_dead && !name.ends_with(".new") {
                left.push(path);
            }
        }
    }
    Ok(left)
}

async fn blocking_list(directory: PathBuf) -> Result<Vec<PathBuf>, Error> {
    blocking(move || list(&directory)).await
}

/// Lists a directory by name; one that is gone, or is none, has nothing in it.
fn list(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::reading("list", directory, source);
    let entries = match fs::read_dir(directory) {
        Err(gone)
            if matches!(gone.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        other => other.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}
