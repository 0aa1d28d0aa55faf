//! Runs cases, several at once, and collects what they found.

use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict};
use crate::cases;
use crate::report::{Found, Outcome, Report};
use crate::sample::{self, Sample};
use crate::subject::Subject;
use factory_proto::plugin_v1::PluginKind;
use futures_util::stream::{self, StreamExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long an answer may take, unless asked otherwise.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How many cases run at once.
const AT_ONCE: usize = 6;
/// How long a case may take, in terms of what an answer may take.
const CASE_PATIENCE: u32 = 20;

/// What is to be checked, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The plugin's executable.
    pub executable: PathBuf,
    /// Which kind it must be; any if absent.
    pub kind: Option<PluginKind>,
    /// Parts of the ids or titles of the cases to be run; all if empty.
    pub filters: Vec<String>,
    /// What its author says of its operations.
    pub sample: Option<Sample>,
    /// How long an answer may take.
    pub patience: Duration,
}

impl Options {
    /// Checks an executable with all cases, and with the sample beside it if there is one.
    ///
    /// # Errors
    /// If that sample can't be read.
    pub fn new(executable: &Path) -> Result<Self, sample::Error> {
        Ok(Self {
            executable: executable.to_owned(),
            kind: None,
            filters: Vec::new(),
            sample: Sample::beside(executable)?,
            patience: PATIENCE,
        })
    }
}

/// Checks a plugin. What is wrong with it is in the report, also if it can't be started at all.
pub async fn check(options: Options) -> Report {
    let begun = Instant::now();
    let path = std::path::absolute(&options.executable).unwrap_or(options.executable);
    let subject = Subject::new(path.clone(), options.sample, options.kind, options.patience);
    let subject = Arc::new(subject);
    let wanted = |case: &Case| {
        let named = |part: &String| {
            case.id.starts_with(part.as_str()) || case.title.contains(part.as_str())
        };
        options.filters.is_empty() || options.filters.iter().any(named)
    };
    let chosen: Vec<Case> = cases::all().filter(|case| wanted(case)).copied().collect();
    let running = chosen.into_iter().map(|case| run(case, subject.clone()));
    let found = stream::iter(running).buffered(AT_ONCE).collect().await;
    Report { executable: path, found, took: begun.elapsed() }
}

async fn run(case: Case, subject: Arc<Subject>) -> Found {
    let begun = Instant::now();
    let bench = Bench::new(subject);
    let verdict = judged(&case, &bench).await;
    let outcome = match verdict {
        Ok(()) => Outcome::Passed,
        Err(Stop::Broken(seen)) => Outcome::Failed(seen),
        Err(Stop::NotApplicable(why)) => Outcome::NotApplicable(why),
        Err(Stop::Kit(why)) => Outcome::Unjudged(why),
    };
    Found { case, outcome, took: begun.elapsed(), trace: bench.trace().lines() }
}

async fn judged(case: &Case, bench: &Bench) -> Verdict {
    if !case.needs.is_empty() {
        let described = bench.described().await.map_err(|stop| match stop {
            Stop::Broken(why) => Stop::Broken(format!("it can't be asked what it is: {why}")),
            other => other,
        })?;
        let missing = case.needs.iter().find_map(|need| need.missing(bench.subject(), described));
        if let Some(why) = missing {
            return Err(Stop::NotApplicable(why));
        }
    }
    let patience = bench.patience() * CASE_PATIENCE;
    match timeout(patience, (case.run)(bench)).await {
        Ok(verdict) => verdict,
        Err(_) => Err(Stop::broken(format!("it was not over within {} s", patience.as_secs()))),
    }
}
