//! A plugin that was started and connected to, as a factory has it.

use crate::case::Stop;
use crate::client::Client;
use crate::place::Place;
use crate::process::{Launch, Process};
use crate::trace::Trace;
use crate::wire;
use factory_proto::handshake::Handshake;
use std::ops::Deref;
use std::process::ExitStatus;
use std::time::Duration;

/// A plugin that was started and connected to. Its calls are those of its [`Client`].
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) process: Process,
    pub(crate) handshake: Handshake,
    client: Client,
    trace: Trace,
}

impl Session {
    /// Starts a plugin, reads its handshake and connects, without TLS.
    pub(crate) async fn open(
        launch: Launch,
        patience: Duration,
        trace: &Trace,
    ) -> Result<Self, Stop> {
        Self::of(launch.start().await?, patience, trace).await
    }

    /// Reads the handshake of a plugin that was started, and connects.
    pub(crate) async fn of(
        mut process: Process,
        patience: Duration,
        trace: &Trace,
    ) -> Result<Self, Stop> {
        let handshake = process.handshake(patience).await?;
        let channel = wire::connect(&handshake.address, None, patience).await;
        let channel = channel.map_err(|why| wire::refused(&why))?;
        let client = Client::new(channel, patience, trace);
        Ok(Self { process, handshake, client, trace: trace.clone() })
    }

    /// Opens another connection to the same plugin.
    pub(crate) async fn another(&self) -> Result<Client, Stop> {
        let channel = wire::connect(&self.handshake.address, None, self.patience()).await;
        let channel = channel.map_err(|why| wire::refused(&why))?;
        Ok(Client::new(channel, self.patience(), &self.trace))
    }

    /// Closes the connection, and opens another one.
    pub(crate) async fn reconnect(&mut self) -> Result<(), Stop> {
        self.client = self.another().await?;
        Ok(())
    }

    /// Returns its directories.
    pub(crate) fn place(&self) -> &Place {
        self.process.place()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<ExitStatus, Stop> {
        self.client.shutdown().await;
        self.process.end(self.patience()).await
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
