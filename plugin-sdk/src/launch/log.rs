//! The plugin's own log: `tracing` events as hclog JSON on standard error, and panics in the form that hosts look for.

use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The least important level that is written, as an index into [`LEVELS`]. Changed once, by the bootstrap document.
static LEAST: AtomicU8 = AtomicU8::new(2);
const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];
/// What speaks only when something looks wrong: our transport's own details help nobody.
const QUIET: [&str; 6] = ["h2", "hyper", "hyper_util", "rustls", "tonic", "tower"];

/// Sends all `tracing` events and panics to standard error.
pub(super) fn install() {
    let subscriber = tracing_subscriber::registry().with(Hclog);
    // A plugin that set its own before is left alone.
    let _ = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(|panic| write_line(&panic_line(panic))));
}

/// Sets the least important level that is written; an unknown name changes nothing.
pub(super) fn set_level(name: &str) {
    if let Some(index) = LEVELS.iter().position(|(level, _)| *level == name) {
        LEAST.store(index as u8, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }
}

struct Hclog;

impl<S: Subscriber> Layer<S> for Hclog {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        let (_, least) = LEVELS[usize::from(LEAST.load(Ordering::Relaxed)).min(LEVELS.len() - 1)];
        let module = metadata.target().split("::").next().unwrap_or_default();
        let least = if QUIET.contains(&module) { least.min(Level::WARN) } else { least };
        *metadata.level() <= least
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        write_line(&line(event, SystemTime::now()));
    }
}

fn line(event: &Event<'_>, time: SystemTime) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let level = event.metadata().level().as_str().to_ascii_lowercase();
    let mut object = Map::new();
    object.insert("@level".into(), level.into());
    object.insert("@message".into(), fields.message.into());
    object.insert("@module".into(), event.metadata().target().into());
    object.insert("@timestamp".into(), timestamp(time).into());
    object.extend(fields.others);
    Value::Object(object).to_string()
}

/// Writes a time as hclog does: always six digits after the second.
fn timestamp(time: SystemTime) -> String {
    let time = prost_types::Timestamp::from(time);
    let second = prost_types::Timestamp { nanos: 0, ..time }.to_string();
    format!("{}.{:06}Z", second.trim_end_matches('Z'), time.nanos / 1000)
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => drop(self.others.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}

/// Writes a panic in one line that starts as Go's do, by which hosts know it.
fn panic_line(panic: &PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or("with a value that is no text").replace('\n', " ");
    let place = panic.location().map(|place| format!(" ({place})")).unwrap_or_default();
    format!("panic: {text}{place}")
}

/// Writes one line. If nobody reads standard error any more, nobody misses it.
fn write_line(line: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    struct Captured(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Captured {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1500);
            self.0.lock().unwrap().push(line(event, time));
        }
    }

    #[test]
    fn an_event_is_one_line_of_json_whose_special_keys_are_texts() {
        let lines = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Captured(Arc::clone(&lines)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(size = 7, name = "x", "line\nend {}", 1);
        });
        let line: Value = serde_json::from_str(&lines.lock().unwrap()[0]).unwrap();
        assert_eq!(line["@level"], "warn");
        assert_eq!(line["@message"], "line\nend 1");
        assert_eq!(line["@timestamp"], "1970-01-01T00:00:01.500000Z");
        assert_eq!((&line["size"], &line["name"]), (&7.into(), &"x".into()));
    }
}
