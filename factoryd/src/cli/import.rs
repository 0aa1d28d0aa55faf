//! `import` and `import-store`: what was made elsewhere becomes ours.
//!
//! The one exception from "everything over the API": files of this machine are read with this process's rights, which
//! nobody who is elsewhere may ask for.

use super::arguments::{DiskArguments, ImportArguments, ImportStoreArguments, PlaceArguments};
use super::display::{print, say};
use super::error::Error;
use super::exit::Exit;
use super::follow::Ending;
use super::session::Session;
use super::table::table;
use super::words::{amount, one_line, printable};
use super::{json, result};
use crate::daemon::Signals;
use crate::domain::Progress;
use crate::factory::{
    Factory, ImportBaseImageRequest, ImportError, ImportStoreRequest, Imported, Meter, Outcome,
    StoreImport, Taking,
};
use factory_proto::factory_v1 as v1;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError};

const BAR: &str = "{msg} [{bar:20}] {percent:>3} % {elapsed:>4}";

/// Refuses to import into a daemon's store over the network.
pub(super) fn here(place: &PlaceArguments) -> Result<(), Error> {
    match &place.daemon.server {
        None => Ok(()),
        Some(address) => Err(Error::Usage(format!(
            "an import reads files of the machine that has the store: run it there, without --server {address} \
             (a daemon may be at work on the same store)"
        ))),
    }
}

/// Imports a disk, and says what became of it.
pub(super) async fn import(session: &Session, arguments: ImportArguments) -> Result<Exit, Error> {
    let id = disk(session, arguments.disk).await?;
    let mut client = session.client();
    if arguments.json {
        let image = client.get_image(v1::GetImageRequest { id }).await?.into_inner();
        print(&format!("{:#}\n", json::image(&image)))?;
        return Ok(Exit::Done);
    }
    result::report(&mut client, &[id], Ending::Settled, false).await
}

/// Imports a disk, and answers the image's id.
pub(super) async fn disk(session: &Session, arguments: DiskArguments) -> Result<String, Error> {
    let request = ImportBaseImageRequest {
        file: arguments.file,
        os: arguments.os,
        version: arguments.os_version,
        arch: arguments.arch,
    };
    let (meter, bar) = meter();
    let image = until_signal(factory(session)?.import_base_image(request, meter)).await;
    bar.finish_and_clear();
    Ok(image?.id.as_str().to_owned())
}

/// Imports a store, and says what became of each image.
pub(super) async fn import_store(
    session: &Session,
    arguments: ImportStoreArguments,
) -> Result<Exit, Error> {
    let taking = match (arguments.copy, arguments.move_bodies) {
        (true, _) => Taking::Copy,
        (false, true) => Taking::Move,
        (false, false) => Taking::Link,
    };
    let request = ImportStoreRequest { directory: arguments.directory, taking };
    let (meter, bar) = meter();
    let report = until_signal(factory(session)?.import_store(request, meter)).await;
    bar.finish_and_clear();
    let report = report?;
    if arguments.json {
        print(&format!("{:#}\n", document(&report)))?;
    } else {
        print(&rows(&report))?;
        remarks(&report).iter().for_each(|line| say(line));
    }
    let refused = report.images.iter().any(|one| matches!(one.outcome, Outcome::Refused(_)));
    Ok(if refused { Exit::Failed } else { Exit::Done })
}

fn factory(session: &Session) -> Result<&Factory, Error> {
    let absent = || Error::Usage("an import needs the store on this machine".to_owned());
    session.factory().ok_or_else(absent)
}

/// Works until it is done or a signal comes; what is half done then is cleaned up.
async fn until_signal<T>(work: impl Future<Output = Result<T, ImportError>>) -> Result<T, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    tokio::select! {
        done = work => Ok(done?),
        _ = signals.next() => Err(Error::Interrupted),
    }
}

/// A bar on a terminal, and else a line for each thing that begins.
fn meter() -> (Meter, ProgressBar) {
    if !stderr().is_terminal() {
        let last = Mutex::new(String::new());
        let meter = move |progress: Progress| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if *last != progress.phase {
                say(&progress.phase);
                last.clone_from(&progress.phase);
            }
        };
        return (Arc::new(meter), ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style.progress_chars("=> "));
    let shown = bar.clone();
    let meter = move |progress: Progress| {
        let Progress { phase, current, total, unit, .. } = progress;
        let done = amount(&v1::Progress { current, total, unit, ..Default::default() });
        shown.set_length(total);
        shown.set_position(current);
        shown.set_message(format!("{phase} {done}").trim_end().to_owned());
    };
    (Arc::new(meter), bar)
}

fn rows(report: &StoreImport) -> String {
    let row = |one: &Imported| {
        [
            one.id.to_string(),
            one.kind.to_string(),
            printable(&one_line(&one.name, 40)),
            one.status.to_string(),
            if one.size == 0 { String::new() } else { HumanBytes(one.size).to_string() },
            word(&one.outcome).to_owned(),
        ]
    };
    let rows: Vec<_> = report.images.iter().map(row).collect();
    let mut text = table(["ID", "KIND", "NAME", "STATUS", "SIZE", "WAS"], &rows);
    let count = |outcome| report.images.iter().filter(|one| word(&one.outcome) == outcome).count();
    let _ = writeln!(
        text,
        "\n{} imported, {} there already, {} refused; {} files skipped",
        count("imported"),
        count("there already"),
        count("refused"),
        report.skipped.len()
    );
    text
}

/// What to know besides: what was left out, refused or skipped.
fn remarks(report: &StoreImport) -> Vec<String> {
    let notes = report.images.iter().flat_map(|one| {
        let refusal = match &one.outcome {
            Outcome::Refused(why) => Some(format!("refused: {why}")),
            _ => None,
        };
        let notes = one.notes.iter().cloned().chain(refusal);
        notes.map(|note| format!("{}: {}", one.id, printable(&note)))
    });
    let skipped = report.skipped.iter().map(|file| {
        format!("skipped {}: {}", printable(&file.file.display().to_string()), printable(&file.why))
    });
    notes.chain(skipped).collect()
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Imported => "imported",
        Outcome::There => "there already",
        Outcome::Refused(_) => "refused",
    }
}

fn document(report: &StoreImport) -> Value {
    let image = |one: &Imported| {
        let why = match &one.outcome {
            Outcome::Refused(why) => json!(why),
            _ => Value::Null,
        };
        json!({
            "id": one.id.as_str(), "kind": one.kind.as_str(), "name": one.name, "status": one.status.as_str(),
            "size": one.size, "outcome": word(&one.outcome).replace(' ', "_"), "error": why, "notes": one.notes,
        })
    };
    let skipped = report
        .skipped
        .iter()
        .map(|one| json!({"file": one.file.display().to_string(), "why": one.why}));
    json!({
        "images": report.images.iter().map(image).collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}
