//! Whether a plugin is alive.

use super::Instance;
use crate::plugin::channel::within;
use crate::plugin::failure::status_text;
use factory_proto::handshake::HEALTH_SERVICE;
use std::sync::Weak;
use std::time::Duration;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Asks a plugin for its health.
///
/// # Errors
/// Says what it answers instead of `SERVING`.
pub(super) async fn check(channel: &Channel, timeout: Duration) -> Result<(), String> {
    let request = HealthCheckRequest { service: HEALTH_SERVICE.to_owned() };
    let mut health = HealthClient::new(channel.clone());
    let answer = within(timeout, health.check(request)).await;
    match answer.map(|answer| answer.status()) {
        Ok(ServingStatus::Serving) => Ok(()),
        Ok(other) => Err(format!("it answers {}", other.as_str_name())),
        Err(status) => Err(status_text(&status)),
    }
}

/// Kills a plugin that has operations, is silent and does not answer.
pub(super) async fn watch(instance: Weak<Instance>) {
    loop {
        let Some(pause) = instance.upgrade().map(|it| it.timing.quiet_max / 2) else { return };
        tokio::time::sleep(pause).await;
        let Some(instance) = instance.upgrade() else { return };
        if instance.exit().is_some() {
            return;
        }
        if !instance.is_quiet() {
            continue;
        }
        match check(&instance.channel, instance.timing.call_timeout).await {
            Ok(()) => instance.heard(),
            Err(how) => instance.hang(&how),
        }
    }
}
