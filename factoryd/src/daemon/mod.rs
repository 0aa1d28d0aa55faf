//! The factory as a process: bind → run → drain.
//!
//! ```text
//! bind the sockets ─► open the store, find the plugins, settle what a dead factory left ─► serve
//!        first signal ─► no new work; end builds ─► end streams and connections ─► last callbacks and clean-up ─► end plugins ─► exit
//!                         (what they were in the middle of, the next daemon goes on with, as after a kill)
//!        second signal ─► kill the plugins, exit at once
//! ```
//!
//! [`run`] is the daemon. [`embedded`] is the same factory behind the same API without a socket, for a command line
//! without a daemon. Each part of the drain has a deadline, and the error names who was late.

mod callers;
mod core;
mod core_dumps;
mod delivery;
mod embedded;
mod logging;
mod manager;
mod plugins;
mod reaping;
mod rest;
mod retention;
mod runtime;
mod serve;
mod signals;
mod sockets;
mod tls;

pub use core_dumps::forbid_core_dumps;
pub use embedded::{Connection, Embedded, embedded};
pub use logging::log_to_stderr;
pub use plugins::parameter;
pub use runtime::block_on;
pub use signals::Signals;
pub use sockets::Sockets;

use self::core::Core;
use crate::config::DaemonConfig;
use crate::reap::Scope;
use crate::{access, callbacks, jobs, pipeline, plugin, store, transport};
use std::io::{self, Write};
use std::net::SocketAddr;
use tracing::info;

/// Why the factory can't run, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A socket of the service manager's can't be used.
    #[error("the service manager passed a socket named `{name}`, which can't be used")]
    Inherited {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store can't be opened or recovered.
    #[error("can't open the store")]
    Store(#[source] store::Error),
    /// The plugins can't be found.
    #[error("can't set up the plugins")]
    Plugins(#[source] plugin::Error),
    /// Callers can't be told apart.
    #[error("can't tell callers apart")]
    Access(#[source] access::Error),
    /// What is to be added to target images is not valid.
    #[error("can't use what is to be added to target images")]
    TargetContent(#[source] pipeline::InvalidTargetContent),
    /// A file that callbacks need can't be used.
    #[error("can't deliver callbacks")]
    Callbacks(#[source] callbacks::FileError),
    /// There is no TLS where there should be.
    #[error("can't speak TLS")]
    Tls(#[source] transport::Error),
    /// The operating system refuses something.
    #[error("can't {what}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server ended by itself.
    #[error("the gRPC server failed")]
    Serve(#[source] tonic::transport::Error),
    /// The REST server ended by itself.
    #[error("the REST server failed")]
    Rest(#[source] io::Error),
    /// A part of the daemon ended by itself, or fell over.
    #[error("{0} ended unexpectedly")]
    Ended(&'static str),
    /// Builds did not end in time.
    #[error("the drain was not clean")]
    Builds(#[source] jobs::Late),
    /// Plugins did not end in time.
    #[error("the drain was not clean")]
    LatePlugins(#[source] plugin::Late),
    /// Connections did not end in time.
    #[error("the drain was not clean: clients are still connected")]
    Clients,
    /// A second signal ended the drain.
    #[error("stopped at once by a second {0}: builds were not cleaned up by their plugins")]
    Killed(&'static str),
}

impl Error {
    /// Tells whether nothing was served yet.
    pub fn is_start(&self) -> bool {
        matches!(
            self,
            Self::Bind { .. }
                | Self::Inherited { .. }
                | Self::Store(_)
                | Self::Plugins(_)
                | Self::Access(_)
                | Self::Callbacks(_)
                | Self::TargetContent(_)
                | Self::Tls(_)
                | Self::System { .. }
        )
    }
}

/// Runs the daemon until a signal ends it, on the sockets of a service manager where it passed any.
///
/// # Errors
/// If it can't start, a part of it fails, or the drain is not clean.
pub async fn run(config: DaemonConfig, sockets: Sockets) -> Result<(), Error> {
    let signals = Signals::listen()?;
    let listener = sockets::bind(sockets.grpc, config.listen).await?;
    let rest = sockets::bind_if(sockets.rest, config.rest).await?;
    let rest_address = rest.as_ref().map(|bound| bound.address);
    let acceptors = tls::acceptors(&config.tls, &[Some(listener.address), rest_address])?;
    let core = Core::open(config.factory, Scope::Everybody).await?;
    core.log_confinement();
    let certificates = config.tls.client_ca.is_some();
    let authenticator = callers::authenticator(config.access, certificates, &core).await?;
    let server =
        serve::Server::start(listener.socket, acceptors.grpc, &core, authenticator.clone()).await;
    let (socket, options) = (rest.map(|bound| bound.socket), config.rest_options);
    let rest = rest::Listener { socket, acceptor: acceptors.rest, options };
    let rest = rest::Server::start(rest, &core, authenticator);
    announce(listener.address, rest_address)?;
    let store = core.store();
    let factory = core.factory().clone();
    tokio::select! {
        ended = until_signal(signals, core, server, rest) => ended,
        () = manager::prove_life(store) => Err(Error::Ended("the watchdog")),
        () = retention::apply(factory, config.retention) => Err(Error::Ended("the retention rule")),
    }
}

/// Serves until a signal comes or a server fails, then drains; a second signal ends that.
async fn until_signal(
    mut signals: Signals,
    core: Core,
    mut server: serve::Server,
    mut rest: rest::Server,
) -> Result<(), Error> {
    let ended = tokio::select! {
        signal = signals.next() => { info!(signal, "draining"); Ok(()) }
        ended = server.ended() => Err(ended),
        ended = rest.ended() => Err(ended),
    };
    manager::stopping();
    let killer = core.killer();
    tokio::select! {
        drained = drain(core, server, rest) => ended.and(drained),
        signal = signals.next() => { killer.kill().await; Err(Error::Killed(signal)) }
    }
}

/// Builds end first, so that watchers see how; then streams and connections; then callbacks, which tell it too, and the
/// clean-up of what builds left over; then the plugins.
async fn drain(mut core: Core, server: serve::Server, rest: rest::Server) -> Result<(), Error> {
    let builds = core.end_builds().await;
    let (clients, rest_clients) = tokio::join!(server.end(), rest.end());
    let (reaping, callbacks) = core.end_services().await;
    let plugins = core.end_plugins().await;
    builds.and(clients).and(rest_clients).and(reaping).and(callbacks).and(plugins)
}

/// Says where the daemon can be called, to who reads and to the service manager.
fn announce(grpc: SocketAddr, rest: Option<SocketAddr>) -> Result<(), Error> {
    let mut lines = format!("listening on {grpc}\n");
    let mut status = format!("serving gRPC on {grpc}");
    if let Some(rest) = rest {
        lines.push_str(&format!("REST listening on {rest}\n"));
        status.push_str(&format!(", REST on {rest}"));
    }
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| Error::System { what: "write to standard output", source })?;
    manager::ready(&status);
    Ok(())
}
