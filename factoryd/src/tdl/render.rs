//! Shows problems as a compiler does: what, where, the line itself with a caret, what would be right, what to do.

use super::problem::{Problem, Problems};
use super::secrets::mask_secrets;
use crate::report::{Lines, Place, Snippet};
use std::fmt::Write;

/// Answers the problems of the document `xml`, which is called `file`. Secrets in the lines shown are hidden.
pub fn render(xml: &str, file: &str, problems: &Problems) -> String {
    let xml = mask_secrets(xml);
    let lines = Lines::of(&xml);
    let mut out = String::new();
    for problem in &problems.0 {
        show(problem, file, &lines, &mut out);
        out.push('\n');
    }
    let count = problems.0.len();
    let plural = if count == 1 { "" } else { "s" };
    line(&mut out, format_args!("{file}: {count} problem{plural}"));
    out
}

fn show(problem: &Problem, file: &str, lines: &Lines<'_>, out: &mut String) {
    let notes = [
        ("in", (!problem.path.is_empty()).then_some(&problem.path)),
        ("expected", problem.expected.as_ref()),
        ("hint", problem.hint.as_ref()),
    ];
    let notes: Vec<(&str, &str)> =
        notes.into_iter().filter_map(|(word, note)| Some((word, note?.as_str()))).collect();
    let Problem { code, message, line: number, column, length, offset, .. } = problem;
    let place = Place { line: *number, column: *column, length: *length, offset: *offset };
    let snippet = Snippet { file, text: lines.text(*number), place, notes: &notes };
    line(out, format_args!("error[{code}]: {message}"));
    // Writing to a string cannot fail.
    let _ = write!(out, "{snippet}");
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
