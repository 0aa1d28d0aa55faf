//! A report for a person.

use super::{Found, Outcome, Report};
use crate::cases;
use std::fmt::Write;

impl Report {
    /// Writes it for a person: cases by area, and at the end the counts. `is_verbose` adds what happened in each case.
    pub fn text(&self, is_verbose: bool) -> String {
        let mut text = format!("{}\n", self.executable.display());
        let mut area = "";
        for found in &self.found {
            let here = cases::area_of(found.case.id);
            if here != area {
                text += &format!("\n{here}\n");
                area = here;
            }
            self.write(found, is_verbose, &mut text);
        }
        let seconds = self.took.as_secs_f32();
        let _ = writeln!(text, "\n{}: {} cases in {seconds:.1} s", self.counts(), self.found.len());
        text
    }

    fn write(&self, found: &Found, is_verbose: bool, text: &mut String) {
        let case = &found.case;
        let (mark, more) = match &found.outcome {
            Outcome::Passed => ("ok  ", String::new()),
            Outcome::Failed(_) => ("FAIL", String::new()),
            Outcome::NotApplicable(why) => ("-   ", format!("  (not applicable: {why})")),
            Outcome::Unjudged(why) => ("????", format!("  (could not be judged: {why})")),
        };
        let _ = writeln!(text, "  {mark} {}  {}{more}", case.id, case.title);
        if let Outcome::Failed(seen) = &found.outcome {
            let _ = writeln!(text, "       says:  {}  ({})", case.rule.sentence, case.rule.place());
            let _ = writeln!(text, "       seen:  {seen}");
            let _ = writeln!(text, "       again: {}", self.reproduce(case));
        }
        for line in found.trace.iter().filter(|_| is_verbose) {
            let _ = writeln!(text, "         {line}");
        }
    }
}
