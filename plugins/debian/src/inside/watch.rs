//! Ending when told to: process 1 of a namespace is not ended by a signal that it does not handle.
//!
//! Ending it ends everything in the namespace, so nothing else has to be told.

use std::io;
use std::process::exit;
use std::thread;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long the main thread has to remove its files, its children having got the same signal.
const GRACE: Duration = Duration::from_millis(1500);

/// The exit status of a process ended by SIGTERM, as shells count.
const TERMINATED: i32 = 128 + 15;

/// Starts watching for SIGTERM; `grace` if there may be files to remove.
///
/// # Errors
/// If a thread or a runtime can't be made.
pub(crate) fn start(grace: bool) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let registered = {
        let _context = runtime.enter();
        signal(SignalKind::terminate())
    };
    let mut terminate = registered?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(terminate.recv());
        if grace {
            thread::sleep(GRACE);
        }
        exit(TERMINATED);
    })?;
    Ok(())
}
