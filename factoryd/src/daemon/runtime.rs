//! The threads of a process.

use std::future::Future;
use std::io;

/// One worker waits for plugins and clients while the other is busy; more would only cost memory.
const WORKERS: usize = 2;

/// Runs a process's work to its end. Threads that still block then (on a file, on standard input) are not waited for.
///
/// # Errors
/// If the operating system gives no threads.
pub fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(result)
}
