//! Connections: HTTP/1.1 with limits on what a client may cost.

use crate::access::Peer;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long to wait when no connection can be accepted, as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

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
    router: Router,
    options: Options,
    stop: CancellationToken,
) -> io::Result<()> {
    socket.local_addr()?;
    let places = Arc::new(Semaphore::new(options.connections_max));
    let connections = TaskTracker::new();
    while let Some((stream, peer, place)) = stop.run_until_cancelled(accept(&socket, &places)).await
    {
        let connection = Connection { router: router.clone(), peer, stop: stop.clone(), place };
        connections.spawn(connection.run(stream, options.header_deadline));
    }
    connections.close();
    connections.wait().await;
    Ok(())
}

/// Answers the next connection, once there is a place for it. Who can't be accepted now is asked again.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Peer, Option<OwnedSemaphorePermit>) {
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match socket.accept().await {
            Ok((stream, address)) => return (stream, Peer { address, tls: false }, place),
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

struct Connection {
    router: Router,
    peer: Peer,
    stop: CancellationToken,
    /// Held for as long as the connection lasts.
    place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    async fn run(self, stream: TcpStream, header_deadline: Duration) {
        let _place = self.place;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is slow");
        }
        let peer = self.peer;
        let router = ServiceExt::<Request<Body>>::map_request(self.router, move |request| {
            with_peer(request, &peer)
        });
        let service = TowerToHyperService::new(router);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_deadline)
            .serve_connection(TokioIo::new(stream), service);
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
