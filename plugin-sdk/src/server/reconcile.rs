//! `Operations.Reconcile`: one thing that was left over after the other.

use super::Plugin;
use crate::failure::FailureKind;
use crate::operations::{Answer, Work};
use crate::request;
use crate::{Account, Failure, Fault, LeftOver, Operation, Settled, token};
use factory_proto::plugin_v1::{
    OpenIntent, ReconcileRequest, ResourceCreated, ResourceDeleted, ResourceRemains, event::Kind,
    open_intent::Wanted,
};

/// Makes a piece of work of a request.
///
/// # Errors
/// If there is nothing to settle, or what is there has no intent.
pub(super) fn work(plugin: Plugin, request: ReconcileRequest) -> Result<Work, Failure> {
    let given = request.account.unwrap_or_default();
    let account = Account {
        target: request.target,
        provider: given.provider,
        credentials: given.credentials.unwrap_or_default(),
    };
    let all = request.intents.into_iter().map(left_over).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err(request::invalid("intents is empty".to_owned(), "intents"));
    }
    Ok(super::work(
        |operation| async move { settle_all(&plugin, &all, &account, &operation).await },
    ))
}

async fn settle_all(
    plugin: &Plugin,
    all: &[LeftOver],
    account: &Account,
    operation: &Operation,
) -> Answer {
    for left_over in all {
        if operation.cancellation().is_cancelled() {
            return Err(Failure::cancelled());
        }
        let intent_id = left_over.name.clone();
        let settled = match plugin {
            Plugin::Os(plugin) => plugin.reconcile(left_over, account, operation).await,
            Plugin::Cloud(plugin) => plugin.reconcile(left_over, account, operation).await,
        };
        let event = match settled {
            Ok(Settled::Deleted | Settled::NotThere) => {
                Kind::ResourceDeleted(ResourceDeleted { intent_id })
            }
            Ok(Settled::Adopted(resource_id)) if left_over.adopt => {
                Kind::ResourceCreated(ResourceCreated { intent_id, resource_id })
            }
            Ok(Settled::Adopted(_)) => remains(intent_id, kept())?,
            Err(failure) => remains(intent_id, failure)?,
        };
        operation.record().write(event);
    }
    Ok(None)
}

/// Says why something is still there; a cancellation, or a plugin without the method, ends the operation instead.
fn remains(intent_id: String, failure: Failure) -> Result<Kind, Failure> {
    match failure.kind {
        FailureKind::Failed(why) => {
            Ok(Kind::ResourceRemains(ResourceRemains { intent_id, why: Some(*why) }))
        }
        FailureKind::Cancelled { .. } | FailureKind::Unimplemented(_) => Err(failure),
    }
}

fn kept() -> Failure {
    let message = "the plugin wants to keep what is to be deleted";
    Failure::new(Fault::Plugin, "NOT_DELETED", message)
}

fn left_over(open: OpenIntent) -> Result<LeftOver, Failure> {
    let wanted = open.wanted();
    let intent = open.intent.unwrap_or_default();
    if intent.intent_id.is_empty() {
        return Err(request::invalid("an intent has no id".to_owned(), "intents.intent.intent_id"));
    }
    Ok(LeftOver {
        token: token(&open.operation_id, &intent.intent_id),
        operation_id: open.operation_id,
        name: intent.intent_id,
        kind: intent.kind,
        locator: serde_json::from_str(&intent.locator_json).unwrap_or_default(),
        id: Some(open.resource_id).filter(|id| !id.is_empty()),
        adopt: wanted == Wanted::Adopt,
    })
}
