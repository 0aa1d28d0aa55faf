//! Messages of the contract as JSON, by its own description: the field names of the `.proto` files.

use crate::report::closest;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use prost_reflect::prost::Message;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor,
    ReflectMessage, SerializeOptions, Value,
};
use std::sync::LazyLock;

/// The package whose methods can be called and are recorded.
const PACKAGE: &str = "factory.plugin.v1";
/// The message that is a secret.
const SECRET: &str = "factory.plugin.v1.Secret";

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(factory_proto::DESCRIPTORS).ok());

/// Why a message or a method can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such method.
    #[error("the contract has no method {name}{}", .near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Method {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// The JSON is not that message.
    #[error("this is no {message}")]
    Json {
        /// The message.
        message: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The bytes are not that message.
    #[error("these bytes are no {message}")]
    Bytes {
        /// The message.
        message: String,
        /// Why.
        #[source]
        source: prost_reflect::prost::DecodeError,
    },
}

/// A method of the contract.
#[derive(Debug, Clone)]
pub struct Method(MethodDescriptor);

impl Method {
    /// Finds a method by its name, such as `Describe`, `Plugin/Describe` or `/factory.plugin.v1.Plugin/Describe`.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(name: &str) -> Result<Self, Error> {
        let wanted = name.trim_start_matches('/').trim_start_matches("factory.plugin.v1.");
        let is_it = |method: &&MethodDescriptor| match wanted.split_once('/') {
            Some((service, of)) => method.parent_service().name() == service && method.name() == of,
            None => method.name() == wanted,
        };
        let all = methods();
        if let Some(found) = all.iter().find(is_it) {
            return Ok(Self(found.clone()));
        }
        // What is near is found whatever the case.
        let lower: Vec<String> = all.iter().map(|it| it.name().to_ascii_lowercase()).collect();
        let near = closest(wanted, lower.iter().map(String::as_str));
        let near = all.iter().find(|it| near == Some(it.name().to_ascii_lowercase().as_str()));
        let near = near.map(|it| it.name().to_owned());
        Err(Error::Method { name: name.to_owned(), near })
    }

    /// Answers its name with that of its service: `Plugin/Describe`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.0.parent_service().name(), self.0.name())
    }

    /// Answers the path by which it is called.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.0.parent_service().full_name(), self.0.name())
    }

    /// Tells whether it answers a stream.
    pub fn is_streaming(&self) -> bool {
        self.0.is_server_streaming()
    }

    pub(super) fn request(&self) -> MessageDescriptor {
        self.0.input()
    }

    pub(super) fn response(&self) -> MessageDescriptor {
        self.0.output()
    }
}

/// Answers all methods that can be called, in the order of the contract.
fn methods() -> Vec<MethodDescriptor> {
    let services = POOL.iter().flat_map(DescriptorPool::services);
    let ours = services.filter(|service| service.package_name() == PACKAGE);
    ours.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Reads a message from JSON.
pub(super) fn from_json(kind: MessageDescriptor, json: &str) -> Result<DynamicMessage, Error> {
    let message = kind.full_name().to_owned();
    let failed = |source| Error::Json { message, source };
    let mut reader = serde_json::Deserializer::from_str(json);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let read = DynamicMessage::deserialize_with_options(kind, &mut reader, &options);
    read.and_then(|read| reader.end().map(|()| read)).map_err(failed)
}

/// Reads a message from what travelled.
pub(super) fn from_bytes(kind: MessageDescriptor, bytes: Bytes) -> Result<DynamicMessage, Error> {
    let message = kind.full_name().to_owned();
    DynamicMessage::decode(kind, bytes).map_err(|source| Error::Bytes { message, source })
}

/// Writes a message as it travels.
pub(super) fn to_bytes(message: &DynamicMessage) -> Bytes {
    message.encode_to_vec().into()
}

/// Writes a message as JSON; what is not set is left out.
pub(super) fn to_json(message: &DynamicMessage) -> serde_json::Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or_default()
}

/// Blanks the secrets in a message, and answers them; passwords in URLs too, which are left to who knows where they stand.
pub(super) fn take_secrets(message: &mut DynamicMessage) -> Vec<String> {
    let mut found = Vec::new();
    if message.descriptor().full_name() == SECRET {
        if let Some(Value::String(value)) = message.get_field_by_name_mut("value")
            && !value.is_empty()
        {
            found.push(std::mem::replace(value, "***".to_owned()));
        }
        return found;
    }
    message.fields_mut().for_each(|(_, value)| found.extend(secrets_of(value)));
    found
}

fn secrets_of(value: &mut Value) -> Vec<String> {
    match value {
        Value::Message(message) => take_secrets(message),
        Value::List(values) => values.iter_mut().flat_map(secrets_of).collect(),
        Value::Map(values) => values.values_mut().flat_map(secrets_of).collect(),
        Value::String(text) => passwords(text),
        _ => Vec::new(),
    }
}

/// Answers the passwords of URLs in a text, as they stand there and decoded.
fn passwords(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in text.split("//").skip(1) {
        let authority = rest.split(['/', '?', '#', '<', '"', ' ', '\n']).next().unwrap_or_default();
        let account = authority.rsplit_once('@').map(|(account, _)| account);
        if let Some((_, password)) = account.and_then(|account| account.split_once(':')) {
            found.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
            found.push(password.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn methods_are_found_by_any_of_their_names() {
        for name in ["Describe", "Plugin/Describe", "/factory.plugin.v1.Plugin/Describe"] {
            let method = Method::find(name).unwrap();
            assert_eq!(method.path(), "/factory.plugin.v1.Plugin/Describe");
            assert!(!method.is_streaming());
        }
        assert!(Method::find("CreateBaseImage").unwrap().is_streaming());
        let error = Method::find("Descibe").unwrap_err().to_string();
        assert_eq!(error, "the contract has no method Descibe; did you mean Describe?");
        assert!(Method::find("ListImages").is_err(), "only plugins are called");
    }

    #[test]
    fn messages_come_back_from_json_and_unknown_fields_are_refused() {
        let kind = Method::find("PushImageToProvider").unwrap().request();
        let given = json!({"target": "kvm", "header": {"operation_id": "a", "after_seq": "7"}});
        let message = from_json(kind.clone(), &given.to_string()).unwrap();
        let again = from_bytes(kind.clone(), to_bytes(&message)).unwrap();
        assert_eq!(to_json(&again), given);
        assert!(from_json(kind.clone(), r#"{"tagret": "kvm"}"#).is_err());
        assert!(from_json(kind, "{} {}").is_err());
    }

    #[test]
    fn secrets_are_taken_out_wherever_they_are() {
        let kind = Method::find("PushImageToProvider").unwrap().request();
        let given = json!({
            "header": {"secret_parameters": {"token": {"value": "one"}}},
            "account": {"credentials": {"value": "two"}, "provider": "https://me:th%72ee@host/x"},
            "target_image": {"template": {"os": {"root_password": {"value": "four"}}}},
        });
        let mut message = from_json(kind, &given.to_string()).unwrap();
        let mut taken = take_secrets(&mut message);
        taken.sort();
        assert_eq!(taken, ["four", "one", "th%72ee", "three", "two"]);
        let left = to_json(&message).to_string();
        assert!(!["one\"", "two", "four"].iter().any(|it| left.contains(it)), "{left}");
    }
}
