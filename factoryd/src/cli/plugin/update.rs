//! `factory plugin update`: the newest versions, from where plugins came from.

use super::install;
use super::place::{distribution, until_signal};
use crate::cli::arguments::{PlaceArguments, UpdateArguments};
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::words::printable;
use crate::distribution::{Outcome, Updating};
use serde_json::{Value, json};

/// Updates plugins, and says what became of each.
pub(super) fn update(place: PlaceArguments, arguments: UpdateArguments) -> Result<Exit, Error> {
    let distribution = distribution(&place)?;
    let dry_run = arguments.how.dry_run;
    let updating = Updating { names: arguments.names, unsigned: arguments.allow_unsigned, dry_run };
    let work = async |stop: &_| Ok(distribution.update(&updating, stop).await?);
    let outcomes = until_signal(work)?;
    match arguments.how.json {
        true => print(&format!("{:#}\n", outcomes.iter().map(object).collect::<Value>()))?,
        false => print(&outcomes.iter().map(|it| text(it, dry_run)).collect::<String>())?,
    }
    Ok(Exit::Done)
}

fn text(outcome: &Outcome, dry_run: bool) -> String {
    match outcome {
        Outcome::Newest { name, version } => format!("{name} {version} is the newest there is\n"),
        Outcome::NoRegistry { name, source } => {
            format!(
                "{name} was installed from {}: install what is newer there\n",
                printable(source)
            )
        }
        Outcome::Updated(installed) => install::text(installed, dry_run),
    }
}

fn object(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Newest { name, version } => {
            json!({ "name": name, "version": version, "outcome": "newest" })
        }
        Outcome::NoRegistry { name, source } => {
            json!({ "name": name, "source": source, "outcome": "no-registry" })
        }
        Outcome::Updated(installed) => {
            let mut object = install::json(installed);
            object["outcome"] = json!("updated");
            object
        }
    }
}
