//! The port for settling what was left over, over gRPC: `Operations.Reconcile`.

use super::convert::{account, header, open_intent};
use super::hidden;
use super::operation::{self, Request};
use super::supervisor::Plugin;
use crate::delegate::{Account, Description, Error, OpenIntent, Operation, Reconciler};
use async_trait::async_trait;
use factory_proto::plugin_v1::ReconcileRequest;
use std::sync::Arc;

/// What a plugin left over.
pub(super) struct Leftovers(pub(super) Arc<Plugin>);

#[async_trait]
impl Reconciler for Leftovers {
    async fn describe(&self) -> Result<Description, Error> {
        Ok(self.0.instance().await?.description().clone())
    }

    async fn reconcile(
        &self,
        operation: &Operation,
        target: &str,
        within: &Account,
        intents: &[OpenIntent],
    ) -> Result<(), Error> {
        let secrets = hidden::given(operation, None, Some(within));
        let request = ReconcileRequest {
            header: Some(header(operation)),
            account: Some(account(within)),
            intents: intents.iter().map(open_intent).collect(),
            target: target.to_owned(),
        };
        operation::run(&self.0, operation, Request::Reconcile(request), secrets).await.map(drop)
    }
}
