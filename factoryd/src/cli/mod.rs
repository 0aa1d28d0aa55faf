//! The command line `factory`: a client of `factory.v1`, of a daemon's or of one in its own process.
//!
//! What a person reads while something runs goes to standard error; results, and everything a program reads, to standard
//! output. `factory --help` lists the exit codes.

mod arguments;
mod bars;
mod build;
mod classic;
mod connect;
mod display;
mod end;
mod error;
mod events;
mod exit;
mod follow;
mod fsck;
mod ids;
mod import;
mod input;
mod json;
mod lines;
mod pages;
mod parameters;
mod plugin;
mod plugins;
mod prune;
mod query;
mod resources;
mod result;
mod retry;
mod session;
mod table;
mod template;
mod token;
mod words;

pub use arguments::Arguments;
pub use classic::Arguments as ClassicArguments;

use self::arguments::{PlaceArguments, Verb};
use self::build::Plan;
use self::error::Error;
use self::exit::Exit;
use self::session::{Session, Way};
use crate::daemon;
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::process::ExitCode;

/// What is logged unless asked otherwise. What a plugin says of a failure is part of the failure's message.
const USUAL_LOG: &str = "warn,plugin=off,factoryd::plugin=error";

/// Reads a command line, the program's name first, in our form or Image Factory's, and does what it says.
pub fn main(words: &[OsString]) -> ExitCode {
    if !classic::is_meant(words) {
        return run(Arguments::parse_from(words));
    }
    if words.len() == 1 {
        // Image Factory's way: no question is no error.
        let _ = ClassicArguments::command().print_help();
        return ExitCode::SUCCESS;
    }
    classic::run(ClassicArguments::parse_from(words))
}

/// Does what was typed, says what there is to say, and answers the exit code.
pub fn run(arguments: Arguments) -> ExitCode {
    match dispatch(arguments) {
        Ok(exit) => exit.into(),
        // Who reads has what it wants: `factory images | head -1`.
        Err(error) if error.is_broken_pipe() => Exit::Done.into(),
        Err(error) => {
            display::say(error.message().trim_end());
            error.exit().into()
        }
    }
}

/// Templates are read without a factory; everything else needs one.
fn dispatch(Arguments { place, verb }: Arguments) -> Result<Exit, Error> {
    match verb {
        Verb::Manual(verb) => manual(&verb),
        Verb::Template(verb) => template::run(verb, &place.settings.templates()?),
        Verb::Build(arguments) => {
            let plan = Plan::read(arguments)?;
            with_session(place, async |session| build::build(session, plan).await)
        }
        Verb::Push(arguments) => {
            with_session(place, async |session| build::push(session, arguments).await)
        }
        Verb::Images(arguments) => {
            with_session(place, async |session| query::images(session, &arguments).await)
        }
        Verb::Show(arguments) => {
            with_session(place, async |session| query::show(session, &arguments).await)
        }
        Verb::Log(arguments) => {
            with_session(place, async |session| events::log(session, &arguments).await)
        }
        Verb::Watch(arguments) => {
            with_session(place, async |session| events::watch(session, &arguments).await)
        }
        Verb::Cancel(arguments) => {
            with_session(place, async |session| end::cancel(session, &arguments).await)
        }
        Verb::Retry(arguments) => {
            with_session(place, async |session| retry::retry(session, arguments).await)
        }
        Verb::Delete(arguments) => {
            with_session(place, async |session| end::delete(session, &arguments).await)
        }
        Verb::Resources(arguments) => {
            with_session(place, async |session| resources::resources(session, &arguments).await)
        }
        Verb::Reap(arguments) => {
            with_session(place, async |session| resources::reap(session, &arguments).await)
        }
        Verb::Token(verb) => with_session(place, async |session| token::run(session, &verb).await),
        Verb::Fsck(arguments) => {
            with_session(place, async |session| fsck::fsck(session, &arguments).await)
        }
        Verb::Prune(arguments) => {
            with_session(place, async |session| prune::prune(session, &arguments).await)
        }
        Verb::Plugins(arguments) => {
            with_session(place, async |session| plugins::plugins(session, &arguments).await)
        }
        Verb::Plugin(verb) => plugin::run(place, verb),
        Verb::Import(arguments) => {
            import::here(&place)?;
            with_session(place, async |session| import::import(session, arguments).await)
        }
        Verb::ImportStore(arguments) => {
            import::here(&place)?;
            with_session(place, async |session| import::import_store(session, arguments).await)
        }
    }
}

/// Tells shells and readers of manuals what there is.
fn manual(verb: &crate::manual::Verb) -> Result<Exit, Error> {
    let what = "can't write";
    let text = verb.run(Arguments::command()).map_err(|source| Error::System { what, source })?;
    display::print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

/// Opens a session, does something with it and closes it.
fn with_session(
    place: PlaceArguments,
    work: impl AsyncFnOnce(&Session) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    with_session_and_log(place, USUAL_LOG, work)
}

/// The same, and logs so much unless asked otherwise. After a second signal nobody is waited for.
fn with_session_and_log(
    place: PlaceArguments,
    usual_log: &str,
    work: impl AsyncFnOnce(&Session) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    let way = Way::find(place, usual_log)?;
    let run = async {
        let session = Session::open(way).await?;
        let result = work(&session).await;
        if matches!(result, Err(Error::Killed)) {
            session.kill().await;
            return result;
        }
        let closed = session.close().await;
        result.and_then(|exit| closed.map(|()| exit))
    };
    daemon::block_on(run).map_err(|source| Error::System { what: "can't start threads", source })?
}
