//! What becomes of a step that was interrupted: the table.
//!
//! | step | its plugin crashed | its factory is gone | before it is begun again |
//! |---|---|---|---|
//! | `fetch-contents` | – | again, 5 times | – |
//! | `create-base-image`, `…-target-image` | again, `[jobs] retries` times | again, 5 times | – |
//! | `keep-files` | – | again, 5 times | – |
//! | `push-…`, `snapshot-…` | again, `[jobs] retries` times | again, 5 times | open intents are settled |
//! | `delete-from-provider` | again, `[jobs] retries` times | always again | – |
//! | `remove-bodies` | – | always again | – |
//!
//! Again is: from scratch, in an empty directory, under another operation id. A step that ends with a failure of its own, or
//! that is cancelled, is not begun again. Work that needs secrets that only the ended process had fails, with the
//! reason; so does a step that was interrupted too often: what it does may be what ends the process. `factory retry` is the
//! way on.

use crate::domain::{Interruption, StepName, StepRecord};

/// How often a step is begun again after its factory ended.
const INTERRUPTIONS_MAX: u32 = 5;

/// What becomes of a step that was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is begun again.
    Again,
    /// Its image fails.
    Fails,
}

/// How often a step is begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// As often as this.
    Times(u32),
    /// As often as it takes.
    Always,
}

/// Decides about a step that was interrupted, the present interruption counted in; `retries` is how often the configuration
/// lets a step be begun again after a crash.
pub fn fate(step: &StepRecord, by: Interruption, retries: u32) -> Fate {
    let (times, limit) = match by {
        Interruption::Crash => (step.crashes, Limit::Times(retries)),
        Interruption::FactoryGone => (step.interruptions, after_factory(step.name)),
    };
    match limit {
        Limit::Always => Fate::Again,
        Limit::Times(limit) if times <= limit => Fate::Again,
        Limit::Times(_) => Fate::Fails,
    }
}

fn after_factory(step: StepName) -> Limit {
    match step {
        StepName::FetchContents
        | StepName::CreateBaseImage
        | StepName::ShouldCreateTargetImage
        | StepName::WillCreateTargetImage
        | StepName::CreateTargetImage
        | StepName::DidCreateTargetImage
        | StepName::KeepFiles
        | StepName::PushImageToProvider
        | StepName::SnapshotImageOnProvider => Limit::Times(INTERRUPTIONS_MAX),
        // What is to be deleted may already be half gone.
        StepName::DeleteFromProvider | StepName::RemoveBodies => Limit::Always,
    }
}

/// Tells whether what a step left outside this machine is settled before it is begun again.
pub(super) fn settles_first(step: StepName) -> bool {
    matches!(step, StepName::PushImageToProvider | StepName::SnapshotImageOnProvider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{StepResult, StepState};
    use std::time::SystemTime;

    fn step(name: StepName, crashes: u32, interruptions: u32) -> StepRecord {
        StepRecord {
            name,
            state: StepState::Interrupted,
            tries: 1 + crashes + interruptions,
            crashes,
            interruptions,
            begun: SystemTime::UNIX_EPOCH,
            ended: None,
            result: StepResult::default(),
        }
    }

    #[test]
    fn a_crash_is_forgiven_as_often_as_the_configuration_says() {
        for name in StepName::ALL {
            for (retries, crashes, expected) in
                [(0, 1, Fate::Fails), (1, 1, Fate::Again), (1, 2, Fate::Fails), (3, 3, Fate::Again)]
            {
                let record = step(name, crashes, 9);
                assert_eq!(fate(&record, Interruption::Crash, retries), expected, "{name}");
            }
        }
    }

    #[test]
    fn the_end_of_a_factory_is_forgiven_often_and_to_a_deletion_always() {
        use StepName::{DeleteFromProvider, RemoveBodies};
        for name in StepName::ALL {
            let after = |times| fate(&step(name, 9, times), Interruption::FactoryGone, 0);
            assert_eq!(after(INTERRUPTIONS_MAX), Fate::Again, "{name}");
            let deletes = [DeleteFromProvider, RemoveBodies].contains(&name);
            let expected = if deletes { Fate::Again } else { Fate::Fails };
            assert_eq!(after(INTERRUPTIONS_MAX + 1), expected, "{name}");
        }
    }

    #[test]
    fn only_what_makes_things_outside_settles_them_first() {
        let settling: Vec<_> = StepName::ALL.into_iter().filter(|it| settles_first(*it)).collect();
        assert_eq!(settling, [StepName::PushImageToProvider, StepName::SnapshotImageOnProvider]);
    }
}
