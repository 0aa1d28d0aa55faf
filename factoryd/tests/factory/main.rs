//! The factory as a component: the real store, pipeline and jobs, with delegates of a few lines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod admission;
mod callbacks;
mod cancelling;
mod contents;
mod deleting;
mod fake;
mod full_disk;
mod judging;
mod making;
mod reaping;
mod receiver;
mod resuming;
mod retrying;
mod secrets;
mod target_content;
mod watching;
