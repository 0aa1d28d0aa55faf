//! Text that comes in pieces, of which a secret may be cut in two.

use super::{Redactor, without};

/// Hides secrets in a text that comes in pieces: what may be the beginning of one is held back until more is known.
#[derive(Default)]
pub struct Stream {
    held: String,
}

impl Stream {
    /// Takes a piece that goes on in the next, and answers what can be shown of it by now.
    pub fn piece(&mut self, redactor: &Redactor, piece: &str) -> String {
        let Some(patterns) = &redactor.0 else { return std::mem::take(&mut self.held) + piece };
        self.held.push_str(piece);
        let found = redactor.found(&self.held);
        // No form is longer than this; an escaped or encoded one has six characters for one at most.
        let reach = (patterns.longest * 6).min(self.held.len());
        let mut end = self.held.floor_char_boundary(self.held.len() - reach);
        if let Some(cut) = found.iter().find(|range| range.start < end && end < range.end) {
            end = cut.end;
        }
        let rest = self.held.split_off(end);
        let shown: Vec<_> = found.into_iter().filter(|range| range.end <= end).collect();
        let clean = without(&self.held, &shown);
        self.held = rest;
        clean
    }

    /// Takes the last piece of a text, and answers all that is left of it.
    pub fn end(&mut self, redactor: &Redactor, piece: &str) -> String {
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        redactor.clean(&mut text);
        text
    }
}
