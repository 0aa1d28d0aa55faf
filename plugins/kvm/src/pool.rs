//! Directory pools: where `PushImageToProvider` puts disks.

use crate::convert::copy;
use crate::problem::io_failure;
use factory_plugin_sdk::proto::ResourceIntent;
use factory_plugin_sdk::{Failure, Fault, Operation};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// Why a provider can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It begins with `{` and is not such an object.
    #[error("the provider is no JSON object with pool and, if wanted, name")]
    Json(#[source] serde_json::Error),
    /// The pool is not an absolute path.
    #[error("pool {0:?} is not an absolute path")]
    Relative(String),
    /// The name would leave the pool, or be hidden.
    #[error("{0:?} can't be the name of a disk")]
    Name(String),
}

/// How to fix any of them.
pub const HINT: &str =
    "write the absolute path of a directory, or {\"pool\": \"/path\", \"name\": \"my-disk\"}";

/// A directory with disks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The directory.
    pub pool: PathBuf,
    /// What the disk is called there, without the ending; the image's id otherwise.
    pub name: Option<String>,
}

impl Pool {
    /// Reads a provider: an absolute path, or a JSON object.
    ///
    /// # Errors
    /// If it is something else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let pool = match text.starts_with('{') {
            true => serde_json::from_str(text).map_err(Error::Json)?,
            false => Self { pool: PathBuf::from(text), name: None },
        };
        if !pool.pool.is_absolute() {
            return Err(Error::Relative(pool.pool.display().to_string()));
        }
        match pool.name.as_ref().filter(|name| !is_name(name)) {
            Some(name) => Err(Error::Name(name.clone())),
            None => Ok(pool),
        }
    }

    /// Puts a disk into the pool. It appears under its name only when it is whole, and replaces nothing. The copy is its
    /// own: a guest may write to it, so it never shares its blocks by a hard link. Answers its path.
    ///
    /// # Errors
    /// If the pool is missing or can't be written to, or has a disk of that name.
    pub async fn put(
        &self,
        disk: &Path,
        ending: &str,
        operation: &Operation,
    ) -> Result<PathBuf, Failure> {
        let name = self.name.as_deref().unwrap_or(operation.image_id());
        let target = self.pool.join(format!("{name}.{ending}"));
        let partial = self.pool.join(format!(".{name}.{}.partial", operation.image_id()));
        self.check(&partial).await?;
        let intent = ResourceIntent {
            intent_id: "disk".to_owned(),
            kind: "volume".to_owned(),
            description: format!("disk {}", target.display()),
            locator_json: serde_json::json!({ "path": target.display().to_string() }).to_string(),
            lasting: true,
        };
        let mut resource = operation.resource(intent).await?;
        let put = match copy(disk, &partial, operation).await {
            Ok(()) => publish(&partial, &target).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = put {
            // It may never have been there.
            let _ = tokio::fs::remove_file(&partial).await;
            resource.deleted().await?;
            return Err(failure);
        }
        resource.created(&target.display().to_string()).await?;
        Ok(target)
    }

    /// Removes a disk that was put into the pool. One that is gone already counts as removed.
    ///
    /// # Errors
    /// If the path is not a disk of this pool, or can't be removed.
    pub async fn remove(&self, path: &Path) -> Result<(), Failure> {
        let is_disk = path.extension().is_some_and(|ending| ending == "qcow2" || ending == "raw");
        if path.parent() != Some(&self.pool) || !is_disk {
            let message =
                format!("{} is not a disk of pool {}", path.display(), self.pool.display());
            return Err(Failure::new(Fault::User, "NOT_IN_POOL", message)
                .path("provider")
                .hint("name the pool that the image was pushed to"));
        }
        match tokio::fs::remove_file(path).await {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(io_failure(format!("can't remove {}", path.display()), &cause))
            }
            _ => Ok(()),
        }
    }

    /// Sees whether files can be made in the pool, before anything is announced.
    async fn check(&self, partial: &Path) -> Result<(), Failure> {
        let pool = self.pool.display();
        let metadata = tokio::fs::metadata(&self.pool).await;
        let is_directory = match metadata {
            Ok(metadata) => metadata.is_dir(),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::new(
                    Fault::User,
                    "POOL_MISSING",
                    format!("pool {pool} does not exist"),
                )
                .path("provider")
                .hint(format!("create it: mkdir -p {pool}")));
            }
            Err(cause) => return Err(io_failure(format!("can't look at pool {pool}"), &cause)),
        };
        if !is_directory {
            return Err(Failure::new(
                Fault::User,
                "POOL_MISSING",
                format!("pool {pool} is not a directory"),
            )
            .path("provider")
            .hint(HINT));
        }
        let created = tokio::fs::File::create(partial).await;
        created.map(drop).map_err(|cause| io_failure(format!("can't write to pool {pool}"), &cause))
    }
}

/// Returns the name of the user this process runs as, or its number if it has none.
pub fn user_name() -> String {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = users.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    own.unwrap_or(uid)
}

/// Makes a file durable, then gives it its name, unless something else has it.
async fn publish(partial: &Path, target: &Path) -> Result<(), Failure> {
    let (from, to) = (partial.to_owned(), target.to_owned());
    let published = tokio::task::spawn_blocking(move || publish_now(&from, &to)).await;
    let published = published.unwrap_or_else(|error| Err(io::Error::other(error)));
    published.map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => {
            let message = format!("{} exists already", target.display());
            Failure::new(Fault::Conflict, "DISK_EXISTS", message)
                .path("provider")
                .hint("choose another name, or remove that disk")
        }
        _ => io_failure(format!("can't put {} in place", target.display()), &cause),
    })
}

fn publish_now(partial: &Path, target: &Path) -> io::Result<()> {
    std::fs::File::open(partial)?.sync_all()?;
    let here = rustix::fs::CWD;
    let flags = rustix::fs::RenameFlags::NOREPLACE;
    rustix::fs::renameat_with(here, partial, here, target, flags)?;
    target.parent().map_or(Ok(()), |pool| std::fs::File::open(pool)?.sync_all())
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._- ".contains(c);
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_an_absolute_path_and_may_name_the_disk() {
        assert_eq!(Pool::parse("/srv/pool").unwrap().pool, Path::new("/srv/pool"));
        let named = Pool::parse(r#"{"pool": "/srv/pool", "name": "web 1"}"#).unwrap();
        assert_eq!(named.name.as_deref(), Some("web 1"));
        for (provider, message) in [
            ("", "pool \"\" is not an absolute path"),
            ("pool", "pool \"pool\" is not an absolute path"),
            (r#"{"pool": "/p", "name": "../x"}"#, "\"../x\" can't be the name of a disk"),
            (r#"{"pool": "/p", "name": ".x"}"#, "\".x\" can't be the name of a disk"),
            (r#"{"dir": "/p"}"#, "the provider is no JSON object with pool and, if wanted, name"),
        ] {
            assert_eq!(Pool::parse(provider).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_user_has_a_name() {
        assert!(!user_name().is_empty());
    }
}
