//! Image Factory's MockCloud. Its misbehaviour is that of the mock OS plugin.
//!
//! A provider that is only a name is nowhere: pushing makes up an identifier. A provider `{"directory": "/…"}` is a cloud that
//! is kept in that directory: see [`Cloud`].

mod cloud;
mod work;

pub use cloud::Cloud;

use factory_plugin_mock_os::scenario::Scenario;
use factory_plugin_mock_os::{parameters_schema, validate};
use factory_plugin_sdk::proto::{ContentCommand, ContentFile, Needs, needs::Network};
use factory_plugin_sdk::{
    Account, CloudContent, CloudIdentifiers, CloudPlugin, DeleteRequest, Description, Diagnostic,
    Failure, Fault, LeftOver, Operation, PushRequest, Settled, SnapshotRequest, TargetRequest,
    ValidateRequest, async_trait,
};
use serde_json::Value;

/// Pushes nothing, or files into a directory.
#[derive(Debug)]
pub struct MockCloud;

#[async_trait]
impl CloudPlugin for MockCloud {
    fn describe(&self) -> Description {
        Description::from_info("mock-cloud", include_str!("../mock-cloud.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .capability("validate")
            .capability("push")
            .capability("snapshot")
            .capability("delete")
            .capability("reconcile")
            .formats(&["raw"], &["raw"])
            .needs(Needs { network: Network::None.into(), ..Needs::default() })
            .parameters_schema(parameters_schema())
    }

    async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        validate(&request)
    }

    async fn should_create_target_image(
        &self,
        _request: TargetRequest,
        operation: &Operation,
    ) -> Result<bool, Failure> {
        Scenario::read(operation, "ShouldCreateTargetImage")?.misbehave().await?;
        Ok(true)
    }

    async fn will_create_target_image(
        &self,
        _request: TargetRequest,
        operation: &Operation,
    ) -> Result<CloudContent, Failure> {
        Scenario::read(operation, "WillCreateTargetImage")?.misbehave().await?;
        let mut wanted = content(operation)?;
        if operation.parameters().get("mock_echo").is_some() {
            let secret = operation.parameters().secret("mock_password").unwrap_or_default();
            let file = ContentFile { name: "/etc/secret".to_owned(), content: secret.into() };
            wanted.files.push(file);
        }
        Ok(wanted)
    }

    async fn did_create_target_image(
        &self,
        _request: TargetRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        Scenario::read(operation, "DidCreateTargetImage")?.misbehave().await
    }

    async fn push_image_to_provider(
        &self,
        request: PushRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        let scenario = Scenario::read(operation, "PushImageToProvider")?;
        let scenario = scenario.knowing([request.credentials.value.clone()]);
        let cloud = Cloud::open(&request.provider, &request.credentials)?;
        scenario.play().await?;
        match cloud {
            Some(cloud) => work::push(&cloud, &scenario, operation).await.map(identified),
            None => Ok(identifiers()),
        }
    }

    async fn snapshot_image_on_provider(
        &self,
        request: SnapshotRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        let scenario = Scenario::read(operation, "SnapshotImageOnProvider")?;
        let scenario = scenario.knowing([request.credentials.value.clone()]);
        let cloud = Cloud::open(&request.provider, &request.credentials)?;
        scenario.play().await?;
        match cloud {
            Some(cloud) => work::snapshot(&cloud, &scenario, operation).await.map(identified),
            None => Ok(identifiers()),
        }
    }

    async fn delete_from_provider(
        &self,
        request: DeleteRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let scenario = Scenario::read(operation, "DeleteFromProvider")?;
        let scenario = scenario.knowing([request.credentials.value.clone()]);
        scenario.misbehave().await?;
        let Some(cloud) = Cloud::open(&request.provider, &request.credentials)? else {
            return Ok(());
        };
        scenario.at("delete:provider-image").await?;
        cloud.delete(&request.identifiers.identifier_on_provider)?;
        scenario.at("deleted:provider-image").await
    }

    async fn reconcile(
        &self,
        left_over: &LeftOver,
        account: &Account,
        operation: &Operation,
    ) -> Result<Settled, Failure> {
        let scenario = Scenario::read(operation, "Reconcile")?;
        let scenario = scenario.knowing([account.credentials.value.clone()]);
        scenario.at(&format!("reconcile:{}", left_over.name)).await?;
        // A provider that is only a name is nowhere, and so is everything in it.
        let Some(cloud) = Cloud::open(&account.provider, &account.credentials)? else {
            return Ok(Settled::NotThere);
        };
        let settled = work::settle(&cloud, left_over)?;
        scenario.at(&format!("reconciled:{}", left_over.name)).await?;
        Ok(settled)
    }
}

fn identifiers() -> CloudIdentifiers {
    identified(uuid::Uuid::new_v4().to_string())
}

fn identified(identifier_on_provider: String) -> CloudIdentifiers {
    let provider_account_identifier = "mock_user".to_owned();
    CloudIdentifiers { identifier_on_provider, provider_account_identifier }
}

/// Reads the parameter `mock_cloud_content`, which has the original's form:
/// `{"files": [{"name", "file"}], "commands": [{"name", "command"}]}`. On a command line it is text.
fn content(operation: &Operation) -> Result<CloudContent, Failure> {
    let content = match operation.parameters().get("mock_cloud_content") {
        None => return Ok(CloudContent::default()),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(wrong)?,
        Some(value) => value.clone(),
    };
    let list = |key: &str| content[key].as_array().cloned().unwrap_or_default();
    let text = |part: &Value, key: &str| part[key].as_str().unwrap_or_default().to_owned();
    let file = |part: &Value| ContentFile {
        name: text(part, "name"),
        content: text(part, "file").into_bytes(),
    };
    let command = |part: &Value| ContentCommand {
        name: text(part, "name"),
        content: text(part, "command").into_bytes(),
    };
    Ok(CloudContent {
        files: list("files").iter().map(file).collect(),
        commands: list("commands").iter().map(command).collect(),
    })
}

fn wrong(error: serde_json::Error) -> Failure {
    let message = format!("parameter mock_cloud_content is not JSON: {error}");
    Failure::new(Fault::User, "INVALID_PARAMETER", message).path("parameters.mock_cloud_content")
}
