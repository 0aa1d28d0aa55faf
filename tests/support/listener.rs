//! Listens to what a program or a guest prints: waits for text, keeps the transcript (without carriage returns).

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How much of the transcript a failure shows, in bytes.
const TAIL_LEN: usize = 6_000;
/// How long after a program its output may end.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// Somebody who listens.
pub(crate) struct Listener {
    heard: Arc<Heard>,
    position: usize,
}

/// Text that did not come: why, and what came instead.
#[derive(Debug)]
pub(crate) struct Silence(String);

#[derive(Default)]
struct Heard {
    transcript: Mutex<Transcript>,
    changed: Condvar,
}

#[derive(Default)]
struct Transcript {
    bytes: Vec<u8>,
    ended: bool,
}

impl Listener {
    /// Listens to `output`, until it ends, on a thread of its own.
    pub(crate) fn new(output: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Heard::default());
        let listener = Arc::clone(&heard);
        thread::spawn(move || listener.listen(output));
        Self { heard, position: 0 }
    }

    /// Waits for text after all that was waited for before, and returns what came up to its end.
    ///
    /// # Errors
    /// If it does not come in time, or the output ends without it.
    pub(crate) fn wait_for(&mut self, text: &str, deadline: Duration) -> Result<String, Silence> {
        let end = Instant::now() + deadline;
        let mut transcript = self.heard.transcript.lock().unwrap();
        loop {
            let unread = &transcript.bytes[self.position..];
            if let Some(at) = find(unread, text.as_bytes()) {
                let read = &unread[..at + text.len()];
                self.position += read.len();
                return Ok(String::from_utf8_lossy(read).into_owned());
            }
            let left = end.saturating_duration_since(Instant::now());
            if transcript.ended || left.is_zero() {
                return Err(Silence::new(text, deadline, &transcript));
            }
            transcript = self.heard.changed.wait_timeout(transcript, left).unwrap().0;
        }
    }

    /// Waits until the output ends, and returns all of it.
    ///
    /// # Panics
    /// If it does not end, which means that a process was left behind that can still write to it.
    #[track_caller]
    pub(crate) fn all(&self) -> String {
        let transcript = self.heard.transcript.lock().unwrap();
        let ended =
            self.heard.changed.wait_timeout_while(transcript, END_DEADLINE, |text| !text.ended);
        let (transcript, timeout) = ended.unwrap();
        assert!(!timeout.timed_out(), "the program ended, but its output is still open");
        String::from_utf8_lossy(&transcript.bytes).into_owned()
    }

    /// Returns what came so far.
    pub(crate) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.heard.transcript.lock().unwrap().bytes).into_owned()
    }
}

impl Heard {
    fn listen(&self, mut output: impl Read) {
        let mut buffer = [0; 4096];
        loop {
            let len = output.read(&mut buffer).unwrap_or(0);
            let mut transcript = self.transcript.lock().unwrap();
            transcript.bytes.extend(buffer[..len].iter().filter(|byte| **byte != b'\r'));
            transcript.ended = len == 0;
            self.changed.notify_all();
            if transcript.ended {
                return;
            }
        }
    }
}

impl Silence {
    fn new(text: &str, deadline: Duration, transcript: &Transcript) -> Self {
        let why = if transcript.ended { "the output ended" } else { "nothing more came" };
        let tail = &transcript.bytes[transcript.bytes.len().saturating_sub(TAIL_LEN)..];
        let tail = String::from_utf8_lossy(tail);
        Self(format!("waited up to {deadline:?} for {text:?}, but {why}; transcript:\n{tail}"))
    }
}

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
