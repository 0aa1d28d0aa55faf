//! The gRPC connection to a plugin.

use super::tls::SERVER_NAME;
use factory_proto::handshake::Address;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

/// HTTP/2 gives an unread small frame a price and a connection a budget of half its window. A plugin that sends a
/// frame for each tiny event must never get there while we lag: so a large window for the connection, and a small one
/// for each stream, which fills up first.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
const STREAM_WINDOW: u32 = 256 * 1024;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to a plugin; over TLS if there is a configuration for it.
pub(super) async fn connect(
    address: &Address,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
) -> Result<Channel, tonic::transport::Error> {
    let address = address.clone();
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let (address, tls) = (address.clone(), tls.clone());
        async move { open(&address, tls).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://localhost")
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .http2_adaptive_window(false)
        .connect_timeout(timeout)
        .connect_with_connector(connector)
        .await
}

/// Makes a short call: what takes longer is an error.
pub(super) async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(timeout, call).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => {
            Err(Status::deadline_exceeded(format!("no answer within {} s", timeout.as_secs_f32())))
        }
    }
}

async fn open(address: &Address, tls: Option<Arc<ClientConfig>>) -> io::Result<Box<dyn Stream>> {
    let plain: Box<dyn Stream> = match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Address::Tcp(address) => Box::new(TcpStream::connect(loopback(address)?).await?),
    };
    let Some(config) = tls else { return Ok(plain) };
    let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(config).connect(name, plain).await?))
}

/// A plugin is a child of ours: an address elsewhere is a mistake or worse.
fn loopback(address: &str) -> io::Result<SocketAddr> {
    let parsed: SocketAddr = address.parse().map_err(io::Error::other)?;
    match parsed.ip().is_loopback() {
        true => Ok(parsed),
        false => Err(io::Error::other(format!("{address} is not on this machine"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_addresses_elsewhere_are_refused() {
        assert!(loopback("127.0.0.1:4000").is_ok());
        assert!(loopback("[::1]:4000").is_ok());
        assert!(loopback("192.0.2.1:4000").is_err());
        assert!(loopback("example.org:4000").is_err());
    }

    #[test]
    fn a_stream_full_of_the_smallest_frames_stays_within_the_connections_budget() {
        let (frame, price) = (5, 256 - 5);
        let cost = STREAM_WINDOW / frame * price;
        assert!(2 * cost <= CONNECTION_WINDOW / 2, "two such streams at once");
    }

    #[test]
    fn the_http2_library_is_one_that_has_a_budget_and_not_a_fixed_number() {
        let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));
        let version = lock.split("name = \"h2\"\nversion = \"0.4.").nth(1).unwrap();
        let patch: u32 = version.split('"').next().unwrap().parse().unwrap();
        assert!(19 <= patch);
    }
}
