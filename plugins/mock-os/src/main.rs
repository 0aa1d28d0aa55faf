//! An OS plugin that installs nothing: Image Factory's MockOS, with every misbehaviour that the factory must survive.

use factory_plugin_mock_os::{MockOs, hostile, start};
use factory_plugin_sdk::{serve_as, server::Server};
use std::process::ExitCode;

fn main() -> ExitCode {
    start::run(|| serve_as(|| Server::os(MockOs), hostile::routes))
}
