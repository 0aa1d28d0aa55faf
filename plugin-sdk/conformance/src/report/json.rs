//! A report for a program.

use super::{Found, Outcome, Report};
use crate::cases;
use serde_json::{Value, json};

impl Report {
    /// Writes it as JSON.
    pub fn json(&self) -> Value {
        let counts = self.counts();
        json!({
            "executable": self.executable,
            "good": self.is_good(),
            "passed": counts.passed,
            "failed": counts.failed,
            "not_applicable": counts.not_applicable,
            "unjudged": counts.unjudged,
            "seconds": self.took.as_secs_f64(),
            "cases": self.found.iter().map(|found| self.case_json(found)).collect::<Vec<_>>(),
        })
    }

    fn case_json(&self, found: &Found) -> Value {
        let case = &found.case;
        let (outcome, why) = match &found.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Failed(seen) => ("failed", Some(seen)),
            Outcome::NotApplicable(why) => ("not_applicable", Some(why)),
            Outcome::Unjudged(why) => ("unjudged", Some(why)),
        };
        json!({
            "id": case.id,
            "area": cases::area_of(case.id),
            "title": case.title,
            "fault": case.is_fault,
            "outcome": outcome,
            "why": why,
            "sentence": case.rule.sentence,
            "place": case.rule.place(),
            "reproduce": self.reproduce(case),
            "seconds": found.took.as_secs_f64(),
        })
    }
}
