//! Between the factory's words and the plugin contract's.

mod event;
mod needs;
mod request;
mod template;

pub(super) use event::{announced, time};
pub(super) use needs::needs;
pub(super) use request::{
    account, content, diagnostic, identifiers, input_image, open_intent, proposal,
};
pub(super) use template::template;

use crate::delegate::{Description, Operation};
use crate::domain::{CloudContent, Failure, Fault, Parameters, Secret};
use crate::schema::{Schema, Schemas};
use factory_proto::info::Kind;
use factory_proto::plugin_v1 as proto;
use std::collections::HashMap;
use std::sync::Arc;

/// Makes the head of a request.
pub(super) fn header(operation: &Operation) -> proto::OperationHeader {
    let secrets = operation.secrets.iter();
    proto::OperationHeader {
        operation_id: operation.id.to_string(),
        after_seq: 0,
        work_dir: operation.work_dir.display().to_string(),
        image: Some(proto::ImageContext {
            id: operation.image.to_string(),
            kind: operation.kind.to_string(),
            attempt: operation.attempt,
        }),
        parameters_json: operation.parameters.to_json(),
        secret_parameters: secrets.map(|(name, value)| (name.clone(), secret(value))).collect(),
        traceparent: String::new(),
    }
}

/// Leaves of the parameters what a plugin knows, as its schema takes it: a request may be for several plugins.
pub(super) fn own_parameters(
    description: &Description,
    parameters_json: &mut String,
    secrets: &mut HashMap<String, proto::Secret>,
) {
    let Some(schema) = &description.schemas.parameters else { return };
    if let Ok(Parameters(given)) = Parameters::parse(parameters_json) {
        *parameters_json = Parameters(schema.view(&given)).to_json();
    }
    secrets.retain(|name, _| schema.knows(name));
}

/// Reads what a plugin says about itself; it must be of the kind that its `.info` file says.
pub(super) fn description(
    answer: proto::DescribeResponse,
    kind: Kind,
) -> Result<Description, String> {
    let says = match answer.kind() {
        proto::PluginKind::Os => Some(Kind::Os),
        proto::PluginKind::Cloud => Some(Kind::Cloud),
        proto::PluginKind::Unspecified => None,
    };
    if says != Some(kind) {
        let says = says.map_or("nothing", Kind::as_str);
        return Err(format!("its .info file says `{}` but it says `{says}`", kind.as_str()));
    }
    let schemas = schemas(&answer)?;
    Ok(Description {
        name: answer.name,
        version: answer.version,
        capabilities: answer.capabilities,
        schemas,
        concurrent_operations_max: answer.max_concurrent_operations,
        needs: answer.needs.map(needs).unwrap_or_default(),
    })
}

/// Reads a failure.
pub(super) fn failure(sent: proto::Failure) -> Failure {
    let fault = match sent.fault() {
        proto::Fault::User => Fault::User,
        proto::Fault::Auth => Fault::Auth,
        proto::Fault::Quota => Fault::Quota,
        proto::Fault::Host => Fault::Host,
        proto::Fault::Transient => Fault::Transient,
        proto::Fault::Conflict => Fault::Conflict,
        proto::Fault::Plugin | proto::Fault::Unspecified => Fault::Plugin,
    };
    let or = |text: String, instead: &str| if text.is_empty() { instead.to_owned() } else { text };
    Failure {
        reason: or(sent.reason, "UNSPECIFIED"),
        message: or(sent.message, "the plugin failed and did not say why"),
        fault,
        hint: sent.hint,
        path: sent.path,
        step: sent.step,
        detail: sent.detail,
        retryable: sent.retry.is_some_and(|retry| retry.retryable),
    }
}

/// Reads what a cloud wants in an image.
pub(super) fn cloud_content(sent: proto::CloudContent) -> CloudContent {
    CloudContent {
        files: sent.files.into_iter().map(|file| (file.name, file.content)).collect(),
        commands: sent.commands.into_iter().map(|it| (it.name, it.content)).collect(),
    }
}

fn secret(secret: &Secret) -> proto::Secret {
    secret.expose().to_owned().into()
}

/// Reads the schemas of what a plugin takes.
fn schemas(answer: &proto::DescribeResponse) -> Result<Schemas, String> {
    let read = |what: &str, text: &str| match Schema::read(text) {
        Ok(schema) => Ok(schema.map(Arc::new)),
        Err(invalid) => Err(format!("its {what} can't be used: {invalid}")),
    };
    Ok(Schemas {
        parameters: read("parameters_schema_json", &answer.parameters_schema_json)?,
        provider: read("provider_schema_json", &answer.provider_schema_json)?,
        credentials: read("credentials_schema_json", &answer.credentials_schema_json)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: proto::PluginKind, schema: &str) -> proto::DescribeResponse {
        proto::DescribeResponse {
            kind: kind.into(),
            parameters_schema_json: schema.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn sensitive_parameters_are_read_from_the_schema() {
        let schema = r#"{"properties": {
            "a": {"x-factory-sensitive": true}, "b": {"x-factory-sensitive": false}, "c": true
        }}"#;
        let description = description(answer(proto::PluginKind::Os, schema), Kind::Os).unwrap();
        assert_eq!(description.schemas.sensitive_parameters(), ["a"]);
    }

    #[test]
    fn a_plugin_of_another_kind_or_with_a_broken_schema_is_not_used() {
        let error = description(answer(proto::PluginKind::Cloud, ""), Kind::Os).unwrap_err();
        assert_eq!(error, "its .info file says `os` but it says `cloud`");
        let error = description(answer(proto::PluginKind::Os, "{"), Kind::Os).unwrap_err();
        assert!(
            error.starts_with("its parameters_schema_json can't be used: it is not JSON"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_failure_is_the_plugins_fault_and_says_so() {
        let failure = failure(proto::Failure::default());
        assert_eq!(failure.fault, Fault::Plugin);
        assert_eq!(failure.message, "the plugin failed and did not say why");
    }
}
