//! What is left to a sealed process.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is left to a sealed process. The default takes nothing away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whether executing a program never gives rights that the process does not have.
    pub no_new_privileges: bool,
    /// The files that are left; `None` for all.
    pub files: Option<Vec<FileRule>>,
    /// A user namespace and a tree of its own. Takes the place of `files`.
    pub container: Option<Container>,
    /// The TCP ports that can be connected to; `None` for all. No port can be listened on if there is such a list.
    pub connect_ports: Option<Vec<u16>>,
    /// Whether processes outside can't be signalled, nor reached by abstract sockets.
    pub scoped: bool,
    /// The system calls that are left; `None` for all.
    pub syscalls: Option<Syscalls>,
    /// Whether it has a network of its own, with nothing in it.
    pub network_namespace: bool,
    /// Whether it can speak to itself in that.
    pub loopback: bool,
    /// The numbers of the capabilities that are left; `None` for all.
    pub capabilities: Option<Vec<u32>>,
}

/// A user namespace and a tree of files of a process's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Whose ids it has.
    pub ids: Ids,
    /// What is in the tree and belongs to whom it belongs outside.
    pub files: Vec<FileRule>,
    /// What is in the tree and belongs to the process.
    pub own: Vec<FileRule>,
    /// Where its temporary files go.
    pub temporary: Option<PathBuf>,
}

/// What the ids in a user namespace are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ids {
    /// 65 536 from a first one, which nobody else has. What the process writes belongs to root and others outside as it does to its
    /// own root and others. Takes root.
    Foreign {
        /// The id of the process.
        first: u32,
    },
    /// Those that the user has and that were lent to it (subuid(5)).
    Subordinate,
}

/// Files that are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRule {
    /// A file, or a directory and all below.
    pub path: PathBuf,
    /// What can be done with them.
    pub access: Access,
}

impl FileRule {
    /// Makes one.
    pub fn new(path: impl Into<PathBuf>, access: Access) -> Self {
        Self { path: path.into(), access }
    }
}

/// What can be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    /// It is read.
    Read,
    /// It is read and executed.
    Execute,
    /// It is read, written, made and removed; no device.
    Write,
    /// A device, used.
    Device,
}

/// System calls that only some need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syscalls {
    /// Making namespaces, mounting, changing the root.
    pub namespaces: bool,
    /// Sockets other than those of the file system.
    pub network: bool,
}
