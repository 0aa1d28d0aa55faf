//! An operation that has ended, and the rules that its events kept.

use factory_proto::plugin_v1::{
    Artifact, CloudIdentifiers, Event, Failure, OpenIntent, PackageList, completed, event::Kind,
};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tonic::Status;

/// How an operation ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is done; with what the method returns, if it returns something.
    Completed(Option<completed::Result>),
    /// It failed.
    Failed(Box<Failure>),
    /// It was cancelled; with what it could not clean up.
    Cancelled(Vec<String>),
    /// It never started, or the plugin does not have it.
    Refused(Status),
}

/// An operation that has ended. Its work directory is removed with it.
#[derive(Debug)]
pub struct Ended {
    /// All events, in order.
    pub events: Vec<Event>,
    /// How it ended.
    pub outcome: Outcome,
    pub(super) work_dir: TempDir,
}

impl Ended {
    /// Returns itself if the operation was completed.
    ///
    /// # Panics
    /// If it was not; with the reason.
    pub fn expect_completed(&self) -> &Self {
        match &self.outcome {
            Outcome::Completed(_) => self,
            other => panic!("the operation was not completed: {other:#?}\n{}", self.log()),
        }
    }

    /// Returns the failure.
    ///
    /// # Panics
    /// If the operation did not fail.
    pub fn expect_failed(&self) -> &Failure {
        match &self.outcome {
            Outcome::Failed(failure) => failure,
            other => panic!("the operation did not fail: {other:?}"),
        }
    }

    /// Returns what the method returned, for methods that return something.
    pub fn result(&self) -> Option<&completed::Result> {
        match &self.outcome {
            Outcome::Completed(result) => result.as_ref(),
            Outcome::Failed(_) | Outcome::Cancelled(_) | Outcome::Refused(_) => None,
        }
    }

    /// Returns the operation's work directory.
    pub fn work_dir(&self) -> &Path {
        self.work_dir.path()
    }

    /// Returns what was announced, in order.
    pub fn artifacts(&self) -> Vec<&Artifact> {
        self.kinds()
            .filter_map(|k| if let Kind::Artifact(a) = k { Some(a) } else { None })
            .collect()
    }

    /// Returns the artifact of a role.
    ///
    /// # Panics
    /// If there is none.
    pub fn artifact(&self, role: &str) -> &Artifact {
        let artifacts = self.artifacts();
        let found = artifacts.iter().find(|artifact| artifact.role == role);
        found.unwrap_or_else(|| panic!("no artifact {role} in {artifacts:#?}"))
    }

    /// Returns where the artifact of a role is.
    ///
    /// # Panics
    /// If there is none.
    pub fn artifact_path(&self, role: &str) -> PathBuf {
        self.work_dir().join(&self.artifact(role).path)
    }

    /// Returns the properties as they are at the end.
    ///
    /// # Panics
    /// If a value is not JSON.
    pub fn properties(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        for kind in self.kinds() {
            let Kind::Property(property) = kind else { continue };
            let value = serde_json::from_str(&property.value_json);
            let value: Value = value.expect("a property's value is JSON");
            if value.is_null() {
                properties.remove(&property.key);
            } else {
                properties.insert(property.key.clone(), value);
            }
        }
        properties
    }

    /// Returns the packages, if they were announced.
    pub fn packages(&self) -> Option<&PackageList> {
        self.kinds()
            .find_map(|kind| if let Kind::Packages(list) = kind { Some(list) } else { None })
    }

    /// Returns what the provider calls the image, if that was announced.
    pub fn identifiers(&self) -> Option<&CloudIdentifiers> {
        self.kinds()
            .find_map(|k| if let Kind::CloudIdentifiers(ids) = k { Some(ids) } else { None })
    }

    /// Returns what was said of resources outside this machine, in order: `intent NAME`, `created NAME ID`, `deleted NAME`
    /// and `remains NAME REASON`.
    pub fn resources(&self) -> Vec<String> {
        let line = |kind: &Kind| match kind {
            Kind::ResourceIntent(it) => Some(format!("intent {}", it.intent_id)),
            Kind::ResourceCreated(it) => {
                Some(format!("created {} {}", it.intent_id, it.resource_id))
            }
            Kind::ResourceDeleted(it) => Some(format!("deleted {}", it.intent_id)),
            Kind::ResourceRemains(it) => {
                let reason = it.why.as_ref().map_or("", |why| &why.reason);
                Some(format!("remains {} {reason}", it.intent_id))
            }
            _ => None,
        };
        self.kinds().filter_map(line).collect()
    }

    /// Returns what was announced and not deleted, newest first, as it would be given to `Reconcile`. Of an operation that is
    /// completed, what is lasting is left out.
    pub fn open_intents(&self, operation_id: &str) -> Vec<OpenIntent> {
        let mut open: Vec<OpenIntent> = Vec::new();
        let is = |open: &OpenIntent, id: &str| {
            open.intent.as_ref().is_some_and(|intent| intent.intent_id == id)
        };
        for kind in self.kinds() {
            match kind {
                Kind::ResourceIntent(it) => open.insert(
                    0,
                    OpenIntent {
                        operation_id: operation_id.to_owned(),
                        intent: Some(it.clone()),
                        ..Default::default()
                    },
                ),
                Kind::ResourceCreated(it) => {
                    open.iter_mut().filter(|open| is(open, &it.intent_id)).for_each(|open| {
                        open.resource_id.clone_from(&it.resource_id);
                    });
                }
                Kind::ResourceDeleted(it) => open.retain(|open| !is(open, &it.intent_id)),
                _ => {}
            }
        }
        let completed = matches!(self.outcome, Outcome::Completed(_));
        let lasting = |open: &OpenIntent| open.intent.as_ref().is_some_and(|it| it.lasting);
        open.retain(|open| !(completed && lasting(open)));
        open
    }

    /// Returns every percentage that was reported, in order.
    pub fn percentages(&self) -> Vec<f64> {
        let percent = |kind: &Kind| if let Kind::Progress(p) = kind { p.percent } else { None };
        self.kinds().filter_map(percent).collect()
    }

    /// Returns every phase that was reported, each once, in order.
    pub fn phases(&self) -> Vec<&str> {
        let mut phases: Vec<&str> = Vec::new();
        for kind in self.kinds() {
            let Kind::Progress(progress) = kind else { continue };
            if phases.last() != Some(&progress.phase.as_str()) {
                phases.push(&progress.phase);
            }
        }
        phases
    }

    /// Returns the log, a line each with its source.
    pub fn log(&self) -> String {
        let line = |kind: &Kind| match kind {
            Kind::Log(line) => Some(format!("{}: {}\n", line.source, line.message)),
            _ => None,
        };
        self.kinds().filter_map(line).collect()
    }

    /// Returns the warnings' messages.
    pub fn warnings(&self) -> Vec<&str> {
        self.kinds()
            .filter_map(|k| if let Kind::Warning(w) = k { Some(w.message.as_str()) } else { None })
            .collect()
    }

    fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.events.iter().filter_map(|event| event.kind.as_ref())
    }
}

/// The rules of the event stream, checked event by event.
#[derive(Debug)]
pub(super) struct Rules {
    last_seq: u64,
    percent: f64,
    outcome: Option<Outcome>,
}

impl Rules {
    pub(super) fn new(after_seq: u64) -> Self {
        Self { last_seq: after_seq, percent: 0.0, outcome: None }
    }

    pub(super) fn check(&mut self, event: &Event) {
        assert_eq!(event.seq, self.last_seq + 1, "`seq` must rise by 1: {event:?}");
        assert!(self.outcome.is_none(), "nothing may follow the terminal event: {event:?}");
        assert!(event.time.is_some(), "every event has a time: {event:?}");
        self.last_seq = event.seq;
        match event.kind.as_ref() {
            Some(Kind::Progress(progress)) => self.check_percent(progress.percent),
            Some(Kind::Completed(completed)) => {
                self.outcome = Some(Outcome::Completed(completed.result.clone()));
            }
            Some(Kind::Failed(failure)) => {
                self.outcome = Some(Outcome::Failed(Box::new(failure.clone())));
            }
            Some(Kind::Cancelled(cancelled)) => {
                self.outcome = Some(Outcome::Cancelled(cancelled.left_behind.clone()));
            }
            Some(_) => {}
            None => panic!("event {} is of no known kind", event.seq),
        }
    }

    fn check_percent(&mut self, percent: Option<f64>) {
        let percent = percent.unwrap_or(self.percent);
        assert!(self.percent <= percent && percent <= 100.0, "percent fell or left its range");
        self.percent = percent;
    }

    pub(super) fn outcome(self) -> Outcome {
        self.outcome.expect("a stream ends with exactly one terminal event")
    }
}
