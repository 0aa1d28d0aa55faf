//! `factory plugin remove`: nobody finds it any more, and it is gone.

use super::place::distribution;
use crate::cli::arguments::{HowArguments, PlaceArguments, RemoveArguments};
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::distribution::Removed;
use serde_json::{Value, json};

/// Removes plugins.
pub(super) fn remove(place: PlaceArguments, arguments: &RemoveArguments) -> Result<Exit, Error> {
    let HowArguments { dry_run, json } = arguments.how;
    let removed = distribution(&place)?.remove(&arguments.names, dry_run)?;
    match json {
        true => print(&format!("{:#}\n", removed.iter().map(object).collect::<Value>()))?,
        false => print(&removed.iter().map(|it| line(it, dry_run)).collect::<String>())?,
    }
    Ok(Exit::Done)
}

fn line(removed: &Removed, dry_run: bool) -> String {
    let Removed { name, directory, in_use } = removed;
    match (dry_run, in_use) {
        (true, _) => format!("{name} would be removed from {}\n", directory.display()),
        (false, false) => format!("{name} is removed\n"),
        (false, true) => format!(
            "{name} is removed; a factory that runs goes on with it until it is started again, so its files stay at {} till then\n",
            directory.display()
        ),
    }
}

fn object(removed: &Removed) -> Value {
    json!({ "name": removed.name, "directory": removed.directory, "in_use": removed.in_use })
}
