//! What a check found, and how it is told.

mod json;
mod junit;
mod text;

use crate::case::Case;
use std::path::PathBuf;
use std::time::Duration;

/// What a check of a plugin found.
#[derive(Debug)]
pub struct Report {
    /// The plugin's executable.
    pub executable: PathBuf,
    /// What each case found, in order.
    pub found: Vec<Found>,
    /// How long it took.
    pub took: Duration,
}

/// What a case found.
#[derive(Debug)]
pub struct Found {
    /// The case.
    pub case: Case,
    /// What it found.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What happened: environment, requests, events.
    pub trace: Vec<String>,
}

/// What a case found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The plugin keeps the rule.
    Passed,
    /// It breaks it: what was seen.
    Failed(String),
    /// The case makes no sense for this plugin: why.
    NotApplicable(String),
    /// The kit itself could not go on: why.
    Unjudged(String),
}

/// How many cases found what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rules that are kept.
    pub passed: usize,
    /// Rules that are broken.
    pub failed: usize,
    /// Cases that make no sense for the plugin.
    pub not_applicable: usize,
    /// Cases that the kit could not judge.
    pub unjudged: usize,
}

impl Report {
    /// Tells whether the plugin breaks no rule, and keeps at least one.
    pub fn is_good(&self) -> bool {
        let counts = self.counts();
        counts.failed + counts.unjudged == 0 && 0 < counts.passed
    }

    /// Counts.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for found in &self.found {
            *match found.outcome {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed(_) => &mut counts.failed,
                Outcome::NotApplicable(_) => &mut counts.not_applicable,
                Outcome::Unjudged(_) => &mut counts.unjudged,
            } += 1;
        }
        counts
    }

    /// Says how to run a case again and see everything.
    pub(crate) fn reproduce(&self, case: &Case) -> String {
        let path = self.executable.display();
        format!("factory plugin check {path} --filter {} --verbose", case.id)
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, failed, not_applicable, unjudged } = self;
        write!(f, "{passed} passed, {failed} failed, {not_applicable} not applicable")?;
        if 0 < *unjudged {
            write!(f, ", {unjudged} could not be judged")?;
        }
        Ok(())
    }
}
