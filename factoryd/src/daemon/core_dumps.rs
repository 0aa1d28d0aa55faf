//! A core of this process would have every secret that it works with.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tracing::warn;

/// Lets this process and what it starts leave no core, and no other process of its user look into its memory.
pub fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A collector of cores that is a program (`|` in core_pattern) does not ask for the limit, only whether it may.
    let forbidden = setrlimit(Resource::Core, none)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = forbidden {
        warn!(%error, "a crash may leave a core, which would have secrets in it");
    }
}
