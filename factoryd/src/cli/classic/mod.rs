//! Image Factory's command `imagefactory`: its verbs, options and output.
//!
//! It is meant when the program is started under that name, when the verb is one that only Image Factory has, and when
//! `images`, `delete` or `plugins` come with what only Image Factory's form of them has ([`is_meant`]).
//!
//! Where it departs from the original:
//! * `--output json` prints one JSON document, when all is over; the original prints the image as it was submitted, and
//!   debugging output beside it.
//! * With `--output json` too, the exit code is 1 if the image failed.
//! * `images` and `plugins` print with `--output log` too: a table.
//! * `delete` needs no credentials for what is in no account, fails with 1 if it fails, and so for an unknown id.
//! * A request that can't work (an unknown target, a template that is not valid) leaves no image; the reason is on standard
//!   error, and the exit code is 1. A command line that makes no sense exits with 2, as with the original.
//! * Progress is on standard error. ^C cancels the build and cleans up.
//! * `import_base_image` takes the architecture from the disk, knows more systems, and takes `--os`, `--os-version`, `--arch`.
//! * Options that mean nothing any more are accepted with a warning.

mod arguments;
mod build;
mod meant;
mod parameters;
mod query;
mod view;

pub use arguments::Arguments;
pub(super) use meant::is_meant;

use self::arguments::{ImportBaseImageArguments, Options, Verb};
use super::arguments::PlaceArguments;
use super::error::Error;
use super::exit::Exit;
use super::{display, import, with_session_and_log};
use std::process::ExitCode;

/// What is logged if `--debug` is given.
const DEBUG_LOG: &str = "factoryd=debug,plugin=debug,warn";

/// Does what was typed, says what there is to say, and answers the exit code.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    if let Some(warning) = arguments.options.warning() {
        display::say(&warning);
    }
    match dispatch(arguments) {
        Ok(exit) => code(exit),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            display::say(error.message().trim_end());
            code(error.exit())
        }
    }
}

/// Image Factory knows 0 and 1.
fn code(exit: Exit) -> ExitCode {
    match exit {
        Exit::Done | Exit::Cancelled => exit.into(),
        _ => ExitCode::FAILURE,
    }
}

fn dispatch(Arguments { place, options, verb }: Arguments) -> Result<Exit, Error> {
    let log = if options.debug { DEBUG_LOG } else { super::USUAL_LOG };
    let build = |place, plan: build::Plan| {
        with_session_and_log(place, log, async |session| build::run(session, plan, &options).await)
    };
    match verb {
        Verb::BaseImage(verb) => build(place, build::base(&verb)?),
        Verb::TargetImage(verb) => build(place, build::target(verb)?),
        Verb::ProviderImage(verb) => build(place, build::provider(verb)?),
        Verb::ImportBaseImage(verb) => import_base_image(place, log, verb, &options),
        Verb::Images(verb) => with_session_and_log(place, log, async |session| {
            query::images(session, &verb, &options).await
        }),
        Verb::Delete(verb) => with_session_and_log(place, log, async |session| {
            query::delete(session, &verb, &options).await
        }),
        Verb::Plugins(verb) => with_session_and_log(place, log, async |session| {
            query::plugins(session, &verb, &options).await
        }),
    }
}

fn import_base_image(
    place: PlaceArguments,
    log: &str,
    verb: ImportBaseImageArguments,
    options: &Options,
) -> Result<Exit, Error> {
    if !verb.parameters.is_empty() {
        display::say("warning: parameters mean nothing to import_base_image");
    }
    import::here(&place)?;
    with_session_and_log(place, log, async |session| {
        let id = import::disk(session, verb.disk).await?;
        build::print_image(&mut session.client(), &id, "import_base_image", options).await
    })
}
