//! What a plugin prints after the handshake. All of it is read for as long as the plugin lives, or it would block.

use crate::plugin::lines::{Lines, Splitter};
use crate::plugin::log::{Log, Output, Tail};
use crate::redact::Vault;
use factory_proto::goplugin::grpc_stdio_client::GrpcStdioClient;
use factory_proto::goplugin::stdio_data::Channel as Stream;
use std::sync::Arc;
use tokio::process::ChildStdout;
use tonic::transport::Channel;

/// Reads a plugin's standard output to its end.
pub(super) async fn drain_stdout(plugin: String, mut lines: Lines<ChildStdout>, vault: Arc<Vault>) {
    let mut output = Output::new(plugin, vault);
    while let Some(line) = lines.next().await {
        output.line(line);
    }
}

/// Reads what go-plugin's servers send over gRPC: they take the plugin's standard streams over after the handshake.
pub(super) async fn drain_stdio(plugin: String, channel: Channel, tail: Tail, vault: Arc<Vault>) {
    let mut stdio = GrpcStdioClient::new(channel);
    let mut stream = match stdio.stream_stdio(()).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return tracing::debug!(plugin, ?status, "no standard streams over gRPC"),
    };
    let mut stderr = Log::new(plugin.clone(), tail, Arc::clone(&vault));
    let mut stdout = Output::new(plugin, vault);
    let (mut out, mut err) = (Splitter::default(), Splitter::default());
    while let Ok(Some(piece)) = stream.message().await {
        match piece.channel() {
            Stream::Stderr => err.feed_all(&piece.data, |line| stderr.line(line)),
            _ => out.feed_all(&piece.data, |line| stdout.line(line)),
        }
    }
}
