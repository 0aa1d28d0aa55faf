//! The program: a plugin process of the image factory.

fn main() -> std::process::ExitCode {
    factory_plugin_sdk::@SERVE@(factory_plugin_@MODULE@::@TYPE@)
}
