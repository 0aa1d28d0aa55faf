//! What an exit code says.

use std::process::ExitCode;

/// How a command ended. `factory --help` lists the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done.
    Done,
    /// A build, push or deletion failed.
    Failed,
    /// The command line, a file or the template is not valid.
    BadInput,
    /// Refused: no plugin, no such image, or its status does not allow it.
    Refused,
    /// The factory itself is unusable.
    Unusable,
    /// Cancelled by a signal.
    Cancelled,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::BadInput => 2,
            Exit::Refused => 3,
            Exit::Unusable => 4,
            Exit::Cancelled => 130,
        })
    }
}
