//! `CloudDelegate` before the SDK's.

use super::Known;
use factory_plugin_sdk::EventStream;
use factory_plugin_sdk::proto::{
    DeleteFromProviderRequest, DidCreateTargetImageRequest, PushImageToProviderRequest,
    ShouldCreateTargetImageRequest, SnapshotImageOnProviderRequest, WillCreateTargetImageRequest,
    cloud_delegate_server::CloudDelegate,
};
use factory_plugin_sdk::server::CloudService;
use tonic::{Request, Response, Status};

pub(super) struct Hostile {
    inner: CloudService,
    known: Known,
}

impl Hostile {
    pub(super) fn new(inner: CloudService, known: Known) -> Self {
        Self { inner, known }
    }
}

#[tonic::async_trait]
impl CloudDelegate for Hostile {
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
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "ShouldCreateTargetImage") {
            Some(answer) => answer,
            None => self.inner.should_create_target_image(request).await,
        }
    }

    async fn will_create_target_image(
        &self,
        request: Request<WillCreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "WillCreateTargetImage") {
            Some(answer) => answer,
            None => self.inner.will_create_target_image(request).await,
        }
    }

    async fn did_create_target_image(
        &self,
        request: Request<DidCreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "DidCreateTargetImage") {
            Some(answer) => answer,
            None => self.inner.did_create_target_image(request).await,
        }
    }

    async fn push_image_to_provider(
        &self,
        request: Request<PushImageToProviderRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "PushImageToProvider") {
            Some(answer) => answer,
            None => self.inner.push_image_to_provider(request).await,
        }
    }

    async fn snapshot_image_on_provider(
        &self,
        request: Request<SnapshotImageOnProviderRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "SnapshotImageOnProvider") {
            Some(answer) => answer,
            None => self.inner.snapshot_image_on_provider(request).await,
        }
    }

    async fn delete_from_provider(
        &self,
        request: Request<DeleteFromProviderRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "DeleteFromProvider") {
            Some(answer) => answer,
            None => self.inner.delete_from_provider(request).await,
        }
    }
}
