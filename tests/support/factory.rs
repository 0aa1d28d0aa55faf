//! The factory under test: a store and everything else it touches in a directory of its own.

use super::binaries::{binary, repository};
use super::client::Client;
use super::leftovers::{self, Brood};
use super::program::{Ended, Program};
use super::tdl::Tdl;
use super::user::User;
use rustix::process::{Pid, Signal};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long what a program started may live on after it.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(2);
/// How long a program may take to start or to stop.
const DEADLINE: Duration = Duration::from_secs(30);

/// Lets everybody on this machine in.
const OPEN: [&str; 2] = ["--anonymous", "admin"];

/// Where one test's factory lives. Everything it writes is in here.
pub(crate) struct Sandbox {
    place: Place,
    temporary: tempfile::TempDir,
    plugins: PathBuf,
    known_files: Vec<PathBuf>,
}

/// Who removes a sandbox.
enum Place {
    /// The test that made it.
    Passing(tempfile::TempDir),
    /// The next run of the tests: it is what several of them look at.
    Lasting(PathBuf),
}

/// A running daemon. Dropping it stops it.
pub(crate) struct Daemon {
    program: Program,
    address: String,
    rest: Option<String>,
}

impl Sandbox {
    /// Makes an empty one, with the plugins of the repository.
    pub(crate) fn new() -> Self {
        Self::at(Place::Passing(temporary_directory()))
    }

    /// Opens or makes one that outlives its tests.
    pub(crate) fn lasting(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self::at(Place::Lasting(path))
    }

    /// Makes an empty one, with everything that it writes, in a directory.
    pub(crate) fn in_directory(directory: &Path) -> Self {
        let new = || tempfile::Builder::new().prefix("factory-e2e-").tempdir_in(directory).unwrap();
        Self { temporary: new(), ..Self::at(Place::Passing(new())) }
    }

    fn at(place: Place) -> Self {
        let known_files = leftovers::temporary_files();
        let plugins = repository("plugins");
        Self { place, temporary: temporary_directory(), plugins, known_files }
    }

    /// Removes what earlier runs left in it.
    pub(crate) fn emptied(self) -> Self {
        std::fs::remove_dir_all(self.path()).unwrap();
        std::fs::create_dir(self.path()).unwrap();
        self
    }

    /// Uses other plugins.
    pub(crate) fn with_plugins(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.plugins);
        self
    }

    /// Returns the directory.
    pub(crate) fn path(&self) -> &Path {
        match &self.place {
            Place::Passing(directory) => directory.path(),
            Place::Lasting(path) => path,
        }
    }

    /// Returns where its plugins are.
    pub(crate) fn plugins(&self) -> &Path {
        &self.plugins
    }

    /// Returns the store's directory.
    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// Returns the directory of temporary files, and of plugins' sockets.
    pub(crate) fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Lists what a program left behind: processes, mounts, loop devices, temporary files, unfinished work in the store.
    pub(crate) fn left_behind(&self, ended: &Ended) -> Vec<String> {
        let mut found = ended.brood.survivors(ORPHAN_DEADLINE);
        for directory in [self.path(), self.temporary.path()] {
            found.extend(leftovers::mounts_and_loops(directory));
        }
        let is_new = |file: &PathBuf| !self.known_files.contains(file);
        let files = leftovers::temporary_files().into_iter().filter(is_new);
        let files = files.chain(leftovers::files_in(self.temporary.path()));
        let files = files.chain(leftovers::files_in(&self.store().join("work")));
        found.extend(files.map(|file| file.display().to_string()));
        found
    }

    /// Writes a template, and returns its path.
    pub(crate) fn template(&self, template: &Tdl) -> PathBuf {
        let path = self.path().join("template.tdl");
        std::fs::write(&path, template.xml()).unwrap();
        path
    }

    /// Returns the command line on this store.
    pub(crate) fn factory(&self) -> Command {
        self.command(Command::new(binary("factory")))
    }

    /// Returns the command line under Image Factory's name.
    pub(crate) fn imagefactory(&self) -> Command {
        let link = self.path().join("imagefactory");
        _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(binary("factory"), &link).unwrap();
        self.command(Command::new(link))
    }

    /// Returns the same for a user, whose the sandbox becomes. The user may not be able to read the repository, so the
    /// programs come along.
    pub(crate) fn factory_as(&mut self, user: &User, plugins: &[&str]) -> Command {
        let directory = self.path().join("programs");
        std::fs::create_dir_all(&directory).unwrap();
        let copy = |from: PathBuf| std::fs::copy(&from, directory.join(from.file_name().unwrap()));
        copy(binary("factory")).unwrap();
        for name in plugins {
            copy(binary(&format!("factory-plugin-{name}"))).unwrap();
            copy(repository(&format!("plugins/{name}/{name}.info"))).unwrap();
        }
        self.plugins.clone_from(&directory);
        user.own(self.path());
        user.own(self.temporary.path());
        self.command(user.command(&directory.join("factory")))
    }

    /// Starts the daemon on this store, and waits until it listens.
    #[track_caller]
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon_with(&[])
    }

    /// Starts the daemon with more flags.
    #[track_caller]
    pub(crate) fn daemon_with(&self, flags: &[&str]) -> Daemon {
        let (program, address) = self.start(&[&OPEN, flags].concat());
        Daemon { program, address, rest: None }
    }

    /// Starts a daemon that serves REST too.
    #[track_caller]
    pub(crate) fn daemon_with_rest(&self) -> Daemon {
        self.closed_daemon_with_rest(&OPEN)
    }

    /// Starts a daemon that serves REST too, with more flags.
    #[track_caller]
    pub(crate) fn open_daemon_with_rest(&self, flags: &[&str]) -> Daemon {
        self.closed_daemon_with_rest(&[&OPEN, flags].concat())
    }

    /// Starts a daemon that serves REST too, and lets nobody in but whom the flags name.
    #[track_caller]
    pub(crate) fn closed_daemon_with_rest(&self, flags: &[&str]) -> Daemon {
        let (mut program, address) = self.start(&[&["--rest", "127.0.0.1:0"], flags].concat());
        let rest = Some(listening(&mut program));
        Daemon { program, address, rest }
    }

    #[track_caller]
    fn start(&self, flags: &[&str]) -> (Program, String) {
        let mut command = self.command(Command::new(binary("factoryd")));
        command.args(["--listen", "127.0.0.1:0"]).args(flags);
        let mut program = Program::start(&command);
        let address = listening(&mut program);
        (program, address)
    }

    fn command(&self, mut command: Command) -> Command {
        for variable in ["FACTORY_SERVER", "FACTORY_STORE", "FACTORY_PLUGINS", "XDG_RUNTIME_DIR"] {
            command.env_remove(variable);
        }
        command.env("TMPDIR", self.temporary.path());
        command.arg("--store").arg(self.store()).arg("--plugins").arg(&self.plugins);
        // Where the mock cloud may keep a cloud; the directory has to be there before its plugin is started.
        let cloud = self.path().join("cloud");
        command.arg("--sandbox-allow").arg(format!("mock-cloud={}", cloud.display()));
        command
    }
}

impl Daemon {
    /// Returns its processes.
    pub(crate) fn brood(&self) -> &Brood {
        &self.program.brood
    }

    /// Returns the processes of its plugins whose names begin so; not of what they run.
    pub(crate) fn plugins(&self, name: &str) -> Vec<Pid> {
        let program = format!("/factory-plugin-{name}");
        let members = self.brood().members().into_iter();
        let plugins = members.filter_map(|line| {
            let mut words = line.split_whitespace();
            let (pid, path) = (words.next()?, words.next()?);
            (path.contains(&program) && words.next().is_none()).then_some(pid.parse().ok()?)
        });
        plugins.filter_map(Pid::from_raw).collect()
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Returns where it serves REST.
    pub(crate) fn rest(&self) -> &str {
        self.rest.as_deref().unwrap()
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Connects to it.
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(&self.address).await
    }

    /// Kills it, without a chance to clean up, and returns what it started.
    pub(crate) fn kill(self) -> Brood {
        self.program.kill()
    }

    /// Asks it to stop, and waits for that.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.program.signal(Signal::TERM);
        self.program.wait(DEADLINE)
    }
}

impl Daemon {
    /// Asks it to stop, and once it does, again: it ends without waiting for its builds.
    #[track_caller]
    pub(crate) fn stop_at_once(mut self) -> Ended {
        self.program.signal(Signal::TERM);
        self.program.stderr.wait_for("draining", DEADLINE).unwrap();
        self.program.signal(Signal::TERM);
        self.program.wait(DEADLINE)
    }
}

/// Waits until a daemon says where it listens.
#[track_caller]
fn listening(program: &mut Program) -> String {
    let address = program
        .stdout
        .wait_for("listening on ", DEADLINE)
        .and_then(|_| program.stdout.wait_for("\n", DEADLINE));
    match address {
        Ok(address) => address.trim().to_owned(),
        Err(silence) => panic!("factoryd does not listen: {silence}\n{}", program.stderr.so_far()),
    }
}

fn temporary_directory() -> tempfile::TempDir {
    // Short: the sockets of plugins are in it, and the path of a socket has 107 bytes at most.
    tempfile::Builder::new().prefix("factory-e2e-").tempdir().unwrap()
}
