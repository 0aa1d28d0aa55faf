//! The REST server, if the daemon has one.

use super::Error;
use super::core::Core;
use crate::access::Authenticator;
use crate::rest::{self, Options};
use crate::transport::Acceptor;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long clients may stay once the server ends.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// Where to accept from, if anywhere, and what clients may cost.
pub(super) struct Listener {
    pub(super) socket: Option<TcpListener>,
    pub(super) acceptor: Acceptor,
    pub(super) options: Options,
}

/// A server at work, or none.
pub(super) struct Server {
    task: JoinSet<io::Result<()>>,
    stop: CancellationToken,
}

impl Server {
    /// Begins to accept, if there is something to accept from.
    pub(super) fn start(listener: Listener, core: &Core, authenticator: Authenticator) -> Self {
        let (mut task, stop) = (JoinSet::new(), CancellationToken::new());
        if let Some(socket) = listener.socket {
            let router = core.rest(stop.clone()).into_router(authenticator);
            task.spawn(rest::serve(
                socket,
                listener.acceptor,
                router,
                listener.options,
                stop.clone(),
            ));
        }
        Self { task, stop }
    }

    /// Waits until the server ends by itself, which it should not; for ever if there is none.
    pub(super) async fn ended(&mut self) -> Error {
        match self.task.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Err(error))) => Error::Rest(error),
            Some(_) => Error::Ended("the REST server"),
        }
    }

    /// Sends watchers home, lets requests be answered, closes connections.
    pub(super) async fn end(mut self) -> Result<(), Error> {
        self.stop.cancel();
        match tokio::time::timeout(END_DEADLINE, self.task.join_next()).await {
            Ok(None | Some(Ok(Ok(())))) => Ok(()),
            Ok(Some(Ok(Err(error)))) => Err(Error::Rest(error)),
            Ok(Some(Err(_))) => Err(Error::Ended("the REST server")),
            Err(_) => Err(Error::Clients),
        }
    }
}
