//! `CloudDelegate`, over [`CloudPlugin`].

use super::{Server, work};
use crate::request;
use crate::stream::EventStream;
use crate::{
    CloudPlugin, DeleteRequest, Failure, InputImage, PushRequest, SnapshotRequest, TargetRequest,
    Template,
};
use factory_proto::plugin_v1::{
    DeleteFromProviderRequest, DidCreateTargetImageRequest, PushImageToProviderRequest,
    ShouldCreateTargetImageRequest, SnapshotImageOnProviderRequest, WillCreateTargetImageRequest,
    cloud_delegate_server::CloudDelegate, completed::Result as Answered,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service `CloudDelegate`.
#[derive(Clone)]
pub struct CloudService {
    plugin: Arc<dyn CloudPlugin>,
    server: Server,
}

impl CloudService {
    pub(super) fn new(plugin: Arc<dyn CloudPlugin>, server: Server) -> Self {
        Self { plugin, server }
    }
}

#[tonic::async_trait]
impl CloudDelegate for CloudService {
    type ShouldCreateTargetImageStream = EventStream;
    type WillCreateTargetImageStream = EventStream;
    type DidCreateTargetImageStream = EventStream;
    type PushImageToProviderStream = EventStream;
    type SnapshotImageOnProviderStream = EventStream;
    type DeleteFromProviderStream = EventStream;

    async fn should_create_target_image(
        &self,
        request: Request<ShouldCreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let request =
                target_request(request.target, request.base_image, "base_image", request.template)?;
            Ok(work(|operation| async move {
                let should = plugin.should_create_target_image(request, &operation).await?;
                Ok(Some(Answered::ShouldCreateTargetImage(should)))
            }))
        })
    }

    async fn will_create_target_image(
        &self,
        request: Request<WillCreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let request =
                target_request(request.target, request.base_image, "base_image", request.template)?;
            Ok(work(|operation| async move {
                let content = plugin.will_create_target_image(request, &operation).await?;
                Ok(Some(Answered::CloudContent(content)))
            }))
        })
    }

    async fn did_create_target_image(
        &self,
        request: Request<DidCreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let image = request.target_image;
            let request = target_request(request.target, image, "target_image", request.template)?;
            Ok(work(|operation| async move {
                plugin.did_create_target_image(request, &operation).await.map(|()| None)
            }))
        })
    }

    async fn push_image_to_provider(
        &self,
        request: Request<PushImageToProviderRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let (provider, credentials) = request::account(request.account)?;
            let image = request::image(request.target_image, "target_image")?;
            let request = PushRequest { target: request.target, provider, credentials, image };
            Ok(work(|operation| async move {
                operation.announce(plugin.push_image_to_provider(request, &operation).await?);
                Ok(None)
            }))
        })
    }

    async fn snapshot_image_on_provider(
        &self,
        request: Request<SnapshotImageOnProviderRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let (provider, credentials) = request::account(request.account)?;
            let template = request::template(request.template)?;
            let request =
                SnapshotRequest { target: request.target, provider, credentials, template };
            Ok(work(|operation| async move {
                operation.announce(plugin.snapshot_image_on_provider(request, &operation).await?);
                Ok(None)
            }))
        })
    }

    async fn delete_from_provider(
        &self,
        request: Request<DeleteFromProviderRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let (provider, credentials) = request::account(request.account)?;
            let request = DeleteRequest {
                target: request.target,
                provider,
                credentials,
                identifiers: request.identifiers.unwrap_or_default(),
                image: request::image(request.provider_image, "provider_image")?,
            };
            Ok(work(|operation| async move {
                plugin.delete_from_provider(request, &operation).await.map(|()| None)
            }))
        })
    }
}

fn target_request(
    target: String,
    image: Option<InputImage>,
    field: &str,
    template: Option<Template>,
) -> Result<TargetRequest, Failure> {
    let image = request::image(image, field)?;
    Ok(TargetRequest { target, image, template: request::template(template)? })
}
