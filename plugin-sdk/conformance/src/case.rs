//! What a case is: one thing that the protocol asks of a plugin, and how to find out whether it does it.

use crate::bench::Bench;
use crate::need::Need;
use crate::protocol::Rule;
use futures_util::future::BoxFuture;
use std::fmt;

/// Finds out whether a plugin keeps a rule.
pub type Run = for<'a> fn(&'a Bench) -> BoxFuture<'a, Verdict>;
/// What was found out: nothing wrong, or why the case stopped.
pub type Verdict = Result<(), Stop>;

/// One thing that the protocol asks of a plugin, and how it is found out.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name for ever, such as `CA-03`.
    pub id: &'static str,
    /// What a right plugin does, as a sentence.
    pub title: &'static str,
    /// The sentence of the protocol that asks for it.
    pub rule: Rule,
    /// What must hold for the case to make sense.
    pub needs: &'static [Need],
    /// True if the kit breaks something in it that a factory would not break on purpose.
    pub is_fault: bool,
    pub(crate) run: Run,
}

impl Case {
    /// Makes a case.
    pub(crate) const fn new(
        id: &'static str,
        title: &'static str,
        rule: Rule,
        needs: &'static [Need],
        run: Run,
    ) -> Self {
        Self { id, title, rule, needs, is_fault: false, run }
    }

    /// Says that the kit breaks something in it.
    pub(crate) const fn fault(mut self) -> Self {
        self.is_fault = true;
        self
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.title)
    }
}

/// Why a case stopped before its end.
#[derive(Debug, Clone)]
pub enum Stop {
    /// The plugin breaks the rule: what was seen.
    Broken(String),
    /// The case makes no sense for this plugin: why.
    NotApplicable(String),
    /// The kit itself could not go on: why. Says nothing about the plugin.
    Kit(String),
}

impl Stop {
    /// Says what was seen of a rule that is broken.
    pub(crate) fn broken(seen: impl Into<String>) -> Self {
        Self::Broken(seen.into())
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Kit(error.to_string())
    }
}

/// Stops a case, with what was seen, unless something holds.
macro_rules! ensure {
    ($holds:expr, $($seen:tt)+) => {
        if !$holds {
            return Err($crate::case::Stop::Broken(format!($($seen)+)));
        }
    };
}
pub(crate) use ensure;

/// Makes a [`Run`] of an `async fn(&Bench) -> Verdict`.
macro_rules! run {
    ($function:path) => {
        |bench| Box::pin($function(bench))
    };
}
pub(crate) use run;
