//! The services of the go-plugin wire: health, controller, and standard output.

use factory_proto::goplugin::{StdioData, grpc_controller_server, grpc_stdio_server};
use factory_proto::handshake::HEALTH_SERVICE;
use futures_util::stream::{self, Stream, StreamExt};
use std::pin::Pin;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;

/// Adds the services. `shutdown` fires when the plugin is asked to end, and once `closing` fires no stream stays open.
pub(super) async fn add_to(
    routes: Routes,
    shutdown: CancellationToken,
    closing: CancellationToken,
) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status(HEALTH_SERVICE, ServingStatus::Serving).await;
    routes
        .add_service(health)
        .add_service(grpc_controller_server::GrpcControllerServer::new(Controller { shutdown }))
        .add_service(grpc_stdio_server::GrpcStdioServer::new(Stdio { closing }))
}

struct Controller {
    shutdown: CancellationToken,
}

#[tonic::async_trait]
impl grpc_controller_server::GrpcController for Controller {
    async fn shutdown(&self, _request: Request<()>) -> Result<Response<()>, Status> {
        self.shutdown.cancel();
        Ok(Response::new(()))
    }
}

struct Stdio {
    closing: CancellationToken,
}

#[tonic::async_trait]
impl grpc_stdio_server::GrpcStdio for Stdio {
    type StreamStdioStream = Pin<Box<dyn Stream<Item = Result<StdioData, Status>> + Send>>;

    /// Streams nothing: what a Rust plugin prints goes to its real standard output, which the factory reads as well.
    async fn stream_stdio(
        &self,
        _request: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        let closing = self.closing.clone().cancelled_owned();
        Ok(Response::new(stream::pending().take_until(closing).boxed()))
    }
}
