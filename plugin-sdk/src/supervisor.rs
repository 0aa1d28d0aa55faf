//! Watches over one running operation, from its first event to its terminal one.
//!
//! ```text
//! running ──────────────► the method returns or panics ─────────────────────► terminal event
//!    │ cancelled                        ▲
//!    ▼                                  │ within the grace
//! cancelling ───────────────────────────┘
//!    │ the grace is over
//!    ▼
//! aborted: its programs are killed ─────────────────────────────────────────► cancelled
//! ```
//!
//! Before the terminal event, what the operation created elsewhere and must not stay is deleted, newest first. So that there
//! is time for it, a cancelled method that has created something is aborted at half of its grace.

use crate::executor::Executor;
use crate::failure::FailureKind;
use crate::ledger::{Entry, Ledger, confirm_deleted};
use crate::operations::Answer;
use crate::record::Record;
use crate::{Failure, Fault};
use factory_proto::plugin_v1::{
    Cancelled, Completed, LogLine, StateChanged, Warning, event::Kind, log_line::Level,
    state_changed::State,
};
use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

/// How long a method's code may take to notice that it was aborted.
const ABORT_WAIT: Duration = Duration::from_millis(200);
/// How much detail a failure may carry, in bytes: it must always fit into a message.
const DETAIL_BYTES_MAX: usize = 1024 * 1024;
/// How long the programs of an ended operation may take to be gone; each was told already.
const TOOLS_WAIT: Duration = Duration::from_secs(3);

/// How long the deletion of one thing may take.
const DELETION_MAX: Duration = Duration::from_mins(5);

/// When a cancelled operation is aborted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deadline(Arc<watch::Sender<Option<Grace>>>);

/// The time that a cancelled operation has.
#[derive(Debug, Clone, Copy)]
struct Grace {
    half: Instant,
    over: Instant,
}

impl Deadline {
    /// Sets it, or brings it forward; never puts it off.
    pub(crate) fn bring_forward(&self, grace: Duration) {
        let now = Instant::now();
        let to = Grace { half: now + grace / 2, over: now + grace };
        self.0.send_if_modified(|deadline| {
            let sooner = deadline.is_none_or(|deadline| to.over < deadline.over);
            if sooner {
                *deadline = Some(to);
            }
            sooner
        });
    }

    /// Waits until a method must have ended: earlier if there is something to delete after it.
    async fn passed_for(&self, ledger: &Ledger) {
        self.reached(|grace| grace.half).await;
        if ledger.is_empty() {
            self.passed().await;
        }
    }

    async fn passed(&self) {
        self.reached(|grace| grace.over).await;
    }

    async fn reached(&self, moment: fn(&Grace) -> Instant) {
        let mut changes = self.0.subscribe();
        loop {
            let deadline = changes.borrow_and_update().as_ref().map(moment);
            tokio::select! {
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => return,
                // The sender is ours: this waits, and never fails.
                _ = changes.changed() => {}
            }
        }
    }
}

/// Watches over one running operation.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) record: Arc<Record>,
    pub(crate) tools: TaskTracker,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) executor: Executor,
    pub(crate) deadline: Deadline,
}

impl Supervisor {
    /// Writes the first event. Call it before the method runs.
    pub(crate) fn announce(&self) {
        self.enter(State::Running);
    }

    /// Waits until the method's task has ended, one way or the other, and writes the terminal event.
    pub(crate) async fn run(&self, task: JoinHandle<Answer>) {
        let mut left_behind = Vec::new();
        let answer = tokio::select! {
            answer = self.finish(task, &mut left_behind) => answer,
            never = self.announce_cancelling() => match never {},
            never = self.record.keep_time() => match never {},
        };
        self.end(answer, left_behind);
    }

    async fn finish(&self, mut task: JoinHandle<Answer>, left_behind: &mut Vec<String>) -> Answer {
        let answer = tokio::select! {
            joined = &mut task => answer(joined),
            () = self.deadline.passed_for(&self.ledger) => {
                task.abort();
                match timeout(ABORT_WAIT, &mut task).await {
                    Ok(joined) => answer(joined),
                    Err(_) => {
                        left_behind.push("the plugin's own code, which does not stop".into());
                        Err(Failure::cancelled())
                    }
                }
            }
        };
        self.tools.close();
        if timeout(TOOLS_WAIT, self.tools.wait()).await.is_err() {
            left_behind.push("programs that do not end".into());
        }
        self.clean_up(answer.is_ok(), left_behind).await;
        answer
    }

    /// Deletes what the operation created and must not stay. What can't be deleted stays in the factory's ledger.
    async fn clean_up(&self, completed: bool, left_behind: &mut Vec<String>) {
        while let Some(entry) = self.ledger.next(completed) {
            let (name, label) = (entry.name.clone(), entry.label());
            match self.delete(entry).await {
                Ok(()) => confirm_deleted(&self.record, &name),
                Err(why) => self.tell_of_left_over(&label, &why, left_behind),
            }
        }
    }

    async fn delete(&self, entry: Entry) -> Result<(), String> {
        let mut task = self.executor.spawn(entry.delete());
        let ended = tokio::select! {
            ended = timeout(DELETION_MAX, &mut task) => ended,
            // Of what is still to be deleted, all is given a moment: it may take no more.
            () = self.deadline.passed() => timeout(ABORT_WAIT, &mut task).await,
        };
        match ended {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(failure))) => Err(failure.to_string()),
            Ok(Err(_)) => Err("the plugin panicked".to_owned()),
            Err(_) => {
                task.abort();
                Err("there was no time for it".to_owned())
            }
        }
    }

    fn tell_of_left_over(&self, label: &str, why: &str, left_behind: &mut Vec<String>) {
        if self.record.cancellation().is_cancelled() {
            left_behind.push(format!("{label}: {why}"));
            return;
        }
        self.record.write(Kind::Warning(Warning {
            message: format!("{label} was not deleted: {why}"),
            hint: "the factory tries again: see `factory resources`".to_owned(),
            path: String::new(),
        }));
    }

    async fn announce_cancelling(&self) -> Infallible {
        self.record.cancellation().cancelled().await;
        self.enter(State::Cancelling);
        std::future::pending().await
    }

    fn enter(&self, state: State) {
        self.record.write(Kind::State(StateChanged { state: state.into() }));
    }

    fn end(&self, answer: Answer, left_behind: Vec<String>) {
        match self.last_event(answer, left_behind) {
            Ok(event) => {
                self.record.write(event);
            }
            Err(refusal) => self.record.refuse(refusal),
        }
    }

    /// Returns the terminal event; or why there is none, if the plugin does not have the method.
    fn last_event(&self, answer: Answer, mut left_behind: Vec<String>) -> Result<Kind, Failure> {
        let failure = match answer {
            Ok(result) => return Ok(Kind::Completed(Completed { result })),
            Err(failure) => failure,
        };
        match failure.kind {
            FailureKind::Failed(mut failure) if !self.record.cancellation().is_cancelled() => {
                failure.detail.truncate(failure.detail.floor_char_boundary(DETAIL_BYTES_MAX));
                return Ok(Kind::Failed(*failure));
            }
            FailureKind::Failed(failure) => self.note_failure_while_cancelling(&failure.message),
            FailureKind::Cancelled { left_behind: more } => left_behind.extend(more),
            FailureKind::Unimplemented(method) => return Err(Failure::unimplemented(method)),
        }
        Ok(Kind::Cancelled(Cancelled { left_behind }))
    }

    /// A failure after the cancellation is its consequence, as a rule; it must not be lost where it is not.
    fn note_failure_while_cancelling(&self, message: &str) {
        self.record.write(Kind::Log(LogLine {
            level: Level::Warn.into(),
            message: format!("failed while being cancelled: {message}"),
            source: String::new(),
        }));
    }
}

fn answer(joined: Result<Answer, JoinError>) -> Answer {
    joined.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => Err(panicked(panic.as_ref())),
        Err(_) => Err(Failure::cancelled()),
    })
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a value that is no text".to_owned());
    Failure::new(Fault::Plugin, "PLUGIN_PANIC", format!("the plugin panicked: {text}"))
        .hint("report this to who keeps the plugin, with its log")
}
