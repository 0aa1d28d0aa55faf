//! Serving in a plugin's place: on a socket of its own, for factories that are told to use it.

use super::codec::AsBytes;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use bytes::Bytes;
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::handshake::{Address, HEALTH_SERVICE};
use factory_proto::reattach::{Reattach, ReattachConfig};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::server::{Grpc, ServerStreamingService};
use tonic::service::Routes;
use tonic::{Response as Answer, Status};
use tonic_health::ServingStatus;

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no socket.
    #[error("there is no socket below {}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Serving broke off.
    #[error("serving broke off")]
    Serve(#[source] tonic::transport::Error),
}

/// Messages that answer a call.
pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// Answers calls of any method.
pub(super) trait Answers: Send + Sync + 'static {
    /// Answers one: its path, and its request.
    fn answer(&self, path: String, request: Bytes) -> BoxFuture<'static, Result<Messages, Status>>;
}

/// A socket that is listened on.
pub struct Served {
    listener: UnixListener,
    name: String,
    directory: TempDir,
}

impl Served {
    /// Listens in the place of the plugin of this name.
    ///
    /// # Errors
    /// If there can't be a socket.
    pub fn bind(name: &str) -> Result<Self, Error> {
        let path = std::env::temp_dir();
        let failed = |source| Error::Socket { path: path.clone(), source };
        let only_us = std::fs::Permissions::from_mode(0o700);
        let mut directory = tempfile::Builder::new();
        let directory = directory.prefix("plugin").permissions(only_us).tempdir_in(&path);
        let directory = directory.map_err(failed)?;
        let listener = UnixListener::bind(directory.path().join("socket")).map_err(failed)?;
        Ok(Self { listener, name: name.to_owned(), directory })
    }

    /// Answers what a factory is told, to use this.
    pub fn reattach(&self) -> ReattachConfig {
        let socket: &Path = self.directory.path();
        let address = Address::Unix(socket.join("socket"));
        [(self.name.clone(), Reattach::here(std::process::id(), &address))].into()
    }

    /// Answers calls until `end` is over.
    pub(super) async fn run(
        self,
        answers: Arc<dyn Answers>,
        end: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status(HEALTH_SERVICE, ServingStatus::Serving).await;
        let any = Router::new().fallback(forward).with_state(answers);
        let routes = Routes::from(any).add_service(health);
        tonic::transport::Server::builder()
            .add_routes(routes)
            .serve_with_incoming_shutdown(UnixListenerStream::new(self.listener), end)
            .await
            .map_err(Error::Serve)
    }
}

async fn forward(
    State(answers): State<Arc<dyn Answers>>,
    request: Request<Body>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let mut grpc = Grpc::new(AsBytes)
        .max_decoding_message_size(MESSAGE_SIZE_MAX)
        .max_encoding_message_size(MESSAGE_SIZE_MAX);
    let answer = grpc.server_streaming(One { path, answers }, request).await;
    answer.map(Body::new)
}

/// One call.
struct One {
    path: String,
    answers: Arc<dyn Answers>,
}

impl ServerStreamingService<Bytes> for One {
    type Response = Bytes;
    type ResponseStream = Messages;
    type Future = BoxFuture<'static, Result<Answer<Messages>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let answer = self.answers.answer(self.path.clone(), request.into_inner());
        Box::pin(async move { answer.await.map(Answer::new) })
    }
}
