//! Calls to a plugin over one connection. What they answer is judged elsewhere.

use crate::call::Call;
use crate::case::Stop;
use crate::reader::Reader;
use crate::trace::Trace;
use crate::wire::bytes::BytesCodec;
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::plugin_v1::{
    AcknowledgeRequest, AcknowledgeResponse, CancelRequest, CancelResponse, DescribeRequest,
    DescribeResponse, EventBatch, Failure, ListRequest, ListResponse, OperationStatus,
    ValidateRequest, ValidateResponse,
};
use prost::Message;
use std::fmt::Debug;
use std::time::Duration;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::pb;

/// The type of a `Failure` inside the details of a `google.rpc.Status`.
const FAILURE_TYPE: &str = "factory.plugin.v1.Failure";
/// Some servers answer a stream only with its first event, and that may be a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// One connection to a plugin.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    channel: Channel,
    patience: Duration,
    trace: Trace,
}

/// A call that was not answered as asked.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) call: String,
    pub(crate) status: Status,
}

impl Refusal {
    /// Returns its code.
    pub(crate) fn code(&self) -> Code {
        self.status.code()
    }

    /// Reads the `Failure` that explains it.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let details = pb::Status::decode(self.status.details()).ok()?.details;
        let packed = details.into_iter().find(|it| it.type_url.ends_with(FAILURE_TYPE))?;
        Failure::decode(packed.value.as_slice()).ok()
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { call, status } = self;
        write!(f, "{call} answered {}: {}", code_name(status.code()), status.message())
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Broken(refusal.to_string())
    }
}

/// Writes a code as the protocol does.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

impl Client {
    /// Speaks over a connection; an answer may take so long.
    pub(crate) fn new(channel: Channel, patience: Duration, trace: &Trace) -> Self {
        Self { channel, patience, trace: trace.clone() }
    }

    /// Calls `Plugin.Describe`.
    pub(crate) async fn describe(&self) -> Result<DescribeResponse, Refusal> {
        self.ask("/factory.plugin.v1.Plugin/Describe", &DescribeRequest::default()).await
    }

    /// Calls `Plugin.Validate`.
    pub(crate) async fn validate(
        &self,
        request: &ValidateRequest,
    ) -> Result<ValidateResponse, Refusal> {
        self.ask("/factory.plugin.v1.Plugin/Validate", request).await
    }

    /// Calls `Operations.List`.
    pub(crate) async fn list(&self) -> Result<Vec<OperationStatus>, Refusal> {
        let path = "/factory.plugin.v1.Operations/List";
        let listed: ListResponse = self.ask(path, &ListRequest::default()).await?;
        Ok(listed.operations)
    }

    /// Calls `Operations.Cancel`.
    pub(crate) async fn cancel(&self, id: &str, grace: Duration) -> Result<(), Refusal> {
        let grace = prost_types::Duration::try_from(grace).ok();
        let request = CancelRequest { operation_id: id.to_owned(), grace };
        self.cancel_as(&request).await
    }

    /// Calls `Operations.Cancel` with any request.
    pub(crate) async fn cancel_as(&self, request: &CancelRequest) -> Result<(), Refusal> {
        let answer = self.ask("/factory.plugin.v1.Operations/Cancel", request).await;
        answer.map(|CancelResponse {}| ())
    }

    /// Calls `Operations.Acknowledge`.
    pub(crate) async fn acknowledge(&self, id: &str, up_to_seq: u64) -> Result<(), Refusal> {
        let request = AcknowledgeRequest { operation_id: id.to_owned(), up_to_seq };
        let answer = self.ask("/factory.plugin.v1.Operations/Acknowledge", &request).await;
        answer.map(|AcknowledgeResponse {}| ())
    }

    /// Asks for the health of the service `plugin`.
    pub(crate) async fn health(&self) -> Result<ServingStatus, Refusal> {
        let service = factory_proto::handshake::HEALTH_SERVICE.to_owned();
        let request = HealthCheckRequest { service };
        let answer: HealthCheckResponse =
            self.ask("/grpc.health.v1.Health/Check", &request).await?;
        Ok(answer.status())
    }

    /// Asks the plugin to end. It may be gone before it answers.
    pub(crate) async fn shutdown(&self) {
        let path = "/plugin.GRPCController/Shutdown";
        let _: Result<(), _> = self.ask_bytes(path, Vec::new()).await;
    }

    /// Starts an operation, or attaches to it.
    pub(crate) async fn start(&self, call: &Call) -> Result<Reader, Refusal> {
        let stream = self.stream(&call.method.path(), call.bytes(), call).await?;
        Ok(Reader::new(self.clone(), call.id(), stream))
    }

    /// Starts an operation that must be refused, and returns how.
    pub(crate) async fn refusal(&self, call: &Call) -> Result<Refusal, Stop> {
        let refused = match self.start(call).await {
            // Some servers say so only after the head of their answer.
            Ok(mut reader) => reader.refusal(self.patience).await,
            Err(refusal) => Some(refusal),
        };
        refused.ok_or_else(|| Stop::broken(format!("{} was started", call.method.name())))
    }

    /// Makes a short call.
    pub(crate) async fn ask<T: Message + Default + Debug + 'static>(
        &self,
        path: &str,
        request: &(impl Message + Debug),
    ) -> Result<T, Refusal> {
        self.trace.say(format!("call {path} {request:?}"));
        self.ask_bytes(path, request.encode_to_vec()).await
    }

    /// Makes a short call with bytes that may be anything.
    pub(crate) async fn ask_bytes<T: Message + Default + Debug + 'static>(
        &self,
        path: &str,
        bytes: Vec<u8>,
    ) -> Result<T, Refusal> {
        let mut grpc = self.grpc();
        let call = async {
            ready(&mut grpc).await?;
            let codec = BytesCodec::<T>::default();
            grpc.unary(Request::new(bytes), path_of(path)?, codec).await
        };
        let answer = match timeout(self.patience, call).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(late(self.patience)),
        };
        self.told(path, answer)
    }

    async fn stream(
        &self,
        path: &str,
        bytes: Vec<u8>,
        call: &Call,
    ) -> Result<Streaming<EventBatch>, Refusal> {
        self.trace.say(format!("call {path} {:?}", call.header));
        self.open_stream(path, bytes, self.patience + HEARTBEAT).await
    }

    /// Opens a stream with bytes that may be anything.
    pub(crate) async fn open_stream<T: Message + Default + 'static>(
        &self,
        path: &str,
        bytes: Vec<u8>,
        patience: Duration,
    ) -> Result<Streaming<T>, Refusal> {
        let mut grpc = self.grpc();
        let call = async {
            ready(&mut grpc).await?;
            let codec = BytesCodec::<T>::default();
            grpc.server_streaming(Request::new(bytes), path_of(path)?, codec).await
        };
        let refusal = |status| Refusal { call: short(path), status };
        match timeout(patience, call).await {
            Ok(answer) => answer.map(tonic::Response::into_inner).map_err(refusal),
            Err(_) => Err(refusal(late(patience))),
        }
    }

    fn grpc(&self) -> Grpc<Channel> {
        Grpc::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_SIZE_MAX)
            .max_encoding_message_size(MESSAGE_SIZE_MAX)
    }

    fn told<T: Debug>(&self, path: &str, answer: Result<T, Status>) -> Result<T, Refusal> {
        match &answer {
            Ok(message) => self.trace.say(format!("  answered {message:?}")),
            Err(status) => self.trace.say(format!("  answered {status:?}")),
        }
        answer.map_err(|status| Refusal { call: short(path), status })
    }

    /// Returns how long an answer may take.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Returns what happened so far.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }
}

async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    grpc.ready().await.map_err(|error| Status::unavailable(crate::wire::reasons(&error)))
}

fn path_of(path: &str) -> Result<PathAndQuery, Status> {
    path.parse().map_err(|_| Status::internal(format!("{path} is no path")))
}

fn late(patience: Duration) -> Status {
    Status::deadline_exceeded(format!("no answer within {} s", patience.as_secs_f32()))
}

/// Shortens `/factory.plugin.v1.Plugin/Describe` to `Plugin.Describe`.
fn short(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    name.replace('/', ".")
}
