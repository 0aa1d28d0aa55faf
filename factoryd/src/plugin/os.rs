//! The port for OS plugins, over gRPC.

use super::convert::{content, header, input_image, template};
use super::hidden;
use super::operation::{self, Request};
use super::supervisor::Plugin;
use super::validate::validate;
use crate::delegate::{
    Description, Diagnostic, Error, InputImage, Operation, OsDelegate, Proposal,
};
use crate::domain::{CloudContent, Template};
use async_trait::async_trait;
use factory_proto::plugin_v1::{CreateBaseImageRequest, CreateTargetImageRequest};
use std::sync::Arc;

/// An OS plugin.
pub(super) struct Os(pub(super) Arc<Plugin>);

#[async_trait]
impl OsDelegate for Os {
    async fn describe(&self) -> Result<Description, Error> {
        Ok(self.0.instance().await?.description().clone())
    }

    async fn validate(&self, proposal: Proposal<'_>) -> Result<Vec<Diagnostic>, Error> {
        validate(&self.0, proposal).await
    }

    async fn create_base_image(&self, operation: &Operation, what: &Template) -> Result<(), Error> {
        let secrets = hidden::given(operation, Some(what), None);
        let request = CreateBaseImageRequest {
            header: Some(header(operation)),
            template: Some(template(what)?),
        };
        let request = Request::CreateBaseImage(request);
        operation::run(&self.0, operation, request, secrets).await.map(drop)
    }

    async fn create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        base: &InputImage,
        what: &Template,
        cloud_content: &CloudContent,
    ) -> Result<(), Error> {
        let secrets = hidden::given(operation, Some(what), None);
        let request = CreateTargetImageRequest {
            header: Some(header(operation)),
            target: target.to_owned(),
            base_image: Some(input_image(base)?),
            template: Some(template(what)?),
            cloud_content: Some(content(cloud_content)),
        };
        let request = Request::CreateTargetImage(request);
        operation::run(&self.0, operation, request, secrets).await.map(drop)
    }
}
