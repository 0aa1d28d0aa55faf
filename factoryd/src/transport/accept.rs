//! Accepting: nobody waits for another's handshake.

use super::{Connection, Tls};
use crate::access::{Peer, certified};
use futures_util::{Stream, StreamExt, stream};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How long to wait when no connection can be accepted, as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);
/// How long a handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// So many handshakes are under way at once on a listener of [`incoming`] connections.
const HANDSHAKES_MAX: usize = 512;

/// Makes connections of streams: by a handshake, or at once. Cheap to clone.
#[derive(Clone)]
pub struct Acceptor {
    tls: Option<TlsAcceptor>,
    handshake_deadline: Duration,
}

impl Acceptor {
    /// Speaks TLS, if there is a certificate, and in it one protocol (`h2`, `http/1.1`).
    pub fn new(tls: Option<&Tls>, protocol: &[u8]) -> Self {
        let tls = tls.map(|tls| TlsAcceptor::from(tls.config(protocol)));
        Self { tls, handshake_deadline: HANDSHAKE_DEADLINE }
    }

    /// Gives handshakes another deadline.
    pub fn with_handshake_deadline(self, handshake_deadline: Duration) -> Self {
        Self { handshake_deadline, ..self }
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// If the client speaks no TLS, shows a certificate of nobody known, or takes too long.
    pub async fn connect(&self, stream: TcpStream, address: SocketAddr) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Connection::plain(stream, Peer::plain(address)));
        };
        let handshake = tokio::time::timeout(self.handshake_deadline, tls.accept(stream));
        let stream = handshake.await.map_err(|_| io::ErrorKind::TimedOut)??;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.and_then(|certificate| certified(certificate));
        Ok(Connection::tls(stream, Peer { address, tls: true, certificate }))
    }
}

/// Answers the next stream. Who can't be accepted now is asked again.
pub async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Answers all connections of a socket, each when its handshake is done.
pub fn incoming(
    socket: TcpListener,
    acceptor: Acceptor,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let streams = stream::unfold(socket, async |socket| Some((accept(&socket).await, socket)));
    let handshakes = streams.map(move |(stream, address)| {
        let acceptor = acceptor.clone();
        async move { (acceptor.connect(stream, address).await, address) }
    });
    handshakes.buffer_unordered(HANDSHAKES_MAX).filter_map(async |(connection, address)| {
        // A server would take an error for the end of its socket.
        match connection {
            Ok(connection) => Some(Ok(connection)),
            Err(error) => {
                tracing::debug!(%address, %error, "a handshake failed");
                None
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Source};
    use super::*;

    #[tokio::test]
    async fn a_handshake_that_does_not_come_is_given_up() {
        let root = tempfile::tempdir().unwrap();
        let names = vec!["localhost".to_owned()];
        let source = Some(Source::SelfSigned { directory: root.path().join("tls"), names });
        let tls = Tls::load(&Options { source, client_ca: None }).unwrap();
        let soon = Duration::from_millis(50);
        let acceptor = Acceptor::new(tls.as_ref(), b"h2").with_handshake_deadline(soon);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let (stream, address) = accept(&socket).await;
        let error = acceptor.connect(stream, address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(silent);
    }
}
