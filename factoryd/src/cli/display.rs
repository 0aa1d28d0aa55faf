//! How a person or a program sees a build while it runs.

use super::arguments::FollowArguments;
use super::bars::Bars;
use super::error::Error;
use super::json;
use super::lines::Lines;
use factory_proto::factory_v1 as v1;
use serde_json::json;
use std::io::{self, IsTerminal, Write};

/// Shows a build while it runs.
pub(super) trait Display {
    /// An image is part of the build.
    fn begin(&mut self, image: &v1::Image) -> Result<(), Error>;
    /// Something happened to it.
    fn event(&mut self, event: &v1::Event) -> Result<(), Error>;
    /// Something to say that is no event.
    fn note(&mut self, text: &str);
    /// All is over: whatever moves stands still from now on.
    fn end(&mut self) {}
}

/// Chooses: JSON if asked for, nothing if asked for, bars on a terminal, else lines.
pub(super) fn choose(arguments: &FollowArguments) -> Box<dyn Display> {
    if arguments.json {
        Box::new(JsonLines)
    } else if arguments.quiet {
        Box::new(Quiet)
    } else if io::stderr().is_terminal() {
        Box::new(Bars::new())
    } else {
        Box::new(Lines::to_stderr())
    }
}

/// One object a line on standard output.
pub(super) struct JsonLines;

/// Nothing but notes.
struct Quiet;

impl Display for JsonLines {
    fn begin(&mut self, image: &v1::Image) -> Result<(), Error> {
        print(&format!("{}\n", json!({"image": json::image(image)})))
    }

    fn event(&mut self, event: &v1::Event) -> Result<(), Error> {
        print(&format!("{}\n", json::event(event)))
    }

    fn note(&mut self, text: &str) {
        say(text);
    }
}

impl Display for Quiet {
    fn begin(&mut self, _image: &v1::Image) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, _event: &v1::Event) -> Result<(), Error> {
        Ok(())
    }

    fn note(&mut self, text: &str) {
        say(text);
    }
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| Error::System { what: "can't write to standard output", source })
}

/// Writes a line to standard error. If nobody can read it, nobody is told.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
