//! `factory plugin`: for who writes plugins. One file a verb.

mod describe;
mod executable;

use super::arguments::PluginVerb;
use super::error::Error;
use super::exit::Exit;

/// Does what was typed after `factory plugin`.
pub(super) fn run(verb: PluginVerb) -> Result<Exit, Error> {
    match verb {
        PluginVerb::Describe(arguments) => describe::describe(&arguments),
    }
}
