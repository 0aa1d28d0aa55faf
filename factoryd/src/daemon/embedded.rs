//! The factory in this process, behind the same API as the daemon's but without a socket.

use super::Error;
use super::core::{Core, Killer};
use crate::config::Config;
use crate::factory::Factory;
use crate::reap::Scope;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::service::Routes;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// A way to the API, in this process or to a daemon: what generated clients are made over.
pub type Connection =
    BoxCloneSyncService<Request<Body>, Response<Body>, Box<dyn std::error::Error + Send + Sync>>;

/// A factory in this process.
pub struct Embedded {
    core: Core,
    killer: Killer,
    streams: CancellationToken,
}

/// Starts a factory in this process.
///
/// # Errors
/// If the store can't be opened or the plugin directories can't be read.
pub async fn embedded(config: Config) -> Result<Embedded, Error> {
    let core = Core::open(config, Scope::Own).await?;
    let killer = core.killer();
    Ok(Embedded { core, killer, streams: CancellationToken::new() })
}

impl Embedded {
    /// Answers a way to its API.
    pub fn connection(&self) -> Connection {
        let server = self.core.api(self.streams.clone()).into_server();
        let routes = Routes::new(server)
            .add_service(self.core.tokens().into_server())
            .add_service(self.core.maintenance().into_server());
        BoxCloneSyncService::new(ServiceExt::<Request<Body>>::map_err(routes, Into::into))
    }

    /// Answers the factory itself, for what is done with files of this machine and has no place in the API.
    pub fn factory(&self) -> &Factory {
        self.core.factory()
    }

    /// Ends what is being worked on, and the plugins.
    ///
    /// # Errors
    /// If something does not end in time; the error names it.
    pub async fn stop(mut self) -> Result<(), Error> {
        let builds = self.core.end_builds().await;
        self.streams.cancel();
        let (reaping, callbacks) = self.core.end_services().await;
        builds.and(reaping).and(callbacks).and(self.core.end_plugins().await)
    }

    /// Kills the plugins at once; their builds are settled by the next factory that opens the store.
    pub async fn kill(&self) {
        self.killer.kill().await;
    }
}
