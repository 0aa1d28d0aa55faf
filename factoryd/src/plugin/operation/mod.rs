//! Runs one operation in a plugin: reads its events, feeds the sink, cancels, and says how it ended.
//!
//! ```text
//!            ┌────────┐  outbox   ┌────────┐
//!  plugin ──►│ reader │──────────►│ feeder │──► sink, then Acknowledge
//!            └───┬────┘           └───┬────┘
//!                │ Ended              │ Fed
//!                └───────► driver ◄───┘
//!                            ▲ cancellation, a sink that refuses, a broken rule: tells the plugin to cancel,
//!                              waits as long as the operation grants, then ends the process
//! ```

mod buffer;
mod contract;
mod denial;
mod driver;
mod feeder;
mod lending;
mod outbox;
mod reader;
mod request;
mod retry;

pub(super) use request::Request;

use super::hidden;
use super::supervisor::Plugin;
use crate::delegate::{Error, Operation};
use driver::Driver;
use factory_proto::plugin_v1::completed::Result as Completed;
use std::sync::Arc;
use tracing::Instrument;
use zeroize::Zeroizing;

/// Runs one operation in a plugin, which is started if need be, and answers what the method returns. Nothing that comes
/// back shows the secrets that the plugin is given.
///
/// # Errors
/// If the operation failed, was cancelled, or the plugin does not have the method.
pub(super) async fn run(
    plugin: &Plugin,
    operation: &Operation,
    request: Request,
    secrets: Vec<Zeroizing<String>>,
) -> Result<Option<Completed>, Error> {
    let instance = tokio::select! {
        biased;
        () = operation.cancellation.cancelled() => {
            return Err(Error::Cancelled { left_behind: Vec::new() });
        }
        instance = plugin.instance() => instance?,
    };
    let span = tracing::info_span!(
        "operation",
        plugin = plugin.name(),
        method = request.method(),
        id = %operation.id,
    );
    let request = request.for_plugin(instance.description());
    let (_lent, request) = lending::lend(plugin, request).await?;
    let _hidden = instance.hide(secrets);
    let outcome = Driver::new(Arc::clone(&instance), operation, request).run();
    let outcome = outcome.instrument(span).await;
    outcome.map_err(|error| {
        denial::explained(hidden::clean_error(&instance.redactor(), error), &instance)
    })
}
