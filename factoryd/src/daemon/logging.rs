//! The process's own log, on standard error.

use crate::config::LogArguments;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Text that says no amount of log.
#[derive(Debug, thiserror::Error)]
#[error("--log {filter} is neither a level nor a filter")]
pub struct InvalidFilter {
    filter: String,
    #[source]
    source: ParseError,
}

/// Logs to standard error, as much as the arguments say or else `usual`. To be called once.
///
/// # Errors
/// If the filter makes no sense.
pub fn log_to_stderr(arguments: &LogArguments, usual: &str) -> Result<(), InvalidFilter> {
    let wanted = arguments.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::builder()
        .parse(wanted)
        .map_err(|source| InvalidFilter { filter: wanted.to_owned(), source })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
