//! Confinement: between the factory and each plugin sits an init, which starts the plugin and ends everything with it.
//!
//! The init is this same program under the hidden argument [`ARGUMENT`]. Its standard input is a socket:
//!
//! ```text
//! factory ──spec, the executable, the plugin's standard input──► init ──fork, exec by descriptor──► plugin ──► whatever it forks
//!         ◄──started; how the plugin ended─────────────────────
//! ```
//!
//! * With the right to (root), the init is process 1 of a PID namespace of the plugin's own. The kernel ends all of a namespace
//!   with its process 1, and process 1 with the factory.
//! * Without, the init is a *subreaper*: whatever is orphaned below it becomes its child. At the plugin's end, and at the end of
//!   the socket, it kills everything below it until nothing is left.
//! * Where control groups can be had, all of it is in one, with limits, and is killed at once.
//! * The init hands on SIGTERM to the plugin's process group, collects what has ended, and reports how the plugin ended.
//!
//! **Invariant:** whoever knows the socket's other end is the only one whose end matters: the init needs no pid of the factory's,
//! and no process of a plugin outlives that end.

mod cgroup;
mod channel;
mod descendants;
mod init;
mod limits;
mod process;
mod spawn;
mod spec;
mod support;

pub(crate) use cgroup::{Events, Groups};
pub use init::main_if_asked;
pub use limits::{Controller, Limits, PluginLimits};
pub(crate) use process::{Exit, Launch, LaunchError, Pipes, Process};
pub(crate) use spec::{Spec, Step};
pub use support::{Support, can_make_namespaces};

/// The hidden first argument that makes one of our programs an init.
pub const ARGUMENT: &str = "plugin-init";
