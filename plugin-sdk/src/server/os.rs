//! `OSDelegate`, over [`OsPlugin`].

use super::{Server, work};
use crate::request;
use crate::stream::EventStream;
use crate::{BaseRequest, OsPlugin, TargetImageRequest};
use factory_proto::plugin_v1::{
    CreateBaseImageRequest, CreateTargetImageRequest, os_delegate_server::OsDelegate,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service `OSDelegate`.
#[derive(Clone)]
pub struct OsService {
    plugin: Arc<dyn OsPlugin>,
    server: Server,
}

impl OsService {
    pub(super) fn new(plugin: Arc<dyn OsPlugin>, server: Server) -> Self {
        Self { plugin, server }
    }
}

#[tonic::async_trait]
impl OsDelegate for OsService {
    type CreateBaseImageStream = EventStream;
    type CreateTargetImageStream = EventStream;

    async fn create_base_image(
        &self,
        request: Request<CreateBaseImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let request = BaseRequest { template: request::template(request.template)? };
            Ok(work(|operation| async move {
                plugin.create_base_image(request, &operation).await.map(|()| None)
            }))
        })
    }

    async fn create_target_image(
        &self,
        request: Request<CreateTargetImageRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.plugin.clone();
        self.server.call(request, |request| {
            let request = TargetImageRequest {
                target: request.target,
                base_image: request::image(request.base_image, "base_image")?,
                template: request::template(request.template)?,
                cloud_content: request.cloud_content.unwrap_or_default(),
            };
            Ok(work(|operation| async move {
                plugin.create_target_image(request, &operation).await.map(|()| None)
            }))
        })
    }
}
