//! The process's own log, on standard error.

use crate::config::LogFilter;
use crate::redact::Hiding;
use std::io::IsTerminal;

/// Logs to standard error, without the secrets that this process works with. To be called once.
pub fn log_to_stderr(filter: &LogFilter) {
    tracing_subscriber::fmt()
        .with_env_filter(filter.filter())
        .with_writer(|| Hiding(std::io::stderr()))
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
