//! `OSDelegate` before the SDK's.

use super::Known;
use factory_plugin_sdk::EventStream;
use factory_plugin_sdk::proto::{
    CreateBaseImageRequest, CreateTargetImageRequest, os_delegate_server::OsDelegate,
};
use factory_plugin_sdk::server::OsService;
use tonic::{Request, Response, Status};

pub(super) struct Hostile {
    inner: OsService,
    known: Known,
}

impl Hostile {
    pub(super) fn new(inner: OsService, known: Known) -> Self {
        Self { inner, known }
    }
}

#[tonic::async_trait]
impl OsDelegate for Hostile {
    type CreateBaseImageStream = EventStream;
    type CreateTargetImageStream = EventStream;

    async fn create_base_image(
        &self,
        request: Request<CreateBaseImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "CreateBaseImage") {
            Some(answer) => answer,
            None => self.inner.create_base_image(request).await,
        }
    }

    async fn create_target_image(
        &self,
        request: Request<CreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let header = request.get_ref().header.as_ref();
        match self.known.answer(header, "CreateTargetImage") {
            Some(answer) => answer,
            None => self.inner.create_target_image(request).await,
        }
    }
}
