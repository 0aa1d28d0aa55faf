//! Connections: HTTP/1.1 with limits on what a client may cost.

use crate::access::Peer;
use crate::transport::{self, Acceptor, Connection};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// What clients may cost.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many connections there are at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long a client may take for the head of a request, and stay without one.
    pub header_deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections_max: 512, header_deadline: Duration::from_secs(30) }
    }
}

/// Serves until `stop` fires, and then until every connection has answered what it was asked.
///
/// # Errors
/// If the socket can't be used.
pub async fn serve(
    socket: TcpListener,
    acceptor: Acceptor,
    router: Router,
    options: Options,
    stop: CancellationToken,
) -> io::Result<()> {
    socket.local_addr()?;
    let places = Arc::new(Semaphore::new(options.connections_max));
    let connections = TaskTracker::new();
    let header_deadline = options.header_deadline;
    let server = Server { acceptor, router, header_deadline, stop: stop.clone() };
    let next = async || {
        // There is a place before there is a connection.
        let place = places.clone().acquire_owned().await.ok();
        (transport::accept(&socket).await, place)
    };
    while let Some(((stream, address), place)) = stop.run_until_cancelled(next()).await {
        let server = server.clone();
        connections.spawn(async move {
            server.run(stream, address).await;
            drop(place);
        });
    }
    connections.close();
    connections.wait().await;
    Ok(())
}

/// What every connection needs.
#[derive(Clone)]
struct Server {
    acceptor: Acceptor,
    router: Router,
    header_deadline: Duration,
    stop: CancellationToken,
}

impl Server {
    async fn run(self, stream: TcpStream, address: SocketAddr) {
        let handshake = self.acceptor.connect(stream, address);
        match self.stop.run_until_cancelled(handshake).await {
            None => {}
            Some(Ok(connection)) => self.answer(connection).await,
            Some(Err(error)) => tracing::debug!(%address, %error, "a handshake failed"),
        }
    }

    async fn answer(self, connection: Connection) {
        let peer = connection.peer().clone();
        let router = ServiceExt::<Request<Body>>::map_request(self.router, move |request| {
            with_peer(request, &peer)
        });
        let service = TowerToHyperService::new(router);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_deadline)
            .serve_connection(TokioIo::new(connection), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // Clients that hang up are nothing to tell of.
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn with_peer(request: Request<Incoming>, peer: &Peer) -> Request<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer.clone());
    request
}
