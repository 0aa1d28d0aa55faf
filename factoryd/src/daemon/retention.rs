//! Deleting, now and then, what is not worth keeping.

use crate::domain::RetentionRule;
use crate::factory::Factory;
use crate::report::chain;
use std::time::Duration;
use tracing::{info, warn};

/// How often.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Applies a rule every hour, for ever; the first time at once.
pub(super) async fn apply(factory: Factory, rule: RetentionRule) {
    if rule.is_empty() {
        return std::future::pending().await;
    }
    loop {
        match factory.prune(&rule, false).await {
            Ok(pruned) => {
                for one in pruned {
                    info!(id = %one.image.id, name = one.image.name, "deleting an image: {}", one.why);
                }
            }
            Err(error) => warn!("the retention rule can't be applied: {}", chain(&error)),
        }
        tokio::time::sleep(EVERY).await;
    }
}
