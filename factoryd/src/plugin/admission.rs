//! Admission: before a plugin is started it is known to be what was accepted, and what it needs.

use super::confinement::Confinement;
use super::failure::StartError;
use super::inspection::inspect;
use super::lock::lock;
use super::options::Options;
use super::packaged::{self, damaged, see_whole};
use super::pins::{Book, Fingerprint, Identified, Identifier, Origin, Pin, Trust, Verdict, judge};
use super::process::interpreter_places;
use super::runtime::RuntimeDir;
use super::status::Standing;
use super::workspace::Workspace;
use crate::domain::Needs;
use crate::sandbox::{Mode, Places, Profile, profile};
use crate::seal::{Machine, maps_ids};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

/// What decides about plugins.
#[derive(Debug)]
pub(super) struct Admission {
    book: Book,
    identifier: Arc<Identifier>,
    machine: Machine,
    /// Whether the file system on which plugins work can map ids; asked when somebody needs to know.
    maps_ids: OnceLock<bool>,
    /// What plugins need of which nothing is remembered, by digest.
    inspected: Mutex<HashMap<String, Option<Needs>>>,
}

/// A plugin as its files are.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) executable: &'a Path,
    /// Its `.info` file, as it was read.
    pub(super) info: &'a Fingerprint,
}

/// A plugin that may be started.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The open file that was found to be what was accepted.
    pub(super) executable: File,
    /// What it needs; `None` if it does not say.
    pub(super) needs: Option<Needs>,
}

/// What starts of plugins share.
pub(super) struct Grounds<'a> {
    pub(super) options: &'a Options,
    pub(super) runtime: &'a RuntimeDir,
    pub(super) confinement: &'a Confinement,
}

impl Admission {
    /// Opens the book of what was accepted, and asks what the machine can.
    pub(super) fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            book: Book::new(options.pins.file.clone()),
            identifier: Arc::default(),
            machine: Machine::probe(),
            maps_ids: OnceLock::new(),
            inspected: Mutex::default(),
        })
    }

    /// Answers what the machine can.
    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Lets a plugin in if it is what was accepted, or is new and that is enough.
    pub(super) async fn admit(
        self: &Arc<Self>,
        candidate: &Candidate<'_>,
        grounds: &Grounds<'_>,
    ) -> Result<Admitted, StartError> {
        let (found, pin) = self.identify(candidate).await?;
        let Identified { file, fingerprint } = found;
        if !self.book.is_kept() {
            let needs = self.needs_of(candidate, &file, &fingerprint, grounds).await?;
            return Ok(Admitted { executable: file, needs });
        }
        let needs = match judge(pin, &fingerprint, Some(candidate.info)) {
            Verdict::Accepted(pin) => {
                if let Some(origin) = &pin.package {
                    see_whole(candidate, origin, Arc::clone(&self.identifier)).await?;
                }
                pin.needs
            }
            Verdict::Changed(pin) => {
                let what = difference(&pin, &fingerprint, candidate.info);
                let package = pin.package.as_ref();
                return Err(
                    package.map_or(StartError::Changed(what.clone()), |it| damaged(what, it))
                );
            }
            Verdict::New if grounds.options.pins.trust == Trust::Locked => {
                return Err(StartError::NotAccepted);
            }
            Verdict::New => {
                let pin = self.write(candidate, &file, fingerprint, None, grounds).await?;
                tracing::info!(
                    plugin = candidate.name,
                    sha256 = pin.executable.sha256,
                    "a plugin is used for the first time and accepted as it is"
                );
                pin.needs
            }
        };
        Ok(Admitted { executable: file, needs })
    }

    /// Accepts a plugin as it is now, from the package that it is said to come from. Answers what it was accepted as before, and now.
    pub(super) async fn accept(
        self: &Arc<Self>,
        candidate: &Candidate<'_>,
        origin: Option<Origin>,
        grounds: &Grounds<'_>,
    ) -> Result<(Option<Pin>, Pin), StartError> {
        let (Identified { file, fingerprint }, before) = self.identify(candidate).await?;
        let known = before.as_ref().and_then(|pin| pin.package.clone());
        let now = self.write(candidate, &file, fingerprint, origin.or(known), grounds).await?;
        Ok((before, now))
    }

    /// Makes the profile of a plugin whose socket goes there.
    pub(super) fn profile(
        &self,
        candidate: &Candidate<'_>,
        needs: &Needs,
        options: &Options,
        socket: &Path,
    ) -> Profile {
        let workspace =
            options.workspace.as_deref().map(|root| Workspace::new(root, candidate.name));
        let mut secret = options.secret.clone();
        secret.push(options.runtime_dir.clone());
        let places = Places {
            executable: candidate.executable.to_owned(),
            interpreter: interpreter_places(candidate.executable),
            info: candidate.info.path.clone(),
            socket: socket.to_owned(),
            work: workspace.iter().flat_map(|it| [it.work(), it.temporary()]).collect(),
            temporary: workspace.as_ref().map(Workspace::temporary),
            maps_ids: needs.user_namespaces && self.maps_ids(options),
            inputs: workspace.as_ref().map(Workspace::inputs),
            tools: needs.tools.iter().filter_map(|tool| elsewhere(tool)).flatten().collect(),
            secret,
        };
        profile(candidate.name, needs, &options.sandbox, &self.machine, &places)
    }

    fn maps_ids(&self, options: &Options) -> bool {
        let asked = |root: &PathBuf| {
            let there = root.ancestors().find(|path| path.is_dir());
            self.machine.privileged && there.is_some_and(maps_ids)
        };
        *self.maps_ids.get_or_init(|| options.workspace.as_ref().is_some_and(asked))
    }

    /// Answers what a plugin is to the factory, as far as that is known without starting it.
    pub(super) fn standing(&self, candidate: &Candidate<'_>, grounds: &Grounds<'_>) -> Standing {
        let pin = self.book.pin(candidate.name, candidate.executable).ok().flatten();
        let trust = match &pin {
            _ if !self.book.is_kept() => "",
            None => "new",
            Some(pin) if self.is_same(pin, candidate) => "accepted",
            Some(_) => "changed",
        };
        let Pin { executable, version, needs, accepted, .. } = pin.unwrap_or_default();
        let socket = grounds.runtime.path();
        let known = needs.clone().unwrap_or_default();
        let profile = self.profile(candidate, &known, grounds.options, socket);
        let has = !executable.sha256.is_empty();
        Standing {
            trust,
            version,
            sha256: executable.sha256,
            accepted: if has { when(accepted).to_string() } else { String::new() },
            sandbox: profile.mode.as_str(),
            asks: needs.map(|needs| needs.lines()).unwrap_or_default(),
            gets: profile.gets,
            not_enforced: profile.open,
        }
    }

    fn is_same(&self, pin: &Pin, candidate: &Candidate<'_>) -> bool {
        self.identifier.remember(&pin.executable);
        let found = self.identifier.identify(candidate.executable);
        found.is_ok_and(|found| {
            let verdict = judge(Some(pin.clone()), &found.fingerprint, Some(candidate.info));
            matches!(verdict, Verdict::Accepted(_)) && self.is_whole(pin, candidate)
        })
    }

    fn is_whole(&self, pin: &Pin, candidate: &Candidate<'_>) -> bool {
        let directory = candidate.info.path.parent().unwrap_or(Path::new("."));
        let changed =
            |origin: &Origin| packaged::difference(directory, &origin.sums, &self.identifier);
        pin.package.as_ref().and_then(changed).is_none()
    }

    async fn identify(
        self: &Arc<Self>,
        candidate: &Candidate<'_>,
    ) -> Result<(Identified, Option<Pin>), StartError> {
        let (this, path) = (Arc::clone(self), candidate.executable.to_owned());
        let pin = self.book.pin(candidate.name, candidate.executable).map_err(StartError::Pins)?;
        if let Some(pin) = &pin {
            self.identifier.remember(&pin.executable);
        }
        let work = tokio::task::spawn_blocking(move || this.identifier.identify(&path));
        let found = work.await.map_err(io::Error::other).flatten();
        let refused = |source| StartError::Execute { path: candidate.executable.into(), source };
        Ok((found.map_err(refused)?, pin))
    }

    async fn write(
        self: &Arc<Self>,
        candidate: &Candidate<'_>,
        file: &File,
        executable: Fingerprint,
        origin: Option<Origin>,
        grounds: &Grounds<'_>,
    ) -> Result<Pin, StartError> {
        let lies_in = packaged::origin_of(candidate);
        let same = |origin: &Origin| lies_in.as_ref().is_some_and(|it| it.sums == origin.sums);
        let package = origin.filter(same).or(lies_in.clone());
        if let Some(origin) = &package {
            see_whole(candidate, origin, Arc::clone(&self.identifier)).await?;
        }
        let described = inspect(self, candidate, file, grounds).await?;
        let (version, needs) = (described.version, described.needs);
        let info = candidate.info.clone();
        let pin = Pin { executable, info, version, needs, accepted: 0, package };
        self.book.accept(candidate.name, pin).map_err(StartError::Pins)
    }

    /// Asks a plugin what it needs, once, if that counts.
    async fn needs_of(
        self: &Arc<Self>,
        candidate: &Candidate<'_>,
        file: &File,
        fingerprint: &Fingerprint,
        grounds: &Grounds<'_>,
    ) -> Result<Option<Needs>, StartError> {
        if grounds.options.sandbox.mode_of(candidate.name) == Mode::Off {
            return Ok(None);
        }
        let known = lock(&self.inspected).get(&fingerprint.sha256).cloned();
        if let Some(needs) = known {
            return Ok(needs);
        }
        let needs = inspect(self, candidate, file, grounds).await?.needs;
        lock(&self.inspected).insert(fingerprint.sha256.clone(), needs.clone());
        Ok(needs)
    }
}

/// Answers where a program is that is not where the system's are, and what it is a link to.
fn elsewhere(program: &str) -> Option<Vec<PathBuf>> {
    let search = std::env::var_os("PATH")?;
    let path = std::env::split_paths(&search)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())?;
    let canonical = path.canonicalize().ok()?;
    (!canonical.starts_with("/usr")).then(|| vec![path, canonical])
}

fn difference(pin: &Pin, executable: &Fingerprint, info: &Fingerprint) -> String {
    let when = when(pin.accepted);
    let (what, old, new) = match pin.executable.sha256 == executable.sha256 {
        false => ("its executable", &pin.executable, executable),
        true => ("its .info file", &pin.info, info),
    };
    let (old, new) = (short(&old.sha256), short(&new.sha256));
    format!("{what} is not the one accepted on {when}: SHA-256 {new}… in place of {old}…")
}

fn when(accepted: u64) -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(accepted))
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
