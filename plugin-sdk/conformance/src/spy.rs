//! What a plugin's processes show to everyone on the machine, looked at again and again.

use crate::process::census;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_millis(25);

/// Looks at the processes with a mark until it is dropped.
#[derive(Debug)]
pub(crate) struct Spy {
    seen: Arc<Mutex<Seen>>,
    /// Ends with this.
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Seen {
    arguments: BTreeSet<String>,
    environments: BTreeSet<String>,
}

impl Spy {
    /// Begins to look.
    pub(crate) fn on(mark: &str) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let mut task = JoinSet::new();
        task.spawn(look(mark.to_owned(), seen.clone()));
        Self { seen, _task: task }
    }

    /// Returns all argument lists and all environments that were seen.
    pub(crate) fn seen(&self) -> (String, String) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join("\n");
        (joined(&seen.arguments), joined(&seen.environments))
    }
}

async fn look(mark: String, seen: Arc<Mutex<Seen>>) {
    loop {
        for shown in census::marked(&mark) {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.arguments.insert(shown.arguments);
            seen.environments.insert(shown.environment);
        }
        sleep(INTERVAL).await;
    }
}
