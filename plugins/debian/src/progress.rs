//! How far a build is, read from what the tools print: mmdebstrap's and our own steps, apt's downloads, dpkg's packages.

use factory_plugin_sdk::Progress;

/// A step: how its line begins (after `I: `), what it is called, and the share of the whole, in percent.
struct Step {
    line: &'static str,
    phase: &'static str,
    from: f64,
    to: f64,
}

const fn step(line: &'static str, phase: &'static str, from: f64, to: f64) -> Step {
    Step { line, phase, from, to }
}

/// The shares are those of time in a build of a small server.
const BASE: &[Step] = &[
    step("asking the mirror", "fetch package lists", 0.0, 1.0),
    step("running apt-get update in the image", "fetch package lists", 58.0, 59.0),
    step("running apt-get update", "fetch package lists", 1.0, 5.0),
    step("downloading packages", "fetch packages", 5.0, 8.0),
    step("extracting archives", "extract packages", 8.0, 14.0),
    step("installing essential packages", "install packages", 14.0, 30.0),
    step("installing remaining packages", "install packages", 30.0, 58.0),
    step("running precommand", "run precommands", 58.0, 58.0),
    step("installing template packages", "install packages", 59.0, 64.0),
    step("generating the initial RAM file system", "generate initramfs", 64.0, 86.0),
    step("writing file", "customize", 86.0, 87.0),
    step("running command", "customize", 87.0, 88.0),
    step("writing the root file system and the disk", "write image", 88.0, 98.0),
];

const TARGET: &[Step] = &[
    step("unpacking the base image", "unpack base image", 0.0, 25.0),
    step("running apt-get update in the image", "fetch package lists", 25.0, 27.0),
    step("installing template packages", "install packages", 27.0, 33.0),
    step("writing file", "customize", 33.0, 35.0),
    step("running command", "customize", 35.0, 50.0),
    step("writing the root file system and the disk", "write image", 50.0, 98.0),
];

/// Reads lines and answers how far the build is.
pub(crate) struct Meter {
    steps: &'static [Step],
    current: Option<&'static Step>,
    packages: u64,
    unpacked: u64,
    configured: u64,
    bytes: u64,
    fetched: u64,
}

impl Meter {
    /// Starts for a base image.
    pub(crate) fn base() -> Self {
        Self::new(BASE)
    }

    /// Starts for a target image.
    pub(crate) fn target() -> Self {
        Self::new(TARGET)
    }

    fn new(steps: &'static [Step]) -> Self {
        let (packages, unpacked, configured, bytes, fetched) = (0, 0, 0, 0, 0);
        Self { steps, current: None, packages, unpacked, configured, bytes, fetched }
    }

    /// Reads a line; answers something if it tells of progress.
    pub(crate) fn line(&mut self, line: &str) -> Option<Progress> {
        if let Some(text) = line.strip_prefix("I: ") {
            return self.step(text);
        }
        if let Some((_, rest)) = line.split_once(" upgraded, ") {
            self.packages = leading_number(rest)?;
            (self.unpacked, self.configured) = (0, 0);
        } else if let Some(rest) = line.strip_prefix("Need to get ") {
            // What is there already is told after a slash.
            self.bytes = size(rest.split(" of ").next()?.split('/').next()?)?;
            self.fetched = 0;
        } else if line.starts_with("Get:") {
            self.fetched += size(line.rsplit_once('[')?.1.strip_suffix(']')?)?;
            let total = self.bytes.max(self.fetched);
            return self.report(
                line,
                self.fetched,
                total,
                "bytes",
                share(self.fetched, self.bytes),
            );
        } else if line.starts_with("Unpacking ") {
            self.unpacked += 1;
            return self.package(line);
        } else if line.starts_with("Setting up ") {
            self.configured += 1;
            return self.package(line);
        }
        None
    }

    fn step(&mut self, text: &str) -> Option<Progress> {
        for verb in ["wrote ", "read "] {
            if let Some(rest) = text.strip_prefix(verb) {
                let (done, total) = rest.strip_suffix(" bytes")?.split_once(" of ")?;
                let (done, total) = (done.parse().ok()?, total.parse().ok()?);
                return self.report(text, done, total, "bytes", share(done, total));
            }
        }
        let step = self.steps.iter().find(|step| text.starts_with(step.line))?;
        self.current = Some(step);
        (self.unpacked, self.configured) = (0, 0);
        Some(Progress::phase(step.phase).activity(text).percent(step.from))
    }

    /// Unpacking and configuring count half each.
    fn package(&self, line: &str) -> Option<Progress> {
        let activity = line.split(" (").next().unwrap_or(line);
        let share = share(self.unpacked + self.configured, 2 * self.packages);
        let total = self.packages.max(self.configured);
        self.report(activity, self.configured, total, "packages", share)
    }

    fn report(
        &self,
        activity: &str,
        done: u64,
        total: u64,
        unit: &str,
        share: f64,
    ) -> Option<Progress> {
        let step = self.current?;
        let percent = step.from + (step.to - step.from) * share;
        Some(
            Progress::phase(step.phase)
                .activity(activity)
                .percent(percent)
                .amount(done, total, unit),
        )
    }
}

fn share(done: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) }
}

fn leading_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Reads a size as apt prints it: `151 kB`, `29.7 MB`, `9900 B`.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return None,
    };
    let number: f64 = number.replace(',', "").parse().ok()?;
    Some((number * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen of a report, from its debug form: the SDK keeps its fields to itself.
    fn seen(progress: Option<Progress>) -> String {
        format!("{progress:?}")
    }

    #[test]
    fn downloads_count_bytes() {
        let mut meter = Meter::base();
        meter.line("I: downloading packages with apt...");
        meter.line("Need to get 2 MB of archives.");
        let line = "Get:1 http://example.org/debian bookworm/main amd64 bash amd64 5.2 [1,000 kB]";
        let report = seen(meter.line(line));
        assert!(report.contains("current: 1000000, total: 2000000, unit: \"bytes\""), "{report}");
        assert!(report.contains("percent: Some(6.5)"), "{report}");
    }

    #[test]
    fn packages_count_when_unpacked_and_when_configured() {
        let mut meter = Meter::base();
        meter.line("0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.");
        meter.line("I: installing essential packages...");
        let report = seen(meter.line("Unpacking bash (5.2.15-2+b13) ..."));
        assert!(report.contains("activity: \"Unpacking bash\""), "{report}");
        assert!(report.contains("percent: Some(18.0)"), "{report}");
        meter.line("Unpacking dash (0.5) ...");
        meter.line("Setting up dash (0.5) ...");
        let report = seen(meter.line("Setting up bash (5.2.15-2+b13) ..."));
        assert!(report.contains("current: 2, total: 2, unit: \"packages\""), "{report}");
        assert!(report.contains("percent: Some(30.0)"), "{report}");
    }

    #[test]
    fn lines_without_progress_are_passed_over() {
        let mut meter = Meter::base();
        for line in ["", "Get:", "Reading package lists...", "I: success", "Get:1 [x]"] {
            assert!(meter.line(line).is_none(), "{line}");
        }
    }

    #[test]
    fn steps_follow_each_other_up_to_the_end() {
        let mut last = 0.0;
        for step in TARGET {
            assert!(last <= step.from && step.from <= step.to, "{}", step.line);
            last = step.to;
        }
        for step in BASE {
            assert!(step.from <= step.to, "{}", step.line);
            let first = BASE.iter().find(|first| step.line.starts_with(first.line));
            assert_eq!(first.map(|first| first.line), Some(step.line));
        }
    }
}
