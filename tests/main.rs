//! The system from end to end: the real programs, real plugin processes, real tools, guests that boot.

#![expect(
    clippy::unwrap_used,
    reason = "what fails here fails its test, and that is what it is for"
)]

mod bad_input;
mod bodies;
mod callbacks;
mod cancel;
mod contents;
mod contract;
mod crash;
mod debian;
mod disk;
mod distribution;
mod escape;
mod escape_layers;
mod hostile;
mod imagefactory;
mod import;
mod install;
mod interrupted;
mod languages;
mod ledger;
mod mock;
mod oauth;
mod python;
mod resume;
mod rootless;
mod scaffold;
mod secrets;
mod support;
mod torture;
mod watch;
mod workbench;
