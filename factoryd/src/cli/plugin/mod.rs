//! `factory plugin`: for who writes plugins, and who installs them. One file a verb.

mod call;
mod check;
mod describe;
mod executable;
mod install;
mod list;
mod new;
mod pack;
mod place;
mod record;
mod remove;
mod solo;
mod update;

use super::arguments::{PlaceArguments, PluginVerb};
use super::error::Error;
use super::exit::Exit;
use std::path::Path;

/// Does what was typed after `factory plugin`.
pub(super) fn run(place: PlaceArguments, verb: PluginVerb) -> Result<Exit, Error> {
    match verb {
        PluginVerb::New(arguments) => new::new(&arguments),
        PluginVerb::Check(arguments) => check::check(&arguments),
        PluginVerb::Install(arguments) => install::install(place, arguments),
        PluginVerb::List(arguments) => list::list(place, &arguments),
        PluginVerb::Update(arguments) => update::update(place, arguments),
        PluginVerb::Remove(arguments) => remove::remove(place, &arguments),
        PluginVerb::Pack(arguments) => pack::pack(place, arguments),
        PluginVerb::Describe(arguments) => describe::describe(place, &arguments),
        PluginVerb::Call(arguments) => call::call(place, &arguments),
        PluginVerb::Record(arguments) => record::record(place, &arguments),
        PluginVerb::Replay(arguments) => record::replay(&place, &arguments),
    }
}

/// Answers the path of an executable, unless a word names an installed plugin.
fn as_path(word: &str) -> Option<&Path> {
    word.contains('/').then(|| Path::new(word))
}
