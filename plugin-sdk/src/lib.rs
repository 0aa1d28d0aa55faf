//! Write a plugin of the image factory: implement [`OsPlugin`] or [`CloudPlugin`], and call [`serve`] or [`serve_cloud`].
//!
//! This is a complete plugin. It installs nothing, but reports as a real one does:
//!
//! ```
//! use factory_plugin_sdk::{
//!     ArtifactFile, BaseRequest, Description, Failure, Fault, Level, Operation, OsPlugin, Progress, async_trait,
//! };
//!
//! struct Hello;
//!
//! // A plugin's own `hello.info`, which it would read with `include_str!`.
//! const INFO: &str = r#"{"type": "os", "targets": [["Hello", null, null]], "description": "Says hello"}"#;
//!
//! #[async_trait]
//! impl OsPlugin for Hello {
//!     fn describe(&self) -> Description {
//!         Description::from_info("hello", INFO).version(env!("CARGO_PKG_VERSION")).formats(&[], &["raw"])
//!     }
//!
//!     async fn create_base_image(&self, request: BaseRequest, operation: &Operation) -> Result<(), Failure> {
//!         operation.log(Level::Info, "hello", format!("installing {}", request.template.name)).await?;
//!         operation.progress(Progress::phase("install").activity("writing the disk").percent(10.0)).await?;
//!         operation.property("x-image-properties-glance_id", "0c2f").await?;
//!
//!         let body = operation.work_dir().join("disk.raw");
//!         tokio::fs::write(&body, "hello").await.map_err(|error| {
//!             Failure::new(Fault::Host, "DISK_WRITE", format!("{} can't be written: {error}", body.display()))
//!         })?;
//!         operation.artifact(ArtifactFile::new("disk", "disk.raw", "raw")).await
//!     }
//! }
//!
//! # #[cfg(any())]
//! fn main() -> std::process::ExitCode {
//!     factory_plugin_sdk::serve(Hello)
//! }
//!
//! // Its test, through the real protocol:
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use factory_plugin_sdk::harness::{Harness, Request, template};
//!
//! let harness = Harness::os(Hello).await;
//! let ended = harness.run(Request::base_image(template("Hello", "1", "x86_64"))).await;
//! assert_eq!(ended.expect_completed().percentages(), [10.0]);
//! assert_eq!(ended.properties()["x-image-properties-glance_id"], "0c2f");
//! assert_eq!(ended.artifact("disk").size, 5);
//! # }
//! ```
//!
//! What the SDK does for it: the launch (handshake, mutual TLS, health), `describe` and `--help` on the command line, an
//! operation per request that survives a lost connection, events in batches, cancellation, programs that never outlive their
//! operation ([`tool::Tool`]), the deletion of what an operation created elsewhere ([`Operation::create`]), logs, and the end.
//!
//! A method may block or panic: its operation then is slow or fails, and nothing else is. A plugin must not print to
//! standard output, and should log with `tracing` what concerns the plugin, and with [`Operation::log`] what concerns a
//! build.

mod artifact;
mod command_line;
mod delegate;
mod description;
mod executor;
mod failure;
pub mod harness;
mod journal;
mod launch;
mod ledger;
mod operation;
mod operations;
mod pace;
mod parameters;
mod record;
mod request;
mod resource;
pub mod server;
mod stream;
mod supervisor;
pub mod tool;

pub use async_trait::async_trait;
pub use delegate::{
    Account, BaseRequest, CloudPlugin, DeleteRequest, LeftOver, OsPlugin, PushRequest, Settled,
    SnapshotRequest, TargetImageRequest, TargetRequest, ValidateRequest,
};
pub use description::Description;
pub use factory_proto::description::describe_json;
pub use factory_proto::plugin_v1 as proto;
pub use factory_proto::plugin_v1::{
    CloudContent, CloudIdentifiers, Diagnostic, Fault, InputImage, OperatingSystem, Secret,
    Template, log_line::Level,
};
pub use failure::{Failure, failure_in};
pub use ledger::{Existing, Intent, NotCreated, token};
pub use operation::{ArtifactFile, Operation, Progress};
pub use parameters::Parameters;
pub use resource::ResourceGuard;
pub use stream::EventStream;

use server::Server;
use std::process::ExitCode;
use tonic::service::Routes;

/// Serves an OS plugin: the whole of its `main`.
pub fn serve(plugin: impl OsPlugin) -> ExitCode {
    command_line::main(|| Server::os(plugin), Server::routes)
}

/// Serves a cloud plugin: the whole of its `main`.
pub fn serve_cloud(plugin: impl CloudPlugin) -> ExitCode {
    command_line::main(|| Server::cloud(plugin), Server::routes)
}

/// As [`serve`] and [`serve_cloud`], with services of the caller's own making. For programs that must misbehave.
pub fn serve_as(
    server: impl FnOnce() -> Server,
    routes: impl FnOnce(&Server) -> Routes,
) -> ExitCode {
    command_line::main(server, routes)
}
