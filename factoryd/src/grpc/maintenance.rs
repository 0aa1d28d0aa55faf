//! The service `factory.v1.Maintenance`. It translates and decides nothing; that its callers are admins is the guard's to see.

use super::status::{Refused, invalid, status};
use crate::domain::{Pruned, RetentionRule};
use crate::factory::{CheckOptions, Checked, Factory, Finding, Remedy};
use factory_proto::factory_v1 as v1;
use std::time::Duration;
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

    async fn prune(
        &self,
        request: Request<v1::PruneRequest>,
    ) -> Result<Response<v1::PruneResponse>, Status> {
        let request = request.into_inner();
        let dry_run = request.dry_run;
        let pruned = self.factory.prune(&rule(request)?, dry_run).await;
        let images =
            pruned.map_err(|error| status(&error))?.into_iter().map(pruned_image).collect();
        Ok(Response::new(v1::PruneResponse { images }))
    }
}

fn rule(it: v1::PruneRequest) -> Result<RetentionRule, Refused> {
    let older_than = it.older_than.map(Duration::try_from).transpose();
    Ok(RetentionRule {
        keep_last: it.keep_last.map(|count| count as usize),
        older_than: older_than.map_err(|_| invalid("older_than", "it must not be negative"))?,
        name: (!it.name.is_empty()).then_some(it.name),
        tag: (!it.tag.is_empty()).then_some(it.tag),
    })
}

fn pruned_image(it: Pruned) -> v1::Pruned {
    v1::Pruned {
        image_id: it.image.id.as_str().to_owned(),
        name: it.image.name,
        kind: it.image.kind.as_str().to_owned(),
        size: it.image.artifacts.iter().map(|artifact| artifact.size).sum(),
        why: it.why,
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
