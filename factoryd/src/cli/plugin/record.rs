//! `factory plugin record` and `factory plugin replay`: calls written down, and played again. Both serve in the place of a plugin.

use super::solo::with_plugin;
use crate::cli::arguments::{PlaceArguments, RecordArguments, ReplayArguments};
use crate::cli::display::{print, say};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::daemon::{self, Signals};
use crate::workbench::{Player, Recorder, Served};

/// Passes calls on to a plugin and records them, until ^C.
pub(super) fn record(place: PlaceArguments, arguments: &RecordArguments) -> Result<Exit, Error> {
    with_plugin(place, &arguments.plugin, async |solo| {
        let recorder = Recorder::new(solo.channel(), &arguments.output)?;
        let served = announce(solo.name())?;
        recorder.run(served, interrupted()?).await?;
        say(&format!("recorded in {}", arguments.output.display()));
        Ok(Exit::Done)
    })
}

/// Answers as a record has it, until ^C.
pub(super) fn replay(place: &PlaceArguments, arguments: &ReplayArguments) -> Result<Exit, Error> {
    daemon::log_to_stderr(&place.settings.log("warn")?);
    let player = Player::read(&arguments.record)?;
    let run = async {
        let served = announce(player.name())?;
        player.run(served, interrupted()?).await?;
        Ok(Exit::Done)
    };
    daemon::block_on(run).map_err(|source| Error::System { what: "can't start threads", source })?
}

/// Listens, and prints what a factory is told to use this.
fn announce(name: &str) -> Result<Served, Error> {
    let served = Served::bind(name)?;
    let config = serde_json::to_string(&served.reattach()).unwrap_or_default();
    print(&format!("{config}\n"))?;
    Ok(served)
}

/// Waits for ^C, or another signal that asks for the end.
fn interrupted() -> Result<impl Future<Output = ()>, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    Ok(async move {
        signals.next().await;
    })
}
