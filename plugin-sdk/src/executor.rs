//! Where a plugin's own code runs: on threads of its own, so that code that blocks delays neither heartbeats nor a
//! cancellation.

use std::future::Future;
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// The threads are started by the first operation, so that a plugin that is only asked what it is starts faster. They end
/// with the process: nobody waits for code that blocks.
static WORKERS: OnceLock<Runtime> = OnceLock::new();

/// Where a plugin's own code runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Executor {
    /// On the runtime of the caller: a test.
    Here,
    /// On threads of its own.
    Workers,
}

impl Executor {
    /// Runs a plugin's method. Its owner is the supervisor, which waits for it or aborts it.
    pub(crate) fn spawn<T: Send + 'static>(
        self,
        method: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the supervisor owns it")]
            Self::Here => tokio::spawn(method),
            Self::Workers => WORKERS.get_or_init(workers).spawn(method),
        }
    }
}

fn workers() -> Runtime {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("operation")
        .enable_all()
        .build()
        .expect("a process that has started can start threads")
}
