//! The `kvm` cloud plugin, as a process of its own.

use factory_plugin_kvm::Kvm;
use std::process::ExitCode;

fn main() -> ExitCode {
    factory_plugin_sdk::serve_cloud(Kvm)
}
