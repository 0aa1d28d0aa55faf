//! What a plugin says of itself, as JSON: what `PLUGIN describe` prints.

use crate::plugin_v1::{DescribeResponse, Needs, PluginTarget, TargetPart, Tool, needs::Network};
use serde_json::{Value, json};

/// Writes an answer to `Describe` as JSON: the `.proto`'s field names, schemas as JSON values.
pub fn describe_json(response: &DescribeResponse) -> Value {
    json!({
        "name": response.name,
        "version": response.version,
        "kind": response.kind().as_str_name(),
        "description": response.description,
        "targets": response.targets.iter().map(target_json).collect::<Vec<_>>(),
        "capabilities": response.capabilities,
        "input_formats": response.input_formats,
        "output_formats": response.output_formats,
        "parameters_schema_json": schema_json(&response.parameters_schema_json),
        "provider_schema_json": schema_json(&response.provider_schema_json),
        "credentials_schema_json": schema_json(&response.credentials_schema_json),
        "needs": response.needs.as_ref().map(needs_json),
        "max_concurrent_operations": response.max_concurrent_operations,
        "maintainer": response.maintainer,
        "license": response.license,
        "sdk": response.sdk,
        "warnings": response.warnings,
    })
}

fn target_json(target: &PluginTarget) -> Value {
    let part = |part: &TargetPart| part.value.as_ref().map_or(json!({}), |v| json!({ "value": v }));
    json!({ "parts": target.parts.iter().map(part).collect::<Vec<_>>() })
}

/// Writes a schema as the value it is; one that is absent or no JSON as the text it is.
fn schema_json(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_else(|_| schema.into())
}

fn needs_json(needs: &Needs) -> Value {
    json!({
        "devices": needs.devices,
        "network": Network::try_from(needs.network).unwrap_or_default().as_str_name(),
        "hosts": needs.hosts,
        "read_paths": needs.read_paths,
        "write_paths": needs.write_paths,
        "user_namespaces": needs.user_namespaces,
        "tools": needs.tools.iter().map(tool_json).collect::<Vec<_>>(),
        "credentials": needs.credentials,
    })
}

fn tool_json(tool: &Tool) -> Value {
    json!({
        "program": tool.program,
        "debian_package": tool.debian_package,
        "optional": tool.optional,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_field_names_of_the_contract_and_schemas_as_values() {
        let part = |value: Option<&str>| TargetPart { value: value.map(str::to_owned) };
        let response = DescribeResponse {
            kind: crate::plugin_v1::PluginKind::Os.into(),
            targets: vec![PluginTarget {
                parts: [Some("Debian"), Some("12"), None].map(part).into(),
            }],
            parameters_schema_json: r#"{"type": "object"}"#.to_owned(),
            needs: Some(Needs { network: Network::Any.into(), ..Default::default() }),
            ..Default::default()
        };
        let json = describe_json(&response);
        assert_eq!(json["kind"], "PLUGIN_KIND_OS");
        assert_eq!(json["parameters_schema_json"]["type"], "object");
        assert_eq!(json["provider_schema_json"], "");
        assert_eq!(json["needs"]["network"], "NETWORK_ANY");
        assert_eq!(json["targets"][0]["parts"], json!([{"value": "Debian"}, {"value": "12"}, {}]));
    }
}
