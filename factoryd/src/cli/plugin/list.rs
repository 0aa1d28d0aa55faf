//! `factory plugin list`: what is installed, and whether it is whole.

use super::place::distribution;
use crate::cli::arguments::{ListPackagesArguments, PlaceArguments};
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::table::table;
use crate::cli::words::printable;
use crate::distribution::Listed;
use serde_json::{Value, json};

/// Lists installed plugins.
pub(super) fn list(
    place: PlaceArguments,
    arguments: &ListPackagesArguments,
) -> Result<Exit, Error> {
    let all = distribution(&place)?.list()?;
    match arguments.json {
        true => print(&format!("{:#}\n", all.iter().map(object).collect::<Value>()))?,
        false => {
            let rows: Vec<_> = all.iter().map(row).collect();
            print(&table(["NAME", "VERSION", "SIGNED BY", "STATE", "SOURCE"], &rows))?;
        }
    }
    Ok(if all.iter().all(|one| one.fault.is_empty()) { Exit::Done } else { Exit::Failed })
}

fn row(listed: &Listed) -> [String; 5] {
    let origin = listed.origin.clone().unwrap_or_default();
    let known = |text: String| if text.is_empty() { "-".to_owned() } else { printable(&text) };
    let state = if listed.fault.is_empty() { "whole".to_owned() } else { printable(&listed.fault) };
    [listed.name.clone(), listed.version.clone(), known(origin.signer), state, known(origin.source)]
}

fn object(listed: &Listed) -> Value {
    let origin = listed.origin.clone().unwrap_or_default();
    json!({
        "name": listed.name,
        "version": listed.version,
        "platform": origin.platform,
        "source": origin.source,
        "digest": origin.digest,
        "sums_sha256": origin.sums,
        "signer": origin.signer,
        "directory": listed.directory,
        "fault": listed.fault,
    })
}
