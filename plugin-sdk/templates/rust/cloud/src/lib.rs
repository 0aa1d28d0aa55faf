//! Puts images into @TYPE@. This is what there is to write; the SDK does the rest.

mod cloud;

use cloud::Cloud;
use factory_plugin_sdk::{
    Account, CloudIdentifiers, CloudPlugin, DeleteRequest, Description, Existing, Failure, Intent,
    LeftOver, Operation, PushRequest, Settled, async_trait,
};

/// The plugin.
pub struct @TYPE@;

#[async_trait]
impl CloudPlugin for @TYPE@ {
    fn describe(&self) -> Description {
        Description::from_info("@NAME@", include_str!("../@NAME@.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .capability("push")
            .capability("delete")
            .capability("reconcile")
            .formats(&["raw"], &["raw"])
            .provider_schema(cloud::provider_schema())
    }

    async fn push_image_to_provider(
        &self,
        request: PushRequest,
        op: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        let cloud = Cloud::open(&request.provider)?;
        let disk = cloud::disk_of(&request.image)?;
        // `create` runs once the factory has written down that something will exist; `delete` if this fails.
        let create = async |tag: String| Ok(cloud.upload(&disk, &tag)?);
        let theirs = cloud.clone();
        let delete = async move |left: Existing| theirs.delete(&left.token).map(drop);
        let id = op.create(Intent::lasting("image", "image"), create, delete).await?;
        Ok(cloud.identifiers(id))
    }

    async fn delete_from_provider(
        &self,
        request: DeleteRequest,
        _: &Operation,
    ) -> Result<(), Failure> {
        let cloud = Cloud::open(&request.provider)?;
        cloud.delete(&request.identifiers.identifier_on_provider).map(drop)
    }

    async fn reconcile(
        &self,
        left: &LeftOver,
        account: &Account,
        _: &Operation,
    ) -> Result<Settled, Failure> {
        Cloud::open(&account.provider)?.settle(left)
    }
}
