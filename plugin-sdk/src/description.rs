//! What a plugin says about itself.

use factory_proto::info::{Info, Kind, Target};
use factory_proto::plugin_v1::{DescribeResponse, Needs, PluginKind, PluginTarget, TargetPart};
use serde_json::Value;

/// What the SDK says about itself in a description.
const SDK: &str = concat!("factory-plugin-sdk/", env!("CARGO_PKG_VERSION"), " (rust)");

/// What a plugin says about itself. Built from its own `.info` file, so that the two never disagree:
/// `Description::from_info("debian", include_str!("../debian.info"))`.
#[derive(Debug, Clone)]
pub struct Description {
    pub(crate) response: DescribeResponse,
}

impl Description {
    /// Starts from the text of the plugin's `.info` file: name, kind, targets, description, version, license.
    ///
    /// # Panics
    /// If the text is not a valid `.info` file: a mistake of the author, found by the first test.
    pub fn from_info(name: &str, info: &str) -> Self {
        let info = match Info::parse(name, info) {
            Ok(info) => info,
            Err(error) => panic!("{name}.info can't be used: {error}"),
        };
        let text = |key: &str| text(info.raw.get(key));
        let response = DescribeResponse {
            name: info.name.clone(),
            version: text("version"),
            kind: kind(info.kind).into(),
            description: text("description"),
            targets: info.targets.iter().map(target).collect(),
            maintainer: maintainer(info.raw.get("maintainer")),
            license: text("license"),
            sdk: SDK.to_owned(),
            ..Default::default()
        };
        Self { response }
    }

    /// Sets the plugin's version; by convention `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: &str) -> Self {
        self.response.version = version.to_owned();
        self
    }

    /// Adds a capability, such as `push`. A method whose capability is not declared is never called.
    pub fn capability(mut self, name: &str) -> Self {
        self.response.capabilities.push(name.to_owned());
        self
    }

    /// Sets the formats it reads and the formats it writes.
    pub fn formats(mut self, input: &[&str], output: &[&str]) -> Self {
        self.response.input_formats = input.iter().map(|f| (*f).to_owned()).collect();
        self.response.output_formats = output.iter().map(|f| (*f).to_owned()).collect();
        self
    }

    /// Sets the JSON Schema of its parameters.
    pub fn parameters_schema(mut self, schema: Value) -> Self {
        self.response.parameters_schema_json = schema.to_string();
        self
    }

    /// Sets the JSON Schema of a provider definition.
    pub fn provider_schema(mut self, schema: Value) -> Self {
        self.response.provider_schema_json = schema.to_string();
        self
    }

    /// Sets the JSON Schema of credentials.
    pub fn credentials_schema(mut self, schema: Value) -> Self {
        self.response.credentials_schema_json = schema.to_string();
        self
    }

    /// Sets what it needs from its machine.
    pub fn needs(mut self, needs: Needs) -> Self {
        self.response.needs = Some(needs);
        self
    }

    /// Sets how many operations it can run at once; the SDK refuses more.
    pub fn operations_max(mut self, operations: u32) -> Self {
        self.response.max_concurrent_operations = operations;
        self
    }

    /// Adds what a person should know, one sentence.
    pub fn warning(mut self, sentence: impl Into<String>) -> Self {
        self.response.warnings.push(sentence.into());
        self
    }

    /// Returns the answer to `Describe`, as it travels.
    pub fn into_response(self) -> DescribeResponse {
        self.response
    }
}

fn kind(kind: Kind) -> PluginKind {
    match kind {
        Kind::Os => PluginKind::Os,
        Kind::Cloud => PluginKind::Cloud,
    }
}

fn target(target: &Target) -> PluginTarget {
    let part = |value: &Option<String>| TargetPart { value: value.clone() };
    PluginTarget { parts: target.iter().map(part).collect() }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Writes the original's `{"name", "email", "url"}` as one line.
fn maintainer(value: Option<&Value>) -> String {
    let Some(Value::Object(parts)) = value else { return text(value) };
    let part = |key: &str| text(parts.get(key));
    let email = Some(part("email")).filter(|email| !email.is_empty());
    let parts = [part("name"), email.map(|e| format!("<{e}>")).unwrap_or_default(), part("url")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = r#"{
        "type": "os", "targets": [["Debian", "12", null]], "version": "1.0", "license": "Apache-2.0",
        "maintainer": {"name": "A. Body", "email": "a@example.org", "url": ""}
    }"#;

    #[test]
    fn the_info_file_is_the_beginning_of_a_description() {
        let response = Description::from_info("debian", INFO).version("2.1.0").response;
        assert_eq!((response.name.as_str(), response.version.as_str()), ("debian", "2.1.0"));
        assert_eq!(response.kind(), PluginKind::Os);
        assert_eq!(response.maintainer, "A. Body <a@example.org>");
        assert_eq!(response.targets[0].parts[2].value, None);
    }

    #[test]
    #[should_panic(expected = "broken.info can't be used: key `targets` is missing")]
    fn an_info_file_that_is_none_is_a_mistake_of_the_author() {
        Description::from_info("broken", r#"{"type":"os"}"#);
    }
}
