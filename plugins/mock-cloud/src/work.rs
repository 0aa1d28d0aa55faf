//! What pushing and making a snapshot create in a cloud, and the points at which that can be made to go wrong.
//!
//! ```text
//! push       upload (an object), image
//! snapshot   key (a key pair), volume, instance, image
//! ```
//!
//! Only the image stays. `mock_misbehave_at` names a point and one of these: `intent:upload` (the intent is durable),
//! `create:upload` (it exists), `confirm:upload` (that is confirmed), `delete:upload` (it is about to be deleted),
//! `deleted:upload` (it is gone, unconfirmed). Further points are `reconcile:upload` and `reconciled:upload`, before and after
//! it is settled by `Reconcile`, and `delete:provider-image` and `deleted:provider-image` of `DeleteFromProvider`.

use crate::cloud::Cloud;
use factory_plugin_mock_os::scenario::{Scenario, misbehave_alone};
use factory_plugin_sdk::{Existing, Failure, Intent, LeftOver, Operation, Settled};
use serde_json::json;

/// Uploads an object and makes an image of it. Answers the image's id.
pub(crate) async fn push(
    cloud: &Cloud,
    scenario: &Scenario<'_>,
    operation: &Operation,
) -> Result<String, Failure> {
    create(Intent::temporary("upload", "object"), "upload", cloud, scenario, operation).await?;
    create(Intent::lasting("image", "image"), "image", cloud, scenario, operation).await
}

/// Starts an instance and makes an image of it. Answers the image's id.
pub(crate) async fn snapshot(
    cloud: &Cloud,
    scenario: &Scenario<'_>,
    operation: &Operation,
) -> Result<String, Failure> {
    create(Intent::temporary("key", "key-pair"), "key", cloud, scenario, operation).await?;
    create(Intent::temporary("volume", "volume"), "volume", cloud, scenario, operation).await?;
    create(Intent::temporary("instance", "instance"), "instance", cloud, scenario, operation)
        .await?;
    create(Intent::lasting("image", "image"), "image", cloud, scenario, operation).await
}

/// Deletes or adopts what another operation left over.
pub(crate) fn settle(cloud: &Cloud, left_over: &LeftOver) -> Result<Settled, Failure> {
    let found = match &left_over.id {
        Some(id) => Some(id.clone()),
        None => cloud.find(&left_over.token)?,
    };
    match found {
        None => Ok(Settled::NotThere),
        Some(id) if left_over.adopt => Ok(Settled::Adopted(id)),
        Some(id) if cloud.delete(&id)? => Ok(Settled::Deleted),
        Some(_) => Ok(Settled::NotThere),
    }
}

async fn create(
    intent: Intent,
    name: &str,
    cloud: &Cloud,
    scenario: &Scenario<'_>,
    operation: &Operation,
) -> Result<String, Failure> {
    let intent = intent.description(format!("{name} of image {}", operation.image_id()));
    let kind = if name == "upload" { "object" } else { name };
    let make = |tag: String| async move {
        scenario.at(&format!("intent:{name}")).await?;
        let id = cloud.create(kind, &tag)?;
        scenario.at(&format!("create:{name}")).await?;
        Ok(id)
    };
    let before = scenario.alone_at(&format!("delete:{name}"));
    let after = scenario.alone_at(&format!("deleted:{name}"));
    let theirs = cloud.clone();
    let delete = move |existing: Existing| async move {
        misbehave_alone(before.as_deref().unwrap_or_default()).await?;
        let id = match existing.id {
            Some(id) => Some(id),
            None => theirs.find(&existing.token)?,
        };
        id.map_or(Ok(false), |id| theirs.delete(&id))?;
        misbehave_alone(after.as_deref().unwrap_or_default()).await
    };
    let id = operation.create(intent.locator(json!({})), make, delete).await?;
    scenario.at(&format!("confirm:{name}")).await?;
    Ok(id)
}
