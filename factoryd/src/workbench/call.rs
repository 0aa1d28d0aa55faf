//! One call of a method, from JSON to JSON.

use super::codec::AsBytes;
use super::message::{self, Method};
use super::status;
use crate::redact::Redactor;
use bytes::Bytes;
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::plugin_v1::AcknowledgeRequest;
use factory_proto::plugin_v1::operations_client::OperationsClient;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// Well.
    Done,
    /// Its operation failed or was cancelled.
    Failed,
    /// With a status, as JSON.
    Refused(Value),
}

/// Calls a method, and hands on what is answered: of a stream its events, each by itself. What is announced is acknowledged, as a
/// factory does.
///
/// # Errors
/// If the request can't be read.
pub async fn call<E>(
    channel: Channel,
    method: &Method,
    request: &Value,
    mut show: impl FnMut(Value) -> Result<(), E>,
) -> Result<Result<Called, E>, message::Error> {
    let message = message::from_json(method.request(), &request.to_string())?;
    let operation = request["header"]["operation_id"].as_str().unwrap_or_default().to_owned();
    let mut answers = match open(channel.clone(), method.path(), message::to_bytes(&message)).await
    {
        Ok(answers) => answers,
        Err(status) => return Ok(Ok(Called::Refused(told(&status)))),
    };
    let mut called = Called::Done;
    loop {
        let answer = match answers.message().await {
            Ok(None) => return Ok(Ok(called)),
            Ok(Some(bytes)) => message::from_bytes(method.response(), bytes)?,
            Err(status) => return Ok(Ok(Called::Refused(told(&status)))),
        };
        for event in events(&answer, method) {
            if event.get("failed").is_some() || event.get("cancelled").is_some() {
                called = Called::Failed;
            }
            acknowledge(&channel, &operation, &event).await;
            if let Err(error) = show(event) {
                return Ok(Err(error));
            }
        }
    }
}

/// Opens any call: one request, and a stream of answers, of which a unary method has one.
pub(super) async fn open(
    channel: Channel,
    path: String,
    request: Bytes,
) -> Result<Streaming<Bytes>, Status> {
    let path = PathAndQuery::try_from(path).map_err(|_| Status::unimplemented("no such path"))?;
    let mut grpc = Grpc::new(channel)
        .max_decoding_message_size(MESSAGE_SIZE_MAX)
        .max_encoding_message_size(MESSAGE_SIZE_MAX);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let answer = grpc.server_streaming(Request::new(request), path, AsBytes).await?;
    Ok(answer.into_inner())
}

fn events(answer: &DynamicMessage, method: &Method) -> Vec<Value> {
    let mut answer = message::to_json(answer);
    match answer.get_mut("events").map(Value::take) {
        Some(Value::Array(events)) if method.is_streaming() => events,
        _ if method.is_streaming() => Vec::new(),
        _ => vec![answer],
    }
}

async fn acknowledge(channel: &Channel, operation: &str, event: &Value) {
    let seq = event["seq"].as_str().and_then(|seq| seq.parse().ok());
    let (Some(up_to_seq), false) = (seq, operation.is_empty()) else { return };
    let request = AcknowledgeRequest { operation_id: operation.to_owned(), up_to_seq };
    if let Err(status) = OperationsClient::new(channel.clone()).acknowledge(request).await {
        tracing::debug!(?status, "the event was not acknowledged");
    }
}

fn told(status: &Status) -> Value {
    let mut told = status::to_value(status, &Redactor::new([]));
    told["name"] = json!(format!("{:?}", status.code()));
    told
}
