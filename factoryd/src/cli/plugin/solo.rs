//! A plugin that a verb works with: launched from its executable, or installed, or one that runs already.

use super::{as_path, executable};
use crate::cli::arguments::PlaceArguments;
use crate::cli::error::Error;
use crate::daemon;
use crate::plugin::Solo;

/// What is logged unless asked otherwise: what the plugin says too.
const USUAL_LOG: &str = "warn,plugin=info";

/// Starts a plugin, does something with it and ends it.
pub(super) fn with_plugin<T>(
    place: PlaceArguments,
    plugin: &str,
    work: impl AsyncFnOnce(&Solo) -> Result<T, Error>,
) -> Result<T, Error> {
    if place.daemon.daemon()?.is_some() {
        let message = "plugins are tried out on this machine; leave --server out".to_owned();
        return Err(Error::Usage(message));
    }
    let resolved = place.settings.resolve(USUAL_LOG)?;
    daemon::log_to_stderr(&resolved.log);
    let mut options = resolved.config.plugins;
    if options.pins.file.as_ref().is_some_and(|file| file.parent().is_none_or(|it| !it.is_dir())) {
        // Where there is no store, nothing was accepted that could have changed.
        options.pins.file = None;
    }
    let run = async {
        let solo = match as_path(plugin) {
            Some(path) => Solo::launch(path, &executable::describe(path)?).await,
            None => Solo::installed(options, plugin).await,
        };
        let solo = solo.map_err(|failure| Error::NoPlugin(Box::new(failure)))?;
        let result = work(&solo).await;
        solo.stop().await;
        result
    };
    daemon::block_on(run).map_err(|source| Error::System { what: "can't start threads", source })?
}
