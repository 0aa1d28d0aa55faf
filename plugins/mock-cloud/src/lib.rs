//! Image Factory's MockCloud. Its misbehaviour is that of the mock OS plugin.

use factory_plugin_mock_os::scenario::Scenario;
use factory_plugin_mock_os::{parameters_schema, validate};
use factory_plugin_sdk::proto::{ContentCommand, ContentFile};
use factory_plugin_sdk::{
    CloudContent, CloudIdentifiers, CloudPlugin, DeleteRequest, Description, Diagnostic, Failure,
    Fault, Operation, PushRequest, SnapshotRequest, TargetRequest, ValidateRequest, async_trait,
};
use serde_json::Value;

/// Pushes nothing, and makes up what a provider would call it.
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
            .formats(&["raw"], &["raw"])
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
        content(operation)
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
        _request: PushRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        Scenario::read(operation, "PushImageToProvider")?.play().await?;
        Ok(identifiers())
    }

    async fn snapshot_image_on_provider(
        &self,
        _request: SnapshotRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        Scenario::read(operation, "SnapshotImageOnProvider")?.play().await?;
        Ok(identifiers())
    }

    async fn delete_from_provider(
        &self,
        _request: DeleteRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        Scenario::read(operation, "DeleteFromProvider")?.misbehave().await
    }
}

fn identifiers() -> CloudIdentifiers {
    CloudIdentifiers {
        identifier_on_provider: uuid::Uuid::new_v4().to_string(),
        provider_account_identifier: "mock_user".to_owned(),
    }
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
