//! Lines and columns of a text.

use std::ops::Range;

/// The starts of a text's lines.
pub struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

/// Where something is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// How many characters of that line it takes, at least 1.
    pub length: u32,
    /// The offset, in bytes.
    pub offset: usize,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    pub fn of(source: &'a str) -> Self {
        let after = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(after.map(|(index, _)| index + 1)).collect();
        Self { source, starts }
    }

    /// Answers a line's text (the first is 1) without its end.
    pub fn text(&self, number: u32) -> &'a str {
        let start = |number: usize| self.starts.get(number).copied().unwrap_or(self.source.len());
        let number = number as usize;
        let line = &self.source[start(number.saturating_sub(1))..start(number)];
        line.trim_end_matches(['\n', '\r'])
    }

    /// Answers where a range of bytes is; one that does not fit the text ends where the text does.
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = self.source.floor_char_boundary(span.start);
        let end = self.source.floor_char_boundary(span.end.max(start));
        let line = self.starts.partition_point(|first| *first <= start);
        let column = self.source[self.starts[line - 1]..start].chars().count() + 1;
        let length = self.source[start..end].lines().next().map_or(0, |text| text.chars().count());
        Place {
            line: small(line),
            column: small(column),
            length: small(length.max(1)),
            offset: start,
        }
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_an_offset_bytes() {
        let place = Lines::of("a\näöü!!\n").place(6..9);
        assert_eq!(place, Place { line: 2, column: 3, length: 2, offset: 6 });
    }

    #[test]
    fn what_is_outside_the_text_is_at_its_end() {
        let lines = Lines::of("ab\nc");
        assert_eq!(lines.place(9..12), Place { line: 2, column: 2, length: 1, offset: 4 });
        assert_eq!((lines.text(1), lines.text(2), lines.text(3)), ("ab", "c", ""));
    }
}
