//! Installing: what was got is checked, settled, asked what it needs, pinned, and only then found by others.

use super::error::unsigned;
use super::oci::Fetched;
use super::shelf::Shelf;
use super::{Distribution, Error, Source};
use crate::package::{self, Identity, Unpacked};
use crate::plugin::{self, Acceptance, Host, Origin, Pinned};
use semver::Version;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What is installed, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// From where.
    pub source: Source,
    /// Whether it is known and wanted that nobody signed it.
    pub unsigned: bool,
    /// Whether an older version may replace a newer one.
    pub downgrade: bool,
    /// Whether to stop before anything is changed.
    pub dry_run: bool,
    /// The plugin that it must be of, if that is known.
    pub name: Option<String>,
}

/// A plugin that was installed.
#[derive(Debug, Clone)]
pub struct Installed {
    /// What it is.
    pub identity: Identity,
    /// Where it came from.
    pub origin: Origin,
    /// Where it lies.
    pub directory: PathBuf,
    /// The version that it replaces; `None` if there was none.
    pub replaced: Option<Version>,
    /// Whether exactly this was installed already, so that nothing was done.
    pub was_there: bool,
    /// What it is accepted as; nothing if nothing was done.
    pub acceptance: Acceptance,
    /// Versions that it replaces and that a factory which runs may still start.
    pub in_use: Vec<PathBuf>,
}

/// What was unpacked and found to be good.
struct Staged {
    directory: TempDir,
    unpacked: Unpacked,
    origin: Origin,
}

impl Distribution {
    /// Installs a plugin, or replaces one.
    ///
    /// # Errors
    /// If it can't be got, is refused, or can't be written. Then all is as it was before.
    pub async fn install(
        &self,
        request: &Request,
        stop: &CancellationToken,
    ) -> Result<Installed, Error> {
        let shelf = self.shelf()?;
        self.install_on(&shelf, request, stop).await
    }

    pub(super) async fn install_on(
        &self,
        shelf: &Shelf,
        request: &Request,
        stop: &CancellationToken,
    ) -> Result<Installed, Error> {
        let Staged { directory, unpacked, origin } = self.stage(shelf, request, stop).await?;
        let identity = unpacked.sums.identity;
        let from = request.source.to_string();
        see_expected(request, &identity, &from)?;
        shelf.see_free(&identity.name)?;
        let place = shelf.place(&identity, &unpacked.digest);
        let before = shelf.current(&identity.name);
        let replaced = before.as_deref().and_then(version_in);
        see_newer(request, &identity, replaced.as_ref())?;
        let was_there = match &before {
            Some(before) => self.is_there(&identity.name, before, &unpacked.digest)?,
            None => false,
        };
        let mut installed = Installed {
            replaced: replaced.filter(|_| !was_there),
            was_there,
            acceptance: Acceptance::default(),
            in_use: Vec::new(),
            directory: place.clone(),
            origin: origin.clone(),
            identity,
        };
        if was_there || request.dry_run {
            return Ok(installed);
        }
        installed.acceptance = self.commit(shelf, directory, &installed).await?;
        installed.in_use = shelf.sweep(&self.pins)?;
        Ok(installed)
    }

    /// Gets a package and unpacks it, checked.
    async fn stage(
        &self,
        shelf: &Shelf,
        request: &Request,
        stop: &CancellationToken,
    ) -> Result<Staged, Error> {
        let directory = shelf.stage()?;
        let download = shelf.stage()?;
        let fetched = match &request.source {
            Source::Directory(_) => None,
            Source::Archive(path) => Some(Fetched::archive(path, &self.options.limits)?),
            remote => {
                let fetch = self.fetch(remote, download.path());
                tokio::select! {
                    fetched = fetch => Some(fetched?),
                    () = stop.cancelled() => return Err(Error::Interrupted),
                }
            }
        };
        let digest = fetched.as_ref().map(|it| it.digest.clone()).unwrap_or_default();
        let unpacked = self.unpack(request, fetched, directory.path(), stop).await?;
        let identity = &unpacked.sums.identity;
        if !identity.platform.runs_here() {
            let (from, platform) = (request.source.to_string(), identity.platform.clone());
            return Err(Error::Platform { from, platform });
        }
        let origin = Origin {
            source: request.source.to_string(),
            digest,
            version: identity.version.to_string(),
            platform: identity.platform.to_string(),
            sums: unpacked.digest.clone(),
            signer: unpacked.signer.clone().unwrap_or_default(),
        };
        Ok(Staged { directory, unpacked, origin })
    }

    async fn unpack(
        &self,
        request: &Request,
        fetched: Option<Fetched>,
        into: &Path,
        stop: &CancellationToken,
    ) -> Result<Unpacked, Error> {
        let (options, into, stop) = (self.options.clone(), into.to_owned(), stop.clone());
        let (source, said) = (request.source.clone(), request.unsigned);
        let (kind, ended) = (source.kind(), stop.clone());
        let work = move || {
            let judge = |sums: &[u8], signature: Option<&[u8]>| match signature {
                Some(signature) => options.keys.verify(sums, signature).map(Some),
                None => match options.unsigned.contains(&kind) {
                    may_be if !(may_be && said) => Err(unsigned(kind, may_be)),
                    _ => Ok(None),
                },
            };
            match (&source, fetched) {
                (Source::Directory(path), _) => package::copy(path, &into, &options.limits, &judge),
                (_, Some(fetched)) => {
                    let archive = Stoppable { inner: fetched.file, stop };
                    package::unpack(archive, &into, &options.limits, &judge)
                }
                (_, None) => unreachable!("whatever is no directory was fetched"),
            }
        };
        let from = request.source.to_string();
        let unpacked = tokio::task::spawn_blocking(work).await;
        let unpacked =
            unpacked.map_err(|error| Error::io("unpack", &from)(io::Error::other(error)))?;
        match unpacked {
            Err(_) if ended.is_cancelled() => Err(Error::Interrupted),
            other => other.map_err(|source| Error::Package { from, source }),
        }
    }

    /// Settles what was unpacked, pins it and leads the link there. If that fails, all is as it was before.
    async fn commit(
        &self,
        shelf: &Shelf,
        staged: TempDir,
        installed: &Installed,
    ) -> Result<Acceptance, Error> {
        let (name, place) = (&installed.identity.name, &installed.directory);
        shelf.settle(staged, place)?;
        let done = async {
            let acceptance = self.accept(installed).await?;
            shelf.lead(name, place)?;
            Ok(acceptance)
        };
        let done: Result<Acceptance, Error> = done.await;
        if done.is_err() {
            shelf.discard(name, place, &self.pins)?;
        }
        done
    }

    /// Asks the plugin what it is, in a sandbox, and pins it.
    async fn accept(&self, installed: &Installed) -> Result<Acceptance, Error> {
        let Installed { identity, origin, directory, .. } = installed;
        let options = plugin::Options {
            directories: vec![directory.clone()],
            executable_directories: Vec::new(),
            ..self.plugins.clone()
        };
        let host = Host::new(options).map_err(Error::Host)?;
        let accepted = host.accept_package(&identity.name, origin.clone()).await;
        let accepted = accepted.map_err(|failure| Error::Refused(Box::new(failure)))?;
        let says = &accepted.new_version;
        if says.is_empty() || *says == origin.version {
            return Ok(accepted);
        }
        let expected = format!("{} {}, as its package says", identity.name, origin.version);
        let found = format!("{} {says}, as the plugin itself says", identity.name);
        Err(Error::Other { from: origin.source.clone(), expected, found })
    }

    /// Tells whether exactly this package is installed there, and whole.
    fn is_there(&self, name: &str, directory: &Path, digest: &str) -> Result<bool, Error> {
        let pins = self.pins.packaged().map_err(Error::Pins)?;
        let this = |pin: &&Pinned| {
            pin.name == name && pin.directory == directory && pin.origin.sums == digest
        };
        Ok(pins.iter().find(this).is_some_and(|pin| self.pins.difference(pin).is_none()))
    }
}

/// Sees that what was got is what was asked for: the plugin, and the version if the tag is one.
fn see_expected(request: &Request, identity: &Identity, from: &str) -> Result<(), Error> {
    let other = |expected: String| {
        Err(Error::Other { from: from.to_owned(), expected, found: identity.to_string() })
    };
    if let Some(name) = request.name.as_ref().filter(|name| **name != identity.name) {
        return other(name.clone());
    }
    match request.source.tag().and_then(version_of_tag) {
        Some(version) if version != identity.version => other(format!("version {version}")),
        _ => Ok(()),
    }
}

/// Sees that nothing newer would be replaced, unless that is wanted.
fn see_newer(
    request: &Request,
    identity: &Identity,
    installed: Option<&Version>,
) -> Result<(), Error> {
    match installed.filter(|installed| identity.version < **installed) {
        Some(installed) if !request.downgrade => Err(Error::Downgrade {
            name: identity.name.clone(),
            installed: installed.to_string(),
            found: identity.version.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Understands a tag as a version: `1.2.0` or `v1.2.0`. Tags can't have the `+` of a version; `_` stands for it.
pub(super) fn version_of_tag(tag: &str) -> Option<Version> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    Version::parse(&tag.replacen('_', "+", 1)).ok()
}

/// Answers the version in the name of its directory.
pub(super) fn version_in(place: &Path) -> Option<Version> {
    let name = place.file_name()?.to_str()?;
    Version::parse(name.rsplit_once('-')?.0).ok()
}

/// Reads until somebody says that it is enough.
struct Stoppable {
    inner: Arc<File>,
    stop: CancellationToken,
}

impl Read for Stoppable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        (&*self.inner).read(into)
    }
}
