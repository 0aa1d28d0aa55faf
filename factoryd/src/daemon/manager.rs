//! What a service manager is told, by the protocol of systemd's `sd_notify`. Without one, nothing happens.

use crate::domain::ImageId;
use crate::report::chain;
use crate::store::Store;
use sd_notify::NotifyState;
use uuid::Uuid;

/// How many signs of life fit into the time that the manager waits for one.
const SIGNS: u32 = 3;

/// Says that the daemon serves, and where.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says that the daemon is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending builds")]);
}

/// Gives signs of life for ever, if the manager waits for them: each after the store was read, for a daemon that can't do
/// that answers nobody. A daemon that hangs is silent, and restarted.
pub(super) async fn prove_life(store: Store) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let pause = patience / SIGNS;
    // An image that is not there: the answer takes all that a real one does.
    let nobody = ImageId::from_uuid(Uuid::nil());
    loop {
        match tokio::time::timeout(patience, store.image(&nobody)).await {
            Ok(Ok(_)) => tell(&[NotifyState::Watchdog]),
            Ok(Err(error)) => tracing::error!("the store can't be read: {}", chain(&error)),
            Err(_) => tracing::error!("the store does not answer"),
        }
        tokio::time::sleep(pause).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager can't be told");
    }
}
