//! A cloud plugin that pushes nothing: Image Factory's MockCloud, with every misbehaviour that the factory must survive.

use factory_plugin_mock_cloud::MockCloud;
use factory_plugin_mock_os::{hostile, start};
use factory_plugin_sdk::{serve_as, server::Server};
use std::process::ExitCode;

fn main() -> ExitCode {
    start::run(|| serve_as(|| Server::cloud(MockCloud), hostile::routes))
}
