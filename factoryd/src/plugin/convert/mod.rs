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
use crate::domain::{CloudContent, Failure, Fault, Secret};
use factory_proto::info::Kind;
use factory_proto::plugin_v1 as proto;

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
    Ok(Description {
        name: answer.name,
        version: answer.version,
        capabilities: answer.capabilities,
        sensitive_parameters: sensitive(&answer.parameters_schema_json)?,
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

/// Answers the names of the parameters that the schema marks as sensitive.
fn sensitive(schema: &str) -> Result<Vec<String>, String> {
    if schema.trim().is_empty() {
        return Ok(Vec::new());
    }
    let schema: serde_json::Value = serde_json::from_str(schema)
        .map_err(|error| format!("the schema of its parameters is not JSON: {error}"))?;
    let properties = schema.get("properties").and_then(|properties| properties.as_object());
    let marked = |value: &serde_json::Value| value["x-factory-sensitive"] == true;
    let names = properties.into_iter().flatten().filter(|(_, value)| marked(value));
    Ok(names.map(|(name, _)| name.clone()).collect())
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
        assert_eq!(description.sensitive_parameters, ["a"]);
    }

    #[test]
    fn a_plugin_of_another_kind_or_with_a_broken_schema_is_not_used() {
        let error = description(answer(proto::PluginKind::Cloud, ""), Kind::Os).unwrap_err();
        assert_eq!(error, "its .info file says `os` but it says `cloud`");
        let error = description(answer(proto::PluginKind::Os, "{"), Kind::Os).unwrap_err();
        assert!(error.starts_with("the schema of its parameters is not JSON"), "{error}");
    }

    #[test]
    fn an_empty_failure_is_the_plugins_fault_and_says_so() {
        let failure = failure(proto::Failure::default());
        assert_eq!(failure.fault, Fault::Plugin);
        assert_eq!(failure.message, "the plugin failed and did not say why");
    }
}
