//! Reads lines of output that nobody promised anything about.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// A longer line comes in pieces of this many bytes.
pub(super) const LINE_LEN_MAX: usize = 64 * 1024;

/// A line, or a piece of one that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says, without its end.
    pub(super) text: String,
    /// Whether it goes on in the next.
    pub(super) goes_on: bool,
}

/// Reads lines from a pipe: any bytes, any length, with or without an end.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    splitter: Splitter,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(16 * 1024, reader), splitter: Splitter::default() }
    }

    /// Answers the next line without its end, or `None` at the end of the pipe. Loses nothing when dropped midway.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            let chunk = match self.reader.fill_buf().await {
                Ok(chunk) => chunk,
                Err(error) => {
                    tracing::debug!(%error, "a plugin's pipe can't be read");
                    &[]
                }
            };
            if chunk.is_empty() {
                return self.splitter.rest();
            }
            let (used, line) = self.splitter.feed(chunk);
            self.reader.consume(used);
            if line.is_some() {
                return line;
            }
        }
    }
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    partial: Vec<u8>,
}

impl Splitter {
    /// Takes bytes up to the first line's end. Answers how many it took and the line, if one is whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Option<Line>) {
        let room = LINE_LEN_MAX - self.partial.len();
        let window = &bytes[..bytes.len().min(room)];
        match window.iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                self.partial.extend_from_slice(&window[..end]);
                (end + 1, Some(self.take(false)))
            }
            None => {
                self.partial.extend_from_slice(window);
                let full = self.partial.len() == LINE_LEN_MAX;
                (window.len(), full.then(|| self.take(true)))
            }
        }
    }

    /// Takes all bytes, and hands on every line that is whole.
    pub(super) fn feed_all(&mut self, mut bytes: &[u8], mut take: impl FnMut(Line)) {
        while !bytes.is_empty() {
            let (used, line) = self.feed(bytes);
            bytes = &bytes[used..];
            line.into_iter().for_each(&mut take);
        }
    }

    /// Answers what is left at the end.
    pub(super) fn rest(&mut self) -> Option<Line> {
        (!self.partial.is_empty()).then(|| self.take(false))
    }

    fn take(&mut self, goes_on: bool) -> Line {
        let bytes = std::mem::take(&mut self.partial);
        let text = String::from_utf8_lossy(&bytes);
        Line { text: text.trim_end_matches('\r').to_owned(), goes_on }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line.text);
        }
        all
    }

    #[tokio::test]
    async fn lines_come_without_their_ends_and_the_last_may_lack_one() {
        assert_eq!(all(b"one\r\n\ntwo").await, ["one", "", "two"]);
        assert!(all(b"").await.is_empty());
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces_and_nothing_is_lost() {
        let pieces = all(&vec![b'x'; 3 * LINE_LEN_MAX + 5]).await;
        assert_eq!(pieces.iter().map(String::len).collect::<Vec<_>>(), [65536, 65536, 65536, 5]);
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_shown_as_far_as_they_are() {
        assert_eq!(all(b"caf\xe9\n").await, ["caf\u{fffd}"]);
    }
}
