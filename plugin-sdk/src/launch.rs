//! Being started by a factory: the handshake, the connection, and the end.
//!
//! ```text
//! socket bound ─► handshake line ─► serving ─► told to end ─► operations cancelled ─► streams drained ─► socket removed
//! ```

mod connection;
mod goplugin;
mod host;
mod log;
mod socket;
mod tls;

use crate::server::Server;
use factory_proto::handshake::{APP_VERSION, Address, CLIENT_CERT, Handshake};
use factory_proto::reattach::{Reattach, ReattachConfig};
use host::Host;
use socket::Socket;
use std::error::Error as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tls::Tls;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// How long operations may clean up when the plugin is told to end or nobody is left to work for. The factory expects all
/// to be over within 2 seconds.
const GRACE: Duration = Duration::from_secs(1);
/// How long open streams may take to be read to their end: a peer that does not read could hold them for ever.
const DRAIN_LIMIT: Duration = Duration::from_millis(300);

/// Why a plugin could not be served.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the runtime can't be started")]
    Runtime(#[source] io::Error),
    #[error("socket {} can't be created", path.display())]
    Socket {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("signals and standard input can't be watched")]
    Host(#[source] io::Error),
    #[error("mutual TLS can't be set up")]
    Tls(#[source] tls::Error),
    #[error("the handshake line can't be written")]
    Handshake(#[source] io::Error),
    #[error("serving broke off")]
    Serve(#[source] tonic::transport::Error),
}

/// Who started the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starter {
    /// A factory, which ends it.
    Factory,
    /// A person, perhaps with a debugger: factories come and go.
    Person,
}

/// Serves a plugin to the factory that started it, until it is told to end.
pub(crate) fn run(server: &Server, routes: Routes) -> ExitCode {
    start(server, routes, Starter::Factory)
}

/// Serves a plugin to whoever attaches to it, until a person ends it.
pub(crate) fn debug(server: &Server, routes: Routes) -> ExitCode {
    start(server, routes, Starter::Person)
}

fn start(server: &Server, routes: Routes, starter: Starter) -> ExitCode {
    log::install();
    crate::tool::allow_guard();
    match block_on_serving(server, routes, starter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::error!("{error}{cause}");
            ExitCode::FAILURE
        }
    }
}

fn block_on_serving(server: &Server, routes: Routes, starter: Starter) -> Result<(), Error> {
    // One thread is enough, and starts fastest: operations have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let result = runtime.block_on(serve(server, routes, starter));
    // Whatever still runs was told to end and had its time.
    runtime.shutdown_background();
    result
}

async fn serve(server: &Server, routes: Routes, starter: Starter) -> Result<(), Error> {
    let socket = Socket::bind()?;
    let tls = if starter == Starter::Factory { tls_if_asked()? } else { None };
    let closing = CancellationToken::new();
    let (host, routes) = match starter {
        Starter::Factory => (Host::watch().map_err(Error::Host)?, routes),
        Starter::Person => (Host::nobody().map_err(Error::Host)?, with_reflection(routes)),
    };
    let routes = goplugin::add_to(routes, host.shutdown(), closing.clone()).await;
    match starter {
        Starter::Factory => print_handshake(socket.path(), tls.as_ref()),
        Starter::Person => print_reattach(&server.description().name, socket.path()),
    }
    .map_err(Error::Handshake)?;
    let incoming = connection::incoming(socket.listener(), tls.map(|tls| tls.acceptor));
    let serving = tonic::transport::Server::builder()
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, closing.clone().cancelled_owned());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        result = &mut serving => return result.map_err(Error::Serve),
        end = host.end() => tracing::debug!(?end, "ending"),
    }
    tokio::select! {
        late = server.stop(GRACE) => report_late(&late),
        // The peer has hung up; the operations still get their time.
        _ = &mut serving => report_late(&server.stop(GRACE).await),
    }
    closing.cancel();
    let _ = timeout(DRAIN_LIMIT, serving).await;
    Ok(())
}

fn tls_if_asked() -> Result<Option<Tls>, Error> {
    let pem = std::env::var(CLIENT_CERT).ok().filter(|pem| !pem.is_empty());
    pem.map(|pem| Tls::accept_only(&pem).map_err(Error::Tls)).transpose()
}

/// Prints the line that the factory waits for. Nothing was printed before it.
fn print_handshake(socket: &Path, tls: Option<&Tls>) -> io::Result<()> {
    let handshake = Handshake {
        app_version: APP_VERSION,
        address: Address::Unix(socket.to_owned()),
        certificate: tls.map(|tls| tls.certificate.clone()),
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{handshake}")?;
    stdout.flush()
}

/// Prints where the plugin is, for factories that are to use it.
fn print_reattach(name: &str, socket: &Path) -> io::Result<()> {
    let reattach = Reattach::here(std::process::id(), &Address::Unix(socket.to_owned()));
    let config = ReattachConfig::from([(name.to_owned(), reattach)]);
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&config).unwrap_or_default())?;
    stdout.flush()
}

/// Tells tools such as `grpcurl` what there is to call.
fn with_reflection(routes: Routes) -> Routes {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(factory_proto::DESCRIPTORS)
        .build_v1();
    match reflection {
        Ok(reflection) => routes.add_service(reflection),
        Err(error) => {
            tracing::warn!(%error, "reflection is off");
            routes
        }
    }
}

fn report_late(operations: &[String]) {
    for operation in operations {
        tracing::error!(operation, "operation did not end in time");
    }
}
