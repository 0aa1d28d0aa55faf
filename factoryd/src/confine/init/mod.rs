//! The init of one plugin: what runs between the factory and the plugin.
//!
//! It is started anew for each plugin, before any runtime, and does its work with one thread:
//!
//! ```text
//! order ─► watch ─► groups ─► namespace ─► execute ──► the plugin runs ──► it ended, or the factory did ──► everything is ended
//! ```

mod execute;
mod namespace;
mod watch;

use super::spec::{Report, Spec, Step};
use super::{ARGUMENT, cgroup, channel};
use crate::seal;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Signal, getpid, set_child_subreaper, set_parent_process_death_signal};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use watch::Watch;

/// Runs the init, if that is what this process was started for. To be asked first of all in `main`, before there are threads.
pub fn main_if_asked() -> Option<ExitCode> {
    let argument = std::env::args_os().nth(1)?;
    (argument == ARGUMENT).then(main)
}

fn main() -> ExitCode {
    // What comes after the standard streams is never taken for one.
    let Ok(socket) = fcntl_dupfd_cloexec(io::stdin(), 3) else { return ExitCode::FAILURE };
    match run(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { step, source }) => {
            let errno = source.raw_os_error().unwrap_or_default();
            let report = Report::Failed { step, errno, error: source.to_string() };
            // The factory may be gone.
            let _ = tell(&socket, &report);
            ExitCode::FAILURE
        }
    }
}

struct Failed {
    step: Step,
    source: io::Error,
}

impl Step {
    fn of<T>(self, result: Result<T, impl Into<io::Error>>) -> Result<T, Failed> {
        result.map_err(|source| Failed { step: self, source: source.into() })
    }
}

fn run(socket: &OwnedFd) -> Result<(), Failed> {
    let order = Step::Order.of(receive(socket))?;
    let watch = Step::Watch.of(prepare(&order.spec).and_then(|()| Watch::new()))?;
    for entrance in &order.spec.groups {
        Step::Group.of(cgroup::write(entrance, "0"))?;
    }
    if order.spec.pid_namespace {
        Step::Namespace.of(namespace::enter())?;
    }
    let seal = Step::Seal.of(order.spec.rules.clone().map(seal::prepare).transpose())?;
    let plugin = Step::Execute.of(execute::start(order, seal, socket))?;
    Step::Execute.of(let_go_of_streams())?;
    // A factory that is gone shows when the socket is watched.
    let _ = tell(socket, &Report::Started);
    Step::Watch.of(watch.until_the_end(plugin, socket))
}

/// What the factory sent.
struct Order {
    spec: Spec,
    stdin: OwnedFd,
    executable: OwnedFd,
}

fn receive(socket: &OwnedFd) -> io::Result<Order> {
    let received = channel::receive::<Spec>(socket)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let [stdin, executable] = <[OwnedFd; 2]>::try_from(received.descriptors)
        .map_err(|_| io::Error::other("the descriptors are missing"))?;
    Ok(Order { spec: received.message, stdin, executable })
}

/// Ends with the factory, as process 1 at once, for then everything else does; else takes in orphans, so as to end them.
fn prepare(spec: &Spec) -> io::Result<()> {
    rustix::thread::set_name(c"plugin-init")?;
    match spec.pid_namespace {
        true => set_parent_process_death_signal(Some(Signal::KILL))?,
        false => set_child_subreaper(Some(getpid()))?,
    }
    Ok(())
}

/// The plugin's pipes are its own: when it closes one, that is the end of it.
fn let_go_of_streams() -> io::Result<()> {
    let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn tell(socket: &OwnedFd, report: &Report) -> io::Result<()> {
    channel::send(socket.as_fd(), &channel::encode(report)?, &[])
}
