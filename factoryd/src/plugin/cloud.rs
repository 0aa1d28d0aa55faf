//! The port for cloud plugins, over gRPC.

use super::convert::{account, cloud_content, header, identifiers, input_image, template};
use super::failure::violation;
use super::hidden;
use super::operation::{self, Request};
use super::supervisor::Plugin;
use super::validate::validate;
use crate::delegate::{
    Account, CloudDelegate, Description, Diagnostic, Error, InputImage, Operation, Proposal,
};
use crate::domain::{CloudContent, CloudIdentifiers, Template};
use async_trait::async_trait;
use factory_proto::plugin_v1::completed::Result as Completed;
use factory_proto::plugin_v1::{
    DeleteFromProviderRequest, DidCreateTargetImageRequest, PushImageToProviderRequest,
    ShouldCreateTargetImageRequest, SnapshotImageOnProviderRequest, WillCreateTargetImageRequest,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A cloud plugin.
pub(super) struct Cloud(pub(super) Arc<Plugin>);

#[async_trait]
impl CloudDelegate for Cloud {
    async fn describe(&self) -> Result<Description, Error> {
        Ok(self.0.instance().await?.description().clone())
    }

    async fn validate(&self, proposal: Proposal<'_>) -> Result<Vec<Diagnostic>, Error> {
        validate(&self.0, proposal).await
    }

    async fn should_create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        base: &InputImage,
    ) -> Result<bool, Error> {
        let secrets = hidden::given(operation, Some(&base.template), None);
        let request = ShouldCreateTargetImageRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            base_image: Some(input_image(base)?),
            template: Some(template(&base.template)?),
        };
        match self.run(operation, Request::ShouldCreateTargetImage(request), secrets).await? {
            Some(Completed::ShouldCreateTargetImage(answer)) => Ok(answer),
            _ => {
                let rule = "ShouldCreateTargetImage completed without an answer";
                Err(violation(self.0.name(), rule).into())
            }
        }
    }

    async fn will_create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        base: &InputImage,
    ) -> Result<CloudContent, Error> {
        let secrets = hidden::given(operation, Some(&base.template), None);
        let request = WillCreateTargetImageRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            base_image: Some(input_image(base)?),
            template: Some(template(&base.template)?),
        };
        match self.run(operation, Request::WillCreateTargetImage(request), secrets).await? {
            Some(Completed::CloudContent(content)) => Ok(cloud_content(content)),
            _ => Ok(CloudContent::default()),
        }
    }

    async fn did_create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        image: &InputImage,
    ) -> Result<(), Error> {
        let secrets = hidden::given(operation, Some(&image.template), None);
        let request = DidCreateTargetImageRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            target_image: Some(input_image(image)?),
            template: Some(template(&image.template)?),
        };
        self.run(operation, Request::DidCreateTargetImage(request), secrets).await.map(drop)
    }

    async fn push_image_to_provider(
        &self,
        operation: &Operation,
        target: &str,
        to: &Account,
        image: &InputImage,
    ) -> Result<(), Error> {
        let secrets = hidden::given(operation, Some(&image.template), Some(to));
        let request = PushImageToProviderRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            account: Some(account(to)),
            target_image: Some(input_image(image)?),
        };
        self.run(operation, Request::PushImageToProvider(request), secrets).await.map(drop)
    }

    async fn snapshot_image_on_provider(
        &self,
        operation: &Operation,
        target: &str,
        within: &Account,
        what: &Template,
    ) -> Result<(), Error> {
        let secrets = hidden::given(operation, Some(what), Some(within));
        let request = SnapshotImageOnProviderRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            account: Some(account(within)),
            template: Some(template(what)?),
        };
        self.run(operation, Request::SnapshotImageOnProvider(request), secrets).await.map(drop)
    }

    async fn delete_from_provider(
        &self,
        operation: &Operation,
        target: &str,
        from: &Account,
        named: &CloudIdentifiers,
        image: &InputImage,
    ) -> Result<(), Error> {
        let secrets = hidden::given(operation, Some(&image.template), Some(from));
        let request = DeleteFromProviderRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            account: Some(account(from)),
            identifiers: Some(identifiers(named)),
            provider_image: Some(input_image(image)?),
        };
        self.run(operation, Request::DeleteFromProvider(request), secrets).await.map(drop)
    }
}

impl Cloud {
    async fn run(
        &self,
        operation: &Operation,
        request: Request,
        secrets: Vec<Zeroizing<String>>,
    ) -> Result<Option<Completed>, Error> {
        operation::run(&self.0, operation, request, secrets).await
    }
}
