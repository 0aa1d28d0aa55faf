//! Shows problems as a compiler does: what, where, the line itself with a caret, what would be right, what to do.

use super::problem::{Lines, Problem, Problems};
use super::secrets::mask_secrets;
use std::fmt::Write;

/// So much of a long line is shown, in characters.
const WIDTH: usize = 120;
/// So much of it before the problem.
const BEFORE: usize = 60;

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
    let Problem { code, message, line: number, column, .. } = problem;
    let gutter = " ".repeat(number.to_string().len());
    line(out, format_args!("error[{code}]: {message}"));
    line(out, format_args!("{gutter}--> {file}:{number}:{column}"));
    let (text, caret) = excerpt(lines.text(*number as usize), problem);
    line(out, format_args!("{gutter} |"));
    line(out, format_args!("{number} | {text}"));
    line(out, format_args!("{gutter} | {caret}"));
    let notes = [
        ("in", (!problem.path.is_empty()).then_some(&problem.path)),
        ("expected", problem.expected.as_ref()),
        ("hint", problem.hint.as_ref()),
    ];
    for (word, note) in notes {
        note.iter().for_each(|note| line(out, format_args!("{gutter} = {word}: {note}")));
    }
}

/// Answers the part of the line around the problem, and a line with carets below it.
fn excerpt(text: &str, problem: &Problem) -> (String, String) {
    let characters: Vec<char> = text.chars().map(printable).collect();
    let column = (problem.column as usize - 1).min(characters.len());
    let from = if characters.len() > WIDTH { column.saturating_sub(BEFORE) } else { 0 };
    let to = characters.len().min(from + WIDTH);
    let (cut_before, cut_after) = (from > 0, to < characters.len());
    let mark = |cut: bool| if cut { "…" } else { "" };
    let shown: String = characters[from..to].iter().collect();
    let room = (to - column).max(1);
    let carets = "^".repeat((problem.length as usize).clamp(1, room));
    let indent = " ".repeat(column - from + usize::from(cut_before));
    (format!("{}{shown}{}", mark(cut_before), mark(cut_after)), format!("{indent}{carets}"))
}

/// A tab becomes one space, so that the caret stays in its column; what could upset a terminal is not let through.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
