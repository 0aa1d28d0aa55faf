//! `Operations` before the SDK's: agrees to everything asked of an operation that misbehaves, and does none of it.

use super::Known;
use factory_plugin_sdk::EventStream;
use factory_plugin_sdk::proto::{
    AcknowledgeRequest, AcknowledgeResponse, CancelRequest, CancelResponse, ListRequest,
    ListResponse, ReconcileRequest, operations_server::Operations,
};
use factory_plugin_sdk::server::OperationsService;
use tonic::{Request, Response, Status};

pub(super) struct Hostile {
    inner: OperationsService,
    known: Known,
}

impl Hostile {
    pub(super) fn new(inner: OperationsService, known: Known) -> Self {
        Self { inner, known }
    }
}

#[tonic::async_trait]
impl Operations for Hostile {
    type ReconcileStream = EventStream;

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelResponse>, Status> {
        if self.known.contains(&request.get_ref().operation_id) {
            return Ok(Response::new(CancelResponse {}));
        }
        self.inner.cancel(request).await
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        self.inner.list(request).await
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        if self.known.contains(&request.get_ref().operation_id) {
            return Ok(Response::new(AcknowledgeResponse {}));
        }
        self.inner.acknowledge(request).await
    }

    async fn reconcile(
        &self,
        request: Request<ReconcileRequest>,
    ) -> Result<Response<EventStream>, Status> {
        self.inner.reconcile(request).await
    }
}
