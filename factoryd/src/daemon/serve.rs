//! The gRPC server: the API, health and reflection on one socket.

use super::Error;
use super::core::Core;
use crate::access::Authenticator;
use crate::grpc::{Api, FactoryServer, Guard, MaintenanceApi, TokensApi};
use crate::transport::{self, Acceptor};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::Router;
use tonic_health::server::health_reporter;
use tower::layer::util::{Identity, Stack};

/// How long clients may stay once the server ends.
const END_DEADLINE: Duration = Duration::from_secs(5);
/// How long watchers have to hear how the builds ended, and to ask for the images, before they are cut off.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How often a silent client is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The layers around the services.
type Guards = Stack<Guard, Identity>;

/// A server at work.
pub(super) struct Server {
    task: JoinSet<Result<(), tonic::transport::Error>>,
    stop: CancellationToken,
    streams: TaskTracker,
}

impl Server {
    /// Begins to accept.
    pub(super) async fn start(
        socket: TcpListener,
        acceptor: Acceptor,
        core: &Core,
        authenticator: Authenticator,
    ) -> Self {
        let stop = CancellationToken::new();
        let api = core.api(stop.clone());
        let streams = api.streams();
        let router = router(api, core.tokens(), core.maintenance(), authenticator).await;
        let incoming = transport::incoming(socket, acceptor);
        let mut task = JoinSet::new();
        task.spawn(router.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()));
        Self { task, stop, streams }
    }

    /// Waits until the server ends by itself, which it should not.
    pub(super) async fn ended(&mut self) -> Error {
        match self.task.join_next().await {
            Some(Ok(Err(error))) => Error::Serve(error),
            _ => Error::Ended("the gRPC server"),
        }
    }

    /// Ends streams, lets calls end, closes connections.
    pub(super) async fn end(mut self) -> Result<(), Error> {
        if !self.streams.is_empty() {
            tokio::time::sleep(LAST_WORDS).await;
        }
        self.stop.cancel();
        match tokio::time::timeout(END_DEADLINE, self.task.join_next()).await {
            Ok(None | Some(Ok(Ok(())))) => Ok(()),
            Ok(Some(Ok(Err(error)))) => Err(Error::Serve(error)),
            Ok(Some(Err(_))) => Err(Error::Ended("the gRPC server")),
            Err(_) => Err(Error::Clients),
        }
    }
}

async fn router(
    api: Api,
    tokens: TokensApi,
    maintenance: MaintenanceApi,
    authenticator: Authenticator,
) -> Router<Guards> {
    let (reporter, health) = health_reporter();
    reporter.set_serving::<FactoryServer<Api>>().await;
    let builder = tonic::transport::Server::builder();
    let router = builder
        .http2_keepalive_interval(Some(KEEPALIVE))
        .layer(Guard::new(authenticator))
        .add_service(health)
        .add_service(api.into_server())
        .add_service(tokens.into_server())
        .add_service(maintenance.into_server());
    let router = match reflection().build_v1() {
        Ok(reflection) => router.add_service(reflection),
        Err(error) => without(router, &error),
    };
    // What older clients ask for.
    match reflection().build_v1alpha() {
        Ok(reflection) => router.add_service(reflection),
        Err(error) => without(router, &error),
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(factory_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn without(router: Router<Guards>, error: &tonic_reflection::server::Error) -> Router<Guards> {
    tracing::warn!(%error, "reflection is off");
    router
}
