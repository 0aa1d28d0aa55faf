//! A program's output as lines for people: without escape sequences, and with progress meters told apart from lines.

use std::collections::VecDeque;
use std::fmt;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How long a line gets before it is handed over as it is, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// How many lines the error of a failed program shows.
const TAIL_LINES: usize = 20;

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// A line.
    Line(String),
    /// A line that the program overwrote with the next one.
    Overwritten(String),
}

impl Segment {
    /// Returns the text.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Line(text) | Self::Overwritten(text) => text,
        }
    }
}

/// Reads a stream as lines. Losing the future of [`next`](Self::next) loses no output.
#[derive(Debug)]
pub(super) struct Lines<R> {
    stream: R,
    splitter: Splitter,
    chunk: Vec<u8>,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, splitter: Splitter::default(), chunk: Vec::new(), ended: false }
    }

    /// Returns the next line that is not empty; `None` at the end. A stream that breaks off has ended.
    pub(super) async fn next(&mut self) -> Option<Segment> {
        loop {
            if let Some(segment) = self.splitter.ready.pop_front() {
                return Some(segment);
            }
            if self.ended {
                return None;
            }
            self.chunk.clear();
            self.chunk.reserve(8 * 1024);
            match self.stream.read_buf(&mut self.chunk).await {
                Ok(0) | Err(_) => {
                    self.ended = true;
                    self.splitter.end();
                }
                Ok(_) => self.splitter.feed(&self.chunk),
            }
        }
    }
}

#[derive(Debug, Default)]
struct Splitter {
    line: Vec<u8>,
    after_return: bool,
    /// What was handed over as overwritten, though it may turn out to be a line.
    shown: Option<String>,
    ready: VecDeque<Segment>,
}

impl Splitter {
    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' => match self.shown.take().filter(|_| self.line.is_empty()) {
                    Some(text) => self.ready.push_back(Segment::Line(text)),
                    None => self.finish(Segment::Line),
                },
                b'\r' => self.after_return = true,
                _ => {
                    self.shown = None;
                    // Only what follows tells a line end of two bytes from an overwritten line.
                    if self.after_return {
                        self.finish(Segment::Overwritten);
                    }
                    self.line.push(byte);
                    if LINE_BYTES_MAX <= self.line.len() {
                        self.finish(Segment::Line);
                    }
                }
            }
        }
        // A meter's newest state is shown now, not when it is overwritten.
        if self.after_return {
            self.finish(Segment::Overwritten);
            self.shown = self.ready.back().map(|segment| segment.text().to_owned());
        }
    }

    fn end(&mut self) {
        self.finish(Segment::Line);
    }

    fn finish(&mut self, segment: fn(String) -> Segment) {
        self.after_return = false;
        let text = plain(&String::from_utf8_lossy(&self.line));
        self.line.clear();
        if !text.is_empty() {
            self.ready.push_back(segment(text));
        }
    }
}

/// Returns a text without terminal escape sequences, other control characters and space at its end.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        match char {
            '\x1b' => skip_escape(&mut rest),
            '\t' => plain.push(char),
            _ if char.is_control() => {}
            _ => plain.push(char),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Skips what follows the escape character (ECMA-48): a control sequence, a string (such as a title) or one character.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => drop(rest.find(|char| ('@'..='~').contains(char))),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(char) = rest.next() {
                if char == '\x07' || (char == '\x1b' && rest.next() == Some('\\')) {
                    return;
                }
            }
        }
        Some(char) if (' '..='/').contains(&char) => drop(rest.next()),
        Some(_) | None => {}
    }
}

/// The last lines of a program's output.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    pub(super) fn push(&mut self, line: &str) {
        if self.0.len() == TAIL_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "\n" })?;
            f.write_str(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn segments(output: &[u8]) -> Vec<Segment> {
        let mut lines = Lines::new(output);
        let mut segments = Vec::new();
        while let Some(segment) = lines.next().await {
            segments.push(segment);
        }
        segments
    }

    fn line(text: &str) -> Segment {
        Segment::Line(text.to_owned())
    }

    fn overwritten(text: &str) -> Segment {
        Segment::Overwritten(text.to_owned())
    }

    #[tokio::test]
    async fn lines_end_with_a_line_feed_or_the_stream() {
        assert_eq!(
            segments(b"one\r\n\n two \nthree").await,
            [line("one"), line(" two"), line("three")]
        );
        assert_eq!(segments(b"").await, []);
    }

    #[tokio::test]
    async fn a_progress_meter_is_told_apart_from_lines() {
        let meter = segments(b"(1/100%)\r(50/100%)\r(100/100%)\ndone\n").await;
        let states = [overwritten("(1/100%)"), overwritten("(50/100%)")];
        assert_eq!(meter, [&states[..], &[line("(100/100%)"), line("done")]].concat());
    }

    #[test]
    fn a_line_end_that_arrives_in_two_pieces_ends_a_line() {
        let mut splitter = Splitter::default();
        splitter.feed(b"one\r");
        splitter.feed(b"\ntwo\n");
        assert_eq!(splitter.ready, [overwritten("one"), line("one"), line("two")]);
    }

    #[tokio::test]
    async fn escape_sequences_and_control_characters_are_dropped() {
        let output = b"\x1b[1;31merror\x1b[0m:\tno\x07 \x1b]0;title\x07disk\x1b(B\x00\n";
        assert_eq!(segments(output).await, [line("error:\tno disk")]);
    }

    #[tokio::test]
    async fn what_is_not_utf8_and_what_never_ends_is_handed_over_all_the_same() {
        assert_eq!(segments(b"caf\xe9\n").await, [line("caf\u{fffd}")]);
        let endless = segments(&vec![b'x'; 2 * LINE_BYTES_MAX + 1]).await;
        assert_eq!(endless.iter().map(|s| s.text().len()).collect::<Vec<_>>(), [65536, 65536, 1]);
    }

    #[test]
    fn the_tail_keeps_the_last_lines() {
        let mut tail = Tail::default();
        (0..30).for_each(|n| tail.push(&n.to_string()));
        let text = tail.to_string();
        assert_eq!(text.lines().count(), TAIL_LINES);
        assert!(text.starts_with("10\n") && text.ends_with("29"));
    }
}
