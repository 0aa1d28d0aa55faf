//! The way to a daemon: TCP or TLS, and what this client shows for itself.

use super::display;
use super::error::Error;
use crate::daemon::Connection;
use clap::Args;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderValue, Request, Uri};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a silent daemon is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Flow control windows, in bytes: a watcher who lags behind many small events must not look like a victim of a flood.
const CONNECTION_WINDOW: u32 = 64 << 20;
const STREAM_WINDOW: u32 = 256 << 10;

/// The daemon, and what this client shows for itself.
#[derive(Debug, Args)]
pub(super) struct DaemonPlace {
    /// Ask the daemon at this address instead of working in this process, such as `127.0.0.1:8076` or
    /// `https://factory.example.org:8076`.
    #[arg(long, global = true, value_name = "ADDR", env = "FACTORY_SERVER")]
    pub(super) server: Option<String>,
    /// Trust the daemon whose certificate is in this file, or signed by one there (PEM). Default: the authorities that this
    /// system trusts.
    #[arg(long, global = true, value_name = "FILE", env = "FACTORY_CA")]
    ca: Option<PathBuf>,
    /// Show the daemon the token in this file (`factory token create`).
    #[arg(long, global = true, value_name = "FILE", env = "FACTORY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Show the daemon the certificate in this file (PEM).
    #[arg(long, global = true, value_name = "FILE", env = "FACTORY_CERTIFICATE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The key of --certificate (PEM).
    #[arg(long, global = true, value_name = "FILE", env = "FACTORY_KEY", requires = "certificate")]
    key: Option<PathBuf>,
}

/// A daemon, with all that is needed to call it.
pub(super) struct Daemon {
    address: String,
    uri: Uri,
    tls: Option<ClientTlsConfig>,
    authorization: Option<HeaderValue>,
}

impl DaemonPlace {
    /// Reads the files that are needed to call the daemon, if one is named.
    ///
    /// # Errors
    /// If the address is none, or a file can't be read.
    pub(super) fn daemon(&self) -> Result<Option<Daemon>, Error> {
        let Some(address) = self.server.clone() else { return Ok(None) };
        let text =
            if address.contains("://") { address.clone() } else { format!("http://{address}") };
        let no_address = |why| Error::Usage(format!("--server {address} is no address: {why}"));
        let uri: Uri =
            text.parse().map_err(|_| no_address("use HOST:PORT or https://HOST:PORT"))?;
        let tls = match uri.scheme_str() {
            Some("https") => Some(self.tls(&uri)?),
            Some("http") if self.ca.is_none() && self.certificate.is_none() => None,
            Some("http") => return Err(no_address("--ca and --certificate need https://")),
            _ => return Err(no_address("use HOST:PORT or https://HOST:PORT")),
        };
        let authorization = self.token_file.as_deref().map(authorization).transpose()?;
        if authorization.is_some() && tls.is_none() && !is_here(&uri) {
            display::say("warning: the token crosses the network in the clear; use https://");
        }
        Ok(Some(Daemon { address, uri, tls, authorization }))
    }

    fn tls(&self, uri: &Uri) -> Result<ClientTlsConfig, Error> {
        let name = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let config = ClientTlsConfig::new().domain_name(name);
        let config = match &self.ca {
            Some(file) => config.ca_certificate(Certificate::from_pem(read(file)?)),
            None => config.with_native_roots(),
        };
        Ok(match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                config.identity(Identity::from_pem(read(certificate)?, read(key)?))
            }
            _ => config,
        })
    }
}

impl Daemon {
    /// Connects.
    ///
    /// # Errors
    /// If the daemon can't be reached, or is not the one that is trusted.
    pub(super) async fn connect(self) -> Result<Connection, Error> {
        let address = self.address;
        let failed = |source| Error::Connect { address: address.clone(), source };
        let endpoint = Endpoint::from(self.uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_stream_window_size(STREAM_WINDOW);
        let endpoint = match self.tls {
            Some(tls) => endpoint.tls_config(tls).map_err(failed)?,
            None => endpoint,
        };
        let channel = endpoint.connect().await.map_err(failed)?;
        let authorization = self.authorization;
        let channel = channel.map_request(move |mut request: Request<_>| {
            if let Some(value) = &authorization {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
            }
            request
        });
        Ok(BoxCloneSyncService::new(channel.map_err(Into::into)))
    }
}

/// Answers the header for the token in a file.
fn authorization(file: &Path) -> Result<HeaderValue, Error> {
    let text = String::from_utf8(read(file)?).unwrap_or_default();
    let value = HeaderValue::try_from(format!("Bearer {}", text.trim()));
    let mut value = value.ok().filter(|_| !text.trim().is_empty()).ok_or_else(|| {
        Error::Usage(format!("{} holds no token; `factory token create` makes one", file.display()))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Tells whether an address is on this machine.
fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file).map_err(|source| Error::Read { path: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(server: &str) -> DaemonPlace {
        let server = Some(server.to_owned());
        DaemonPlace { server, ca: None, token_file: None, certificate: None, key: None }
    }

    #[test]
    fn a_daemon_is_called_as_its_address_says() {
        let tls = |server: &str| place(server).daemon().unwrap().unwrap().tls.is_some();
        assert!(!tls("127.0.0.1:8076") && !tls("http://localhost:1"));
        assert!(tls("https://localhost:1") && tls("https://[::1]:1"));
        for wrong in ["ftp://x:1", "a b", "https://"] {
            assert!(matches!(place(wrong).daemon(), Err(Error::Usage(_))), "{wrong}");
        }
        let plain = DaemonPlace { ca: Some("x".into()), ..place("127.0.0.1:1") };
        assert!(matches!(plain.daemon(), Err(Error::Usage(_))));
    }

    #[test]
    fn the_clear_is_no_danger_on_this_machine() {
        let here = |address: &str| is_here(&address.parse().unwrap());
        assert!(here("http://localhost:1") && here("http://127.0.0.9:1") && here("http://[::1]:1"));
        assert!(!here("http://10.0.0.1:1") && !here("http://localhost.example.org:1"));
    }

    #[test]
    fn a_token_is_the_text_of_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        fs::write(&file, "factory_1_2\n").unwrap();
        let value = authorization(&file).unwrap();
        assert_eq!(value, "Bearer factory_1_2");
        assert!(!format!("{value:?}").contains("factory"), "it must not show in a log");
        for text in ["", "\n", "a\nb"] {
            fs::write(&file, text).unwrap();
            assert!(matches!(authorization(&file), Err(Error::Usage(_))), "{text:?}");
        }
    }
}
