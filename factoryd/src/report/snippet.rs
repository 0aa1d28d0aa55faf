//! A place in a text as a compiler shows it.

use super::Place;
use std::fmt;

/// So much of a long line is shown, in characters.
const WIDTH: usize = 120;
/// So much of it before the place.
const BEFORE: usize = 60;

/// Shows a place: `--> FILE:LINE:COLUMN`, and the line itself with carets below what is meant.
pub struct Snippet<'a> {
    /// What the text is called.
    pub file: &'a str,
    /// The line's text.
    pub text: &'a str,
    /// Where in the text.
    pub place: Place,
    /// What is to be said below it: `= WORD: NOTE`.
    pub notes: &'a [(&'a str, &'a str)],
}

impl fmt::Display for Snippet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        let gutter = " ".repeat(line.to_string().len());
        let (text, caret) = self.excerpt();
        writeln!(f, "{gutter}--> {}:{line}:{column}", self.file)?;
        writeln!(f, "{gutter} |\n{line} | {text}\n{gutter} | {caret}")?;
        self.notes.iter().try_for_each(|(word, note)| writeln!(f, "{gutter} = {word}: {note}"))
    }
}

impl Snippet<'_> {
    /// Answers the part of the line around the place, and a line with carets below it.
    fn excerpt(&self) -> (String, String) {
        let characters: Vec<char> = self.text.chars().map(printable).collect();
        let column = (self.place.column as usize - 1).min(characters.len());
        let from = if characters.len() > WIDTH { column.saturating_sub(BEFORE) } else { 0 };
        let to = characters.len().min(from + WIDTH);
        let (cut_before, cut_after) = (from > 0, to < characters.len());
        let mark = |cut: bool| if cut { "…" } else { "" };
        let shown: String = characters[from..to].iter().collect();
        let room = (to - column).max(1);
        let carets = "^".repeat((self.place.length as usize).clamp(1, room));
        let indent = " ".repeat(column - from + usize::from(cut_before));
        (format!("{}{shown}{}", mark(cut_before), mark(cut_after)), format!("{indent}{carets}"))
    }
}

/// A tab becomes one space, so that the caret stays in its column; what could upset a terminal is not let through.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Lines;

    fn show(text: &str, span: std::ops::Range<usize>) -> String {
        let lines = Lines::of(text);
        let place = lines.place(span);
        let notes = &[("hint", "try again")];
        Snippet { file: "f", text: lines.text(place.line), place, notes }.to_string()
    }

    #[test]
    fn the_caret_is_below_what_is_meant() {
        let expected = " --> f:2:3\n  |\n2 | b c d\n  |   ^\n  = hint: try again\n";
        assert_eq!(show("a\nb\tc d", 4..5), expected);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let shown = show(&format!("{}!{}", "a".repeat(500), "b".repeat(500)), 500..501);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[2].chars().count(), "1 | ".len() + 122, "{shown}");
        assert_eq!(lines[2].chars().position(|c| c == '!'), lines[3].find('^'), "{shown}");
    }
}
