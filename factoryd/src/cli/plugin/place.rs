//! Where plugins are installed: on this machine, in the store that settings name.

use crate::cli::USUAL_LOG;
use crate::cli::arguments::PlaceArguments;
use crate::cli::display::say;
use crate::cli::error::Error;
use crate::config::Config;
use crate::daemon::{self, Signals};
use crate::distribution::Distribution;
use tokio_util::sync::CancellationToken;

/// Reads the settings, and begins to log as they say.
///
/// # Errors
/// If they make no sense, or a daemon is named: what it has is its machine's.
pub(super) fn config(place: &PlaceArguments) -> Result<Config, Error> {
    if let Some(address) = &place.daemon.server {
        return Err(Error::Usage(format!(
            "plugins are installed on the machine that has the store: run this there, without --server {address}"
        )));
    }
    let resolved = place.settings.resolve(USUAL_LOG)?;
    resolved.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    daemon::log_to_stderr(&resolved.log);
    daemon::forbid_core_dumps();
    Ok(resolved.config)
}

/// Makes what installs plugins there.
///
/// # Errors
/// If settings make no sense, or a daemon is named.
pub(super) fn distribution(place: &PlaceArguments) -> Result<Distribution, Error> {
    let Config { packages, plugins, .. } = config(place)?;
    Ok(Distribution::new(packages, plugins)?)
}

/// Does something that a signal ends; it is told, and sees itself that nothing is left half done.
///
/// # Errors
/// If signals can't be heard, and what the work answers.
pub(super) fn until_signal<T>(
    work: impl AsyncFnOnce(&CancellationToken) -> Result<T, Error>,
) -> Result<T, Error> {
    let stop = CancellationToken::new();
    let run = async {
        let mut signals = Signals::listen().map_err(Error::Start)?;
        let mut working = std::pin::pin!(work(&stop));
        tokio::select! {
            done = &mut working => return done,
            _ = signals.next() => stop.cancel(),
        }
        working.await
    };
    daemon::block_on(run).map_err(|source| Error::System { what: "can't start threads", source })?
}
