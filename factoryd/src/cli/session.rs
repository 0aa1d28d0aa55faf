//! The way to a factory: a daemon's, or one in this process. Both are the same API.

use super::arguments::PlaceArguments;
use super::connect::Daemon;
use super::display;
use super::error::Error;
use crate::config::Config;
use crate::daemon::{self, Connection, Embedded};
use crate::factory::Factory;
use factory_proto::factory_v1::factory_client::FactoryClient;
use factory_proto::factory_v1::maintenance_client::MaintenanceClient;
use factory_proto::factory_v1::tokens_client::TokensClient;

/// A client of the API.
pub(super) type Client = FactoryClient<Connection>;

/// Where a factory is.
pub(super) enum Way {
    /// A daemon's.
    Daemon(Box<Daemon>),
    /// One in this process.
    Here(Box<Config>),
}

impl Way {
    /// Reads the settings, and begins to log as they say. A daemon has settings of its own; those of this machine, unless
    /// they are named, are none of its client's business.
    pub(super) fn find(place: PlaceArguments, usual_log: &str) -> Result<Self, Error> {
        if let Some(daemon) = place.daemon.daemon()? {
            daemon::log_to_stderr(&place.settings.log(usual_log)?);
            daemon::forbid_core_dumps();
            return Ok(Self::Daemon(Box::new(daemon)));
        }
        let resolved = place.settings.resolve(usual_log)?;
        resolved.warnings.iter().for_each(|warning| display::say(&format!("warning: {warning}")));
        daemon::log_to_stderr(&resolved.log);
        if !resolved.config.core_dumps {
            daemon::forbid_core_dumps();
        }
        Ok(Self::Here(Box::new(resolved.config)))
    }
}

/// A way to a factory, open.
pub(super) struct Session {
    client: Client,
    tokens: TokensClient<Connection>,
    maintenance: MaintenanceClient<Connection>,
    embedded: Option<Embedded>,
}

impl Session {
    /// Connects to the daemon, or starts a factory in this process.
    pub(super) async fn open(way: Way) -> Result<Self, Error> {
        match way {
            Way::Daemon(daemon) => Ok(Self::over(daemon.connect().await?, None)),
            Way::Here(config) => {
                let embedded = daemon::embedded(*config).await.map_err(Error::Start)?;
                Ok(Self::over(embedded.connection(), Some(embedded)))
            }
        }
    }

    fn over(connection: Connection, embedded: Option<Embedded>) -> Self {
        let tokens = TokensClient::new(connection.clone());
        let maintenance = MaintenanceClient::new(connection.clone())
            .max_decoding_message_size(factory_proto::MESSAGE_SIZE_MAX);
        Self { client: client(connection), tokens, maintenance, embedded }
    }

    /// Answers a client for tokens.
    pub(super) fn tokens(&self) -> TokensClient<Connection> {
        self.tokens.clone()
    }

    /// Answers a client that looks after the store.
    pub(super) fn maintenance(&self) -> MaintenanceClient<Connection> {
        self.maintenance.clone()
    }

    /// Answers a client. Clients are cheap.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Answers the factory in this process, for what is done with files of this machine; `None` for a daemon's.
    pub(super) fn factory(&self) -> Option<&Factory> {
        self.embedded.as_ref().map(Embedded::factory)
    }

    /// Tells whether builds end with this process.
    pub(super) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Ends the factory in this process, if it is there: what is being worked on, then the plugins.
    pub(super) async fn close(self) -> Result<(), Error> {
        match self.embedded {
            Some(embedded) => embedded.stop().await.map_err(Error::Stop),
            None => Ok(()),
        }
    }

    /// Ends the factory in this process without waiting for anybody.
    pub(super) async fn kill(&self) {
        if let Some(embedded) = &self.embedded {
            embedded.kill().await;
        }
    }
}

fn client(connection: Connection) -> Client {
    FactoryClient::new(connection)
        .max_decoding_message_size(factory_proto::MESSAGE_SIZE_MAX)
        .max_encoding_message_size(factory_proto::MESSAGE_SIZE_MAX)
}
