//! TLS of a daemon: `[tls]`.

use super::sources::Sources;
use crate::transport::{Options, Source};
use clap::Args;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// TLS of a daemon, on all its addresses.
#[derive(Debug, Clone, Args)]
pub struct TlsArguments {
    /// Speak TLS, with the certificate in this file (PEM; those between it and its authority may follow).
    #[arg(long, value_name = "FILE", env = "FACTORY_TLS_CERTIFICATE")]
    tls_certificate: Option<OsString>,
    /// The key of --tls-certificate (PEM).
    #[arg(long, value_name = "FILE", env = "FACTORY_TLS_KEY")]
    tls_key: Option<OsString>,
    /// Speak TLS, with a certificate that is made at the first start and kept in the directory `tls` of the store. Clients
    /// need its `certificate.pem`.
    #[arg(
        long,
        value_name = "BOOL",
        env = "FACTORY_TLS_SELF_SIGNED",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    tls_self_signed: Option<OsString>,
    /// Know clients by their certificates too, if an authority in this file (PEM) signed them: the common name of the
    /// subject is the name, its organizational unit (viewer, builder or admin; else viewer) the role.
    #[arg(long, value_name = "FILE", env = "FACTORY_TLS_CLIENT_CA")]
    tls_client_ca: Option<OsString>,
}

/// Reads how TLS is spoken, if it is; a certificate that is made is for those `addresses`.
pub(super) fn read(from: &mut Sources, store: &Path, addresses: &[SocketAddr]) -> Options {
    let certificate: Option<PathBuf> = from.optional("tls.certificate", "tls_certificate");
    let key: Option<PathBuf> = from.optional("tls.key", "tls_key");
    let self_signed = from.or("tls.self_signed", "tls_self_signed", false);
    let client_ca: Option<PathBuf> = from.optional("tls.client_ca", "tls_client_ca");
    let source = match (certificate, key, self_signed) {
        (Some(_), _, true) | (_, Some(_), true) => {
            let message = "there is a certificate in a file too: it is one or the other";
            from.refuse("tls.self_signed", message, None);
            None
        }
        (Some(certificate), Some(key), false) => Some(Source::Files { certificate, key }),
        (Some(_), None, false) => {
            from.refuse("tls.certificate", "its key is missing", hint("--tls-key"));
            None
        }
        (None, Some(_), false) => {
            from.refuse("tls.key", "its certificate is missing", hint("--tls-certificate"));
            None
        }
        (None, None, true) => Some(self_signed_in(store, addresses)),
        (None, None, false) => None,
    };
    if source.is_none() && client_ca.is_some() {
        let message = "without TLS no client shows a certificate";
        from.refuse("tls.client_ca", message, hint("--tls-certificate, or --tls-self-signed"));
    }
    Options { source, client_ca }
}

fn hint(flag: &str) -> Option<String> {
    Some(format!("give {flag}"))
}

fn self_signed_in(store: &Path, addresses: &[SocketAddr]) -> Source {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname();
    let host = host.nodename().to_str().ok().map(str::to_owned);
    let listening = addresses.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
    for name in host.into_iter().chain(listening.map(|ip| ip.to_string())) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    Source::SelfSigned { directory: store.join("tls"), names }
}
