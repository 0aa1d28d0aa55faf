//! Progress bars: one line for each image, as long as the build runs.

use super::display::Display;
use super::error::Error;
use super::json;
use super::lines::Lines;
use super::words::{amount, label, one_line, printable};
use factory_proto::factory_v1::{self as v1, event::Kind};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::time::Duration;

/// A bar counts thousandths, so that a long build is seen to move.
const BAR_LEN: u64 = 1000;
/// How often the clock of a bar moves.
const TICK: Duration = Duration::from_millis(250);
const TEMPLATE: &str = "{prefix:16.bold} [{bar:20}] {percent:>3} % {elapsed:>4} {wide_msg}";

/// A bar for each image on standard error.
pub(super) struct Bars {
    all: MultiProgress,
    bars: HashMap<String, ProgressBar>,
    lines: Lines,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::new(), bars: HashMap::new(), lines: Lines::to_stderr() }
    }

    /// Writes a line above the bars.
    fn above(&mut self, event: &v1::Event) {
        if let Some(line) = self.lines.line(event) {
            let _ = self.all.println(line);
        }
    }
}

impl Display for Bars {
    fn begin(&mut self, image: &v1::Image) -> Result<(), Error> {
        self.lines.know(image);
        let style = ProgressStyle::with_template(TEMPLATE)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = self.all.add(ProgressBar::new(BAR_LEN).with_style(style));
        bar.set_prefix(one_line(&label(image), 15));
        bar.set_message("waiting");
        bar.enable_steady_tick(TICK);
        self.bars.insert(image.id.clone(), bar);
        Ok(())
    }

    fn event(&mut self, event: &v1::Event) -> Result<(), Error> {
        let Some(bar) = self.bars.get(&event.image_id) else { return Ok(()) };
        match &event.kind {
            Some(Kind::Progress(progress)) => advance(bar, progress),
            Some(Kind::Status(changed)) => enter(bar, changed),
            Some(Kind::Log(_) | Kind::Warning(_)) => self.above(event),
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, text: &str) {
        let _ = self.all.println(text);
    }

    fn end(&mut self) {
        self.bars.values().filter(|bar| !bar.is_finished()).for_each(ProgressBar::abandon);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentage between 0 and 100"
)]
fn advance(bar: &ProgressBar, progress: &v1::Progress) {
    bar.set_position((progress.percent.clamp(0.0, 100.0) * 10.0) as u64);
    let doing = if progress.activity.is_empty() { &progress.phase } else { &progress.activity };
    let words = [amount(progress), printable(&one_line(doing, 200))];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    bar.set_message(words.join("  "));
}

fn enter(bar: &ProgressBar, changed: &v1::StatusChanged) {
    match changed.to() {
        v1::ImageStatus::Complete => {
            bar.set_position(BAR_LEN);
            bar.finish_with_message("COMPLETE");
        }
        v1::ImageStatus::Failed => {
            let why = changed.error.as_ref().map(|error| one_line(&error.message, 200));
            bar.abandon_with_message(format!("FAILED: {}", printable(&why.unwrap_or_default())));
        }
        status => bar.set_message(json::status(status).to_lowercase()),
    }
}
