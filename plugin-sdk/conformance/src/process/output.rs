//! What a process writes.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio::task::JoinSet;

/// How much is kept, in bytes.
const KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a process has written so far; somebody reads it for ever.
#[derive(Debug, Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Reads a stream to its end, in a task among others.
    pub(crate) fn of(
        stream: Option<impl AsyncRead + Send + Unpin + 'static>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let captured = Self::default();
        if let Some(stream) = stream {
            tasks.spawn(captured.clone().read(stream));
        }
        captured
    }

    /// Returns what was written, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    async fn read(self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT_BYTES_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..count.min(room)]);
        }
    }
}

/// Standard output: read line by line on request, then drained.
#[derive(Debug)]
pub(super) struct Reading {
    lines: Option<BufReader<ChildStdout>>,
    rest: Captured,
}

impl Reading {
    pub(super) fn new(stream: Option<ChildStdout>) -> Self {
        Self { lines: stream.map(BufReader::new), rest: Captured::default() }
    }

    /// Reads a line, without its end; `None` at the end of the stream. Bytes without an end of line are no line yet.
    pub(super) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.lines.as_mut()?.read_until(b'\n', &mut line).await.ok().filter(|count| 0 < *count)?;
        Some(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned())
    }

    /// Reads all that follows, for ever.
    pub(super) fn drain(&mut self, tasks: &mut JoinSet<()>) {
        if let Some(lines) = self.lines.take() {
            tasks.spawn(self.rest.clone().read(lines));
        }
    }

    /// Returns what came after the lines that were asked for.
    pub(super) fn rest(&self) -> String {
        self.rest.text()
    }
}
