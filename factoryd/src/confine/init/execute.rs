//! Starts the plugin: a program by its open file, a script by its path, which must still be that file.

use super::Order;
use crate::confine::channel;
use crate::confine::spec::{Report, Spec, Step};
use crate::seal::Prepared;
use nix::fcntl::AtFlags;
use nix::sys::signal::SigSet;
use rustix::fs::{FileType, Mode, OFlags, fstat, open, stat};
use rustix::io::{Errno, pread};
use rustix::process::{Pid, Signal, set_parent_process_death_signal};
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts the plugin in a process group of its own, and answers its number here.
///
/// # Errors
/// If it can't be executed.
pub(super) fn start(order: Order, seal: Option<Prepared>, socket: &OwnedFd) -> io::Result<Pid> {
    let Order { spec, stdin, executable } = order;
    let program = match is_script(&executable)? {
        true => same_file(&spec, &executable).map(|()| None)?,
        false => Some(Program::new(&spec, executable)?),
    };
    let mut command = Command::new(&spec.executable);
    command.args(&spec.arguments).stdin(Stdio::from(stdin)).process_group(0);
    in_child(&mut command, &spec, socket.try_clone()?, seal, program)?;
    Ok(Pid::from_child(&command.spawn()?))
}

/// What is executed by its open file.
struct Program {
    file: OwnedFd,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Program {
    fn new(spec: &Spec, file: OwnedFd) -> io::Result<Self> {
        let variables = std::env::vars_os()
            .map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()));
        let environment = variables.collect::<Result<_, _>>()?;
        let more = spec.arguments.iter().map(OsStr::new);
        let arguments = std::iter::once(spec.executable.as_os_str()).chain(more);
        let arguments = arguments.map(c_string).collect::<Result<_, _>>()?;
        Ok(Self { file, arguments, environment })
    }

    /// Opens it anew, where it is in the tree that this process sees now: of a file of another tree nobody could tell the path,
    /// which is how a program finds itself.
    fn find_again(&mut self, path: &Path) -> io::Result<()> {
        let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let (before, now) = (fstat(&self.file)?, fstat(&file)?);
        if (before.st_dev, before.st_ino) != (now.st_dev, now.st_ino) {
            return Err(Errno::STALE.into());
        }
        self.file = file;
        Ok(())
    }

    /// Becomes it. Returns only if that fails.
    fn execute(&self) -> io::Error {
        let Self { file, arguments, environment } = self;
        match nix::unistd::execveat(file, c"", arguments, environment, AtFlags::AT_EMPTY_PATH) {
            Err(errno) => errno.into(),
            Ok(never) => match never {},
        }
    }
}

/// Has the child, before it executes, end with the init, catch signals as usual, and tell its number.
#[expect(unsafe_code, reason = "these are properties of a process that its parent can't set")]
fn in_child(
    command: &mut Command,
    spec: &Spec,
    socket: OwnedFd,
    mut seal: Option<Prepared>,
    mut program: Option<Program>,
) -> io::Result<()> {
    let forked = channel::encode(&Report::Forked)?;
    let has_container = spec.rules.as_ref().is_some_and(|rules| rules.container.is_some());
    let executable = spec.executable.clone();
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        SigSet::all().thread_unblock()?;
        channel::send(socket.as_fd(), &forked, &[])?;
        if let Some(seal) = &mut seal {
            seal.apply().map_err(|error| tell_of_seal(&socket, error))?;
            // Who changes its ids loses this.
            set_parent_process_death_signal(Some(Signal::KILL))?;
        }
        if let Some(program) = program.as_mut().filter(|_| has_container) {
            program.find_again(&executable)?;
        }
        program.as_ref().map_or(Ok(()), |program| Err(program.execute()))
    };
    // SAFETY: the init has one thread, so nothing is in an uncertain state in its fork.
    unsafe { command.pre_exec(prepare) };
    Ok(())
}

/// Tells the factory that this was not done, which an error of the start would not say.
fn tell_of_seal(socket: &OwnedFd, source: io::Error) -> io::Error {
    let errno = source.raw_os_error().unwrap_or_default();
    let report = Report::Failed { step: Step::Seal, errno, error: source.to_string() };
    let told = channel::encode(&report).and_then(|it| channel::send(socket.as_fd(), &it, &[]));
    told.err().unwrap_or(source)
}

fn is_script(file: &OwnedFd) -> io::Result<bool> {
    let mut head = [0; 2];
    let len = pread(file, &mut head, 0)?;
    Ok(head[..len] == *b"#!")
}

/// A script's interpreter opens it again, by the path it is given: scripts find what is beside them by that path.
fn same_file(spec: &Spec, file: &OwnedFd) -> io::Result<()> {
    let (open, now) = (fstat(file)?, stat(&spec.executable)?);
    let regular = FileType::from_raw_mode(now.st_mode) == FileType::RegularFile;
    match regular && (open.st_dev, open.st_ino) == (now.st_dev, now.st_ino) {
        true => Ok(()),
        false => Err(Errno::STALE.into()),
    }
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}
