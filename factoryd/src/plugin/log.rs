//! What a plugin writes on its standard error becomes log events: hclog JSON, or plain lines by go-plugin's rules.

use super::lines::{Line as Raw, Lines};
use super::lock::lock;
use crate::redact::{Redactor, Stream, Vault};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;
use tracing::Level;

/// How many of the last lines are kept for the report of a crash.
const TAIL_LINES: usize = 200;
/// How many bytes of them.
const TAIL_BYTES: usize = 64 * 1024;

/// The last lines that a plugin wrote.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
    ended: CancellationToken,
}

impl Tail {
    /// Waits until the plugin can write no more, for some time at most.
    pub(super) async fn settled(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.ended.cancelled()).await;
    }

    fn push(&self, line: String) {
        let mut lines = lock(&self.lines);
        lines.push_back(line);
        let mut bytes: usize = lines.iter().map(String::len).sum();
        while TAIL_LINES < lines.len() || (TAIL_BYTES < bytes && 1 < lines.len()) {
            bytes -= lines.pop_front().map_or(0, |line| line.len());
        }
    }

    /// Answers the last `count` lines as one text.
    pub(super) fn last(&self, count: usize) -> String {
        let lines = lock(&self.lines);
        let skip = lines.len().saturating_sub(count);
        lines.iter().skip(skip).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Logs every line of a plugin's standard error until it ends, and keeps the last.
pub(super) async fn drain_stderr(
    plugin: String,
    pipe: impl AsyncRead + Unpin,
    tail: Tail,
    vault: Arc<Vault>,
) {
    let mut lines = Lines::new(pipe);
    let ended = tail.ended.clone();
    let mut log = Log::new(plugin, tail, vault);
    while let Some(raw) = lines.next().await {
        log.line(raw);
    }
    log.end();
    ended.cancel();
}

/// A plugin's standard error.
pub(super) struct Log {
    plugin: String,
    tail: Tail,
    panicking: bool,
    pieces: Pieces,
}

impl Log {
    pub(super) fn new(plugin: String, tail: Tail, vault: Arc<Vault>) -> Self {
        Self { plugin, tail, panicking: false, pieces: Pieces::new(vault) }
    }

    /// Logs a line and keeps it, without the secrets in it.
    pub(super) fn line(&mut self, raw: Raw) {
        let redactor = self.pieces.vault.redactor();
        let text = self.pieces.shown(raw, &redactor);
        self.keep(&text, &redactor);
    }

    /// Logs what is left of a line that has no end.
    pub(super) fn end(&mut self) {
        let redactor = self.pieces.vault.redactor();
        if let Some(text) = self.pieces.rest(&redactor) {
            self.keep(&text, &redactor);
        }
    }

    fn keep(&mut self, text: &str, redactor: &Redactor) {
        let line = parse(text, self.panicking).without_secrets(redactor);
        self.panicking |= line.starts_panic;
        emit(&self.plugin, &line);
        self.tail.push(line.message);
    }
}

/// A plugin's standard output after the handshake.
pub(super) struct Output {
    plugin: String,
    pieces: Pieces,
}

impl Output {
    pub(super) fn new(plugin: String, vault: Arc<Vault>) -> Self {
        Self { plugin, pieces: Pieces::new(vault) }
    }

    /// Logs a line, without the secrets in it.
    pub(super) fn line(&mut self, raw: Raw) {
        let (plugin, redactor) = (&self.plugin, self.pieces.vault.redactor());
        let text = self.pieces.shown(raw, &redactor);
        let text = redactor.text(&text);
        tracing::debug!(target: "plugin", plugin, stream = "stdout", "{}", printable(&text));
    }
}

/// Lines that may come in pieces, and the secrets that may be cut in two by that.
struct Pieces {
    vault: Arc<Vault>,
    stream: Stream,
    open: bool,
}

impl Pieces {
    fn new(vault: Arc<Vault>) -> Self {
        Self { vault, stream: Stream::default(), open: false }
    }

    /// Answers what can be shown of a piece. A whole line stays as it is: who reads it finds the secrets in its parts.
    fn shown(&mut self, raw: Raw, redactor: &Redactor) -> String {
        let open = std::mem::replace(&mut self.open, raw.goes_on);
        match (open, raw.goes_on) {
            (_, true) => self.stream.piece(redactor, &raw.text),
            (true, false) => self.stream.end(redactor, &raw.text),
            (false, false) => raw.text,
        }
    }

    /// Answers what is left at the end.
    fn rest(&mut self, redactor: &Redactor) -> Option<String> {
        std::mem::take(&mut self.open).then(|| self.stream.end(redactor, ""))
    }
}

/// A line of a plugin's log.
#[derive(Debug, PartialEq)]
struct Line {
    level: Level,
    message: String,
    module: String,
    fields: String,
    starts_panic: bool,
}

impl Line {
    fn without_secrets(mut self, redactor: &Redactor) -> Self {
        redactor.clean(&mut self.message);
        redactor.clean(&mut self.module);
        redactor.clean_json(&mut self.fields);
        self
    }
}

fn emit(plugin: &str, line: &Line) {
    let Line { message, module, fields, .. } = line;
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(target: "plugin", $level, plugin, module, fields, "{message}")
        };
    }
    match line.level {
        Level::ERROR => event!(Level::ERROR),
        Level::WARN => event!(Level::WARN),
        Level::INFO => event!(Level::INFO),
        Level::DEBUG => event!(Level::DEBUG),
        _ => event!(Level::TRACE),
    }
}

fn parse(raw: &str, panicking: bool) -> Line {
    match serde_json::from_str::<Map<String, Value>>(raw) {
        Ok(object) if object.contains_key("@message") => parse_hclog(object),
        _ => parse_plain(raw, panicking),
    }
}

/// Reads hclog's JSON. Any value may have any type: nothing here may be believed.
fn parse_hclog(mut object: Map<String, Value>) -> Line {
    let mut take = |key: &str| match object.shift_remove(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    let level = level(&take("@level")).unwrap_or(Level::DEBUG);
    let message = printable(&take("@message"));
    let module = printable(&take("@module"));
    take("@timestamp");
    let fields = match object.is_empty() {
        true => String::new(),
        false => printable(&Value::Object(object).to_string()),
    };
    Line { level, message, module, fields, starts_panic: false }
}

fn parse_plain(raw: &str, panicking: bool) -> Line {
    let tagged = raw.strip_prefix('[').and_then(|rest| {
        let (word, message) = rest.split_once(']')?;
        Some((level(word)?, message.trim_start()))
    });
    let starts_panic = raw.starts_with("panic: ") || raw.starts_with("fatal error: ");
    let (level, message) = match tagged {
        Some(tagged) => tagged,
        None if starts_panic || panicking => (Level::ERROR, raw),
        None => (Level::DEBUG, raw),
    };
    let message = printable(message);
    Line { level, message, module: String::new(), fields: String::new(), starts_panic }
}

fn level(word: &str) -> Option<Level> {
    match word.to_ascii_lowercase().as_str() {
        "trace" => Some(Level::TRACE),
        "debug" => Some(Level::DEBUG),
        "info" => Some(Level::INFO),
        "warn" | "warning" => Some(Level::WARN),
        "err" | "error" => Some(Level::ERROR),
        _ => None,
    }
}

/// Takes out what could play tricks on a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|&c| c == '\t' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::lines::LINE_LEN_MAX;

    #[test]
    fn hclog_lines_keep_level_module_and_other_fields() {
        let line = parse(
            r#"{"@level":"warn","@message":"slow","@module":"build","@timestamp":"2026-01-01","n":3}"#,
            false,
        );
        assert_eq!(line.level, Level::WARN);
        assert_eq!((line.message.as_str(), line.module.as_str()), ("slow", "build"));
        assert_eq!(line.fields, r#"{"n":3}"#);
    }

    #[test]
    fn no_type_is_trusted() {
        let line = parse(r#"{"@level":7,"@message":[1],"@module":{},"@timestamp":null}"#, false);
        assert_eq!((line.level, line.message.as_str()), (Level::DEBUG, "[1]"));
    }

    #[test]
    fn plain_lines_have_the_level_of_their_prefix() {
        for (raw, level, message) in [
            ("[WARN] low on space", Level::WARN, "low on space"),
            ("[ERROR]no", Level::ERROR, "no"),
            ("[vdb] found", Level::DEBUG, "[vdb] found"),
            ("{\"not\": \"hclog\"}", Level::DEBUG, "{\"not\": \"hclog\"}"),
            ("\u{1b}[31mred\u{7}", Level::DEBUG, "[31mred"),
        ] {
            let line = parse(raw, false);
            assert_eq!((line.level, line.message.as_str()), (level, message));
        }
    }

    #[test]
    fn a_panic_and_all_untagged_lines_after_it_are_errors() {
        assert!(parse("panic: oh no", false).starts_panic);
        assert!(parse("fatal error: all goroutines are asleep", false).starts_panic);
        assert_eq!(parse("goroutine 1 [running]:", true).level, Level::ERROR);
        assert_eq!(parse("[INFO] bye", true).level, Level::INFO);
    }

    #[tokio::test]
    async fn the_last_lines_are_kept_within_bounds() {
        let tail = Tail::default();
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        drain_stderr("x".to_owned(), text.as_bytes(), tail.clone(), Arc::default()).await;
        assert_eq!(tail.last(2), "line 998\nline 999");
        assert_eq!(tail.last(10_000).lines().count(), TAIL_LINES);

        let long = "y".repeat(200 * 1024);
        drain_stderr("x".to_owned(), long.as_bytes(), tail.clone(), Arc::default()).await;
        assert!(tail.last(10_000).len() <= TAIL_BYTES + 4);
    }

    #[tokio::test]
    async fn secrets_are_hidden_in_lines_in_fields_and_where_a_long_line_is_cut() {
        let vault = Arc::<Vault>::default();
        let _in_use =
            vault.hide(vec!["hunter2-\"secret".to_owned().into(), "73501234".to_owned().into()]);
        let lines = [
            "plain hunter2-\"secret".to_owned(),
            r#"{"@message":"m hunter2-\"secret\n","@module":"73501234","n":73501234}"#.to_owned(),
            format!("{}hunter2-\"secret{}", "y".repeat(LINE_LEN_MAX - 5), "z".repeat(10)),
            format!("{}hunter2-\"secret", "y".repeat(LINE_LEN_MAX - 16)),
        ];
        for line in lines {
            let tail = Tail::default();
            drain_stderr("x".to_owned(), line.as_bytes(), tail.clone(), vault.clone()).await;
            let kept = tail.last(100).replace('\n', "");
            assert!(kept.contains("***") && !kept.contains("secret"), "{kept}");
            assert!(!kept.contains("hunter2"), "a half of it: {kept}");
        }
        let line =
            parse(r#"{"@message":"m","n":73501234}"#, false).without_secrets(&vault.redactor());
        assert_eq!(line.fields, r#"{"n":"***"}"#);
    }
}
