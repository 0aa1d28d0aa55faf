//! Connections from the factory, in plain or over TLS.

use futures_util::future::Either;
use futures_util::stream::{Stream, StreamExt};
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::Connected;

/// How long a peer may take for the TLS handshake.
const TLS_LIMIT: Duration = Duration::from_secs(10);
/// How many peers may be in the TLS handshake at once, so that none waits for another that is silent.
const TLS_AT_ONCE: usize = 16;

/// Accepts connections for ever. One whose TLS handshake fails is logged and dropped.
pub(super) fn incoming(
    listener: &StdListener,
    tls: Option<TlsAcceptor>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let accepted =
        listener.try_clone().and_then(UnixListener::from_std).map(UnixListenerStream::new);
    let accepted = match accepted {
        Ok(accepted) => Either::Left(accepted),
        Err(error) => Either::Right(futures_util::stream::iter([Err(error)])),
    };
    match tls {
        None => Either::Left(accepted.map(|stream| Ok(Connection::Plain(stream?)))),
        Some(tls) => Either::Right(
            accepted
                .map(move |stream| shake_hands(tls.clone(), stream))
                .buffer_unordered(TLS_AT_ONCE)
                .filter_map(std::future::ready),
        ),
    }
}

async fn shake_hands(
    tls: TlsAcceptor,
    stream: io::Result<UnixStream>,
) -> Option<io::Result<Connection>> {
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => return Some(Err(error)),
    };
    match timeout(TLS_LIMIT, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(Ok(Connection::Tls(Box::new(stream)))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a peer was refused in the TLS handshake");
            None
        }
        Err(_) => {
            tracing::warn!("a peer was silent in the TLS handshake");
            None
        }
    }
}

/// A connection from the factory.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(UnixStream),
    Tls(Box<TlsStream<UnixStream>>),
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
