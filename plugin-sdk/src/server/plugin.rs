//! `Plugin`: what the plugin is, and whether a request makes sense to it.

use super::{Server, validate_request};
use factory_proto::plugin_v1::{
    DescribeRequest, DescribeResponse, ValidateRequest, ValidateResponse, plugin_server,
};
use tonic::{Code, Request, Response, Status};

/// The service `Plugin`.
#[derive(Clone)]
pub struct PluginService {
    server: Server,
}

impl PluginService {
    pub(super) fn new(server: Server) -> Self {
        Self { server }
    }
}

#[tonic::async_trait]
impl plugin_server::Plugin for PluginService {
    async fn describe(
        &self,
        _request: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(self.server.description.clone()))
    }

    async fn validate(
        &self,
        request: Request<ValidateRequest>,
    ) -> Result<Response<ValidateResponse>, Status> {
        let request = validate_request(request.into_inner())
            .map_err(|failure| failure.into_status(Code::InvalidArgument))?;
        let diagnostics = self.server.validate(request).await;
        Ok(Response::new(ValidateResponse { diagnostics }))
    }
}
