//! `Operations`: steering what is under way.

use crate::operations::Operations;
use crate::stream::EventStream;
use factory_proto::plugin_v1::{
    AcknowledgeRequest, AcknowledgeResponse, CancelRequest, CancelResponse, ListRequest,
    ListResponse, ReconcileRequest, operations_server,
};
use std::sync::Arc;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// The service `Operations`.
#[derive(Clone)]
pub struct OperationsService {
    operations: Arc<Operations>,
}

impl OperationsService {
    pub(super) fn new(operations: Arc<Operations>) -> Self {
        Self { operations }
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
        self.operations.cancel(&operation_id, grace)?;
        Ok(Response::new(CancelResponse {}))
    }

    async fn list(&self, _request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        Ok(Response::new(ListResponse { operations: self.operations.list() }))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        let AcknowledgeRequest { operation_id, up_to_seq } = request.into_inner();
        self.operations.acknowledge(&operation_id, up_to_seq)?;
        Ok(Response::new(AcknowledgeResponse {}))
    }

    async fn reconcile(
        &self,
        _request: Request<ReconcileRequest>,
    ) -> Result<Response<EventStream>, Status> {
        Err(Status::unimplemented("the plugin does not declare the capability `reconcile`"))
    }
}
