//! Connections to a plugin, right and wrong ones.

pub(crate) mod bytes;
pub(crate) mod tls;

use crate::case::Stop;
use factory_proto::handshake::Address;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

/// The windows of a factory's connection: large for all together, small for each stream, so that one which nobody reads
/// stops its sender and nobody else.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
const STREAM_WINDOW: u32 = 256 * 1024;

/// Bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens a connection without a protocol on it.
pub(crate) async fn open(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Address::Tcp(address) => Box::new(TcpStream::connect(address).await?),
    })
}

/// Connects; over TLS if there is a configuration for it.
///
/// # Errors
/// If nobody answers, or not as expected, within the time: in words.
pub(crate) async fn connect(
    address: &Address,
    tls: Option<Arc<ClientConfig>>,
    patience: Duration,
) -> Result<Channel, String> {
    let theirs = address.clone();
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let (address, tls) = (theirs.clone(), tls.clone());
        async move { dial(&address, tls).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost")
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .http2_adaptive_window(false);
    match timeout(patience, endpoint.connect_with_connector(connector)).await {
        Ok(connected) => connected.map_err(|error| reasons(&error)),
        Err(_) => Err(format!("no connection within {} s", patience.as_secs_f32())),
    }
}

async fn dial(address: &Address, tls: Option<Arc<ClientConfig>>) -> io::Result<Box<dyn Stream>> {
    let plain = open(address).await?;
    let Some(config) = tls else { return Ok(plain) };
    let name = ServerName::try_from(tls::NAME).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(config).connect(name, plain).await?))
}

/// Joins an error and its causes.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Says that a connection that must succeed did not.
pub(crate) fn refused(why: &str) -> Stop {
    Stop::broken(format!("the connection was refused: {why}"))
}
