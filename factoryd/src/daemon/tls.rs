//! TLS on the daemon's sockets.

use super::Error;
use crate::transport::{Acceptor, Options, Source, Tls};
use std::net::SocketAddr;

/// How connections are made on each socket.
pub(super) struct Acceptors {
    pub(super) grpc: Acceptor,
    pub(super) rest: Acceptor,
}

/// Reads or makes the certificate, and logs which one it is; `addresses` are those of the sockets.
pub(super) fn acceptors(
    options: &Options,
    addresses: &[Option<SocketAddr>],
) -> Result<Acceptors, Error> {
    let tls = Tls::load(options).map_err(Error::Tls)?;
    if let Some(tls) = &tls {
        let (fingerprint, file) = (tls.fingerprint(), tls.path().display());
        tracing::info!(fingerprint, %file, "TLS with this certificate (SHA-256)");
        if matches!(options.source, Some(Source::SelfSigned { .. })) {
            warn_of_strangers(tls, addresses);
        }
    }
    let acceptor = |protocol: &[u8]| Acceptor::new(tls.as_ref(), protocol);
    Ok(Acceptors { grpc: acceptor(b"h2"), rest: acceptor(b"http/1.1") })
}

/// A certificate that was made for other addresses is of no use to who calls by these.
fn warn_of_strangers(tls: &Tls, addresses: &[Option<SocketAddr>]) {
    let ips = addresses.iter().flatten().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
    for ip in ips.filter(|ip| !tls.is_for(&ip.to_string())) {
        let directory = tls.path().parent().unwrap_or(tls.path()).display();
        tracing::warn!("the certificate is not for {ip}; remove {directory} to have another made");
    }
}
