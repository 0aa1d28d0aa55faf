//! Compiles `proto/**/*.proto` with a compiler written in Rust, so that building needs no `protoc`.

use prost::Message;
use std::path::Path;

const PROTOS: &[&str] = &[
    "factory/plugin/v1/plugin.proto",
    "factory/plugin/v1/os.proto",
    "factory/plugin/v1/cloud.proto",
    "factory/plugin/v1/operations.proto",
    "factory/v1/access.proto",
    "factory/v1/factory.proto",
    "factory/v1/maintenance.proto",
    "goplugin/plugin.proto",
];

/// Messages whose `Debug` is written by hand, because they hold secrets.
const REDACTED: &[&str] = &[
    "factory.plugin.v1.Secret",
    "factory.v1.CreateProviderImageRequest",
    "factory.v1.CreateTokenResponse",
    "factory.v1.DeleteRequest",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().skip_debug(REDACTED).compile_fds(descriptors)?;
    Ok(())
}
