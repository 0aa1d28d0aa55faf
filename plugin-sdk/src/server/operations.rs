//! `Operations`: steering what is under way.

use super::{Server, reconcile};
use crate::stream::EventStream;
use factory_proto::plugin_v1::{
    AcknowledgeRequest, AcknowledgeResponse, CancelRequest, CancelResponse, ListRequest,
    ListResponse, ReconcileRequest, operations_server,
};
use std::time::Duration;
use tonic::{Request, Response, Status};

/// The service `Operations`.
#[derive(Clone)]
pub struct OperationsService {
    server: Server,
}

impl OperationsService {
    pub(super) fn new(server: Server) -> Self {
        Self { server }
    }
}

#[tonic::async_trait]
impl operations_server::Operations for OperationsService {
    type ReconcileStream = EventStream;

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelResponse>, Status> {
        let CancelRequest { operation_id, grace } = request.into_inner();
        let grace = grace.and_then(|grace| Duration::try_from(grace).ok()).unwrap_or_default();
        self.server.operations.cancel(&operation_id, grace)?;
        Ok(Response::new(CancelResponse {}))
    }

    async fn list(&self, _request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        Ok(Response::new(ListResponse { operations: self.server.operations.list() }))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        let AcknowledgeRequest { operation_id, up_to_seq } = request.into_inner();
        self.server.operations.acknowledge(&operation_id, up_to_seq)?;
        Ok(Response::new(AcknowledgeResponse {}))
    }

    async fn reconcile(
        &self,
        request: Request<ReconcileRequest>,
    ) -> Result<Response<EventStream>, Status> {
        let plugin = self.server.plugin.clone();
        self.server.call(request, |request| reconcile::work(plugin, request))
    }
}
