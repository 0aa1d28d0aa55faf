//! What happened in a run, line by line, and a hash of that.

use std::time::Duration;

/// The lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Vec<String>,
}

impl Trace {
    pub(crate) fn note(&mut self, at: Duration, chance: u64, text: &str) {
        self.lines.push(format!("{:>9.3} {:04x} {text}", at.as_secs_f64(), chance & 0xffff));
    }

    /// Answers a hash of all lines (FNV-1a).
    pub(crate) fn hash(&self) -> u64 {
        let bytes = self.lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}
