//! How a call ended, as JSON: code, message, and the plugin's own account of a failure.

use super::message::{from_json, to_json};
use crate::redact::Redactor;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::pb;

const FAILURE: &str = "factory.plugin.v1.Failure";
const FAILURE_TYPE_URL: &str = "type.googleapis.com/factory.plugin.v1.Failure";

/// Writes it.
pub(super) fn to_value(status: &Status, redactor: &Redactor) -> Value {
    let mut message = status.message().to_owned();
    redactor.clean(&mut message);
    let mut value = json!({ "code": i32::from(status.code()), "message": message });
    if let Some(failure) = failure(status) {
        let mut text = failure.to_string();
        redactor.clean_json(&mut text);
        value["failure"] = serde_json::from_str(&text).unwrap_or_default();
    }
    value
}

/// Reads it again; `None` if the call ended well.
pub(super) fn from_value(value: &Value) -> Option<Status> {
    let code = value["code"].as_i64().and_then(|code| i32::try_from(code).ok());
    let code = Code::from_i32(code.unwrap_or_default());
    if code == Code::Ok {
        return None;
    }
    let message = value["message"].as_str().unwrap_or_default().to_owned();
    let failure = descriptor().and_then(|kind| from_json(kind, &value["failure"].to_string()).ok());
    let Some(failure) = failure else { return Some(Status::new(code, message)) };
    let detail =
        prost_types::Any { type_url: FAILURE_TYPE_URL.to_owned(), value: failure.encode_to_vec() };
    let packed = pb::Status { code: code.into(), message: message.clone(), details: vec![detail] };
    Some(Status::with_details(code, message, packed.encode_to_vec().into()))
}

fn failure(status: &Status) -> Option<Value> {
    let details = pb::Status::decode(status.details()).ok()?.details;
    let found = details.into_iter().find(|any| any.type_url.ends_with(&format!("/{FAILURE}")))?;
    DynamicMessage::decode(descriptor()?, found.value.as_slice()).ok().map(|it| to_json(&it))
}

fn descriptor() -> Option<MessageDescriptor> {
    DescriptorPool::decode(factory_proto::DESCRIPTORS).ok()?.get_message_by_name(FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_comes_back_from_its_json_without_secrets() {
        let value = json!({"code": 9, "message": "no hunter2", "failure": {"reason": "X", "hint": "not hunter2"}});
        let status = from_value(&value).unwrap();
        assert_eq!(status.code(), Code::FailedPrecondition);
        let told = to_value(&status, &Redactor::new(["hunter2"]));
        assert_eq!(
            told,
            json!({"code": 9, "message": "no ***", "failure": {"reason": "X", "hint": "not ***"}})
        );
        assert!(from_value(&json!({"code": 0, "message": ""})).is_none());
    }
}
