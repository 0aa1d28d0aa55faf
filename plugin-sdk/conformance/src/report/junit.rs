//! A report for a build service, as JUnit's XML.

use super::{Found, Outcome, Report};
use crate::cases;
use quick_xml::escape::escape;
use std::fmt::Write;

impl Report {
    /// Writes it as JUnit's XML.
    pub fn junit(&self) -> String {
        let (counts, seconds) = (self.counts(), self.took.as_secs_f64());
        let path = self.executable.display().to_string();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>");
        let _ = writeln!(
            xml,
            "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">",
            escape(path.as_str()),
            self.found.len(),
            counts.failed,
            counts.unjudged,
            counts.not_applicable,
        );
        for found in &self.found {
            self.write_junit(found, &mut xml);
        }
        xml + "</testsuite></testsuites>\n"
    }

    fn write_junit(&self, found: &Found, xml: &mut String) {
        let case = &found.case;
        let name = format!("{} {}", case.id, case.title);
        let (area, name) = (escape(cases::area_of(case.id)), escape(name.as_str()));
        let seconds = found.took.as_secs_f64();
        let _ =
            write!(xml, "<testcase classname=\"{area}\" name=\"{name}\" time=\"{seconds:.3}\">");
        let _ = match &found.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(seen) => {
                let rule = format!("{} ({})", case.rule.sentence, case.rule.place());
                let more = format!("{rule}\n{}", self.reproduce(case));
                let (seen, more) = (escape(seen.as_str()), escape(more.as_str()));
                write!(xml, "<failure message=\"{seen}\">{more}</failure>")
            }
            Outcome::NotApplicable(why) => {
                write!(xml, "<skipped message=\"{}\"/>", escape(why.as_str()))
            }
            Outcome::Unjudged(why) => write!(xml, "<error message=\"{}\"/>", escape(why.as_str())),
        };
        xml.push_str("</testcase>\n");
    }
}
