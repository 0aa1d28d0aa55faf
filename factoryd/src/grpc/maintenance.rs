//! The service `factory.v1.Maintenance`. It translates and decides nothing; that its callers are admins is the guard's to see.

use super::status::status;
use crate::factory::{CheckOptions, Checked, Factory, Finding, Remedy};
use factory_proto::factory_v1 as v1;
use tonic::{Request, Response, Status};

/// Looks after a factory's store.
#[derive(Clone)]
pub struct MaintenanceApi {
    factory: Factory,
}

impl MaintenanceApi {
    /// Serves the upkeep of a factory.
    pub fn new(factory: Factory) -> Self {
        Self { factory }
    }

    /// Answers the tonic service.
    pub fn into_server(self) -> v1::maintenance_server::MaintenanceServer<Self> {
        v1::maintenance_server::MaintenanceServer::new(self)
            .max_encoding_message_size(factory_proto::MESSAGE_SIZE_MAX)
    }
}

#[tonic::async_trait]
impl v1::maintenance_server::Maintenance for MaintenanceApi {
    async fn check_store(
        &self,
        request: Request<v1::CheckStoreRequest>,
    ) -> Result<Response<v1::CheckStoreResponse>, Status> {
        let request = request.into_inner();
        let options = CheckOptions { repair: request.repair, digests: !request.without_digests };
        let checked = self.factory.check_store(options).await;
        Ok(Response::new(translated(checked.map_err(|error| status(&error))?)))
    }
}

fn translated(checked: Checked) -> v1::CheckStoreResponse {
    v1::CheckStoreResponse {
        findings: checked.findings.into_iter().map(finding).collect(),
        images: checked.images as u64,
        bodies: checked.bodies as u64,
        bytes: checked.bytes,
    }
}

fn finding(it: Finding) -> v1::Finding {
    let (remedy, action) = match it.remedy {
        Remedy::Done(how) => ("done", how),
        Remedy::Possible(how) => ("possible", how),
        Remedy::ByHand(how) => ("by hand", how),
    };
    v1::Finding {
        severity: it.severity.as_str().to_owned(),
        reason: it.reason.to_owned(),
        image_id: it.image.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        path: it.path.map(|path| path.display().to_string()).unwrap_or_default(),
        message: it.message,
        remedy: remedy.to_owned(),
        action: action.to_owned(),
    }
}
