//! Breaking the contract, which the SDK does not let a plugin do: hand-made streams in place of the SDK's.
//!
//! | misbehaviour | what it does |
//! |---|---|
//! | `silent` | accepts and then never says anything, not even a heartbeat, not even when cancelled |
//! | `ignore-cancel` | sends heartbeats for ever, also when cancelled |
//! | `flood-unbatched` | sends `mock_events` tiny events, each in a message of its own |
//! | `garbage` | breaks the rule of the event stream that `mock_garbage` names: see [`garbage`] |
//! | `huge-message` | sends a message of more than 64 MiB |
//! | `no-terminal` | ends the stream without a terminal event |
//! | `refuse` | answers with the gRPC code INTERNAL and no details |

mod cloud;
pub mod garbage;
mod operations;
mod os;

use crate::scenario;
use factory_plugin_sdk::proto::{
    Completed, Event, EventBatch, Heartbeat, LogLine, OperationHeader, StateChanged,
    cloud_delegate_server::CloudDelegateServer, event::Kind, operations_server::OperationsServer,
    os_delegate_server::OsDelegateServer, plugin_server::PluginServer, state_changed::State,
};
use factory_plugin_sdk::server::Server;
use factory_plugin_sdk::{EventStream, Parameters};
use factory_proto::MESSAGE_SIZE_MAX;
use futures_util::stream::{self, Stream, StreamExt};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tonic::service::Routes;
use tonic::{Response, Status};

/// The misbehaviours above.
pub const NAMES: &[&str] = &[
    "silent",
    "ignore-cancel",
    "flood-unbatched",
    "garbage",
    "huge-message",
    "no-terminal",
    "refuse",
];

const FLOOD_EVENTS: u64 = 100_000;
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Returns a plugin's services, with the misbehaviours put before its delegate.
pub fn routes(server: &Server) -> Routes {
    let known = Known::default();
    let operations = operations::Hostile::new(server.operations(), known.clone());
    let mut routes = Routes::builder();
    let plugin = PluginServer::new(server.plugin());
    routes.add_service(plugin.max_decoding_message_size(MESSAGE_SIZE_MAX));
    let operations = OperationsServer::new(operations);
    routes.add_service(operations.max_decoding_message_size(MESSAGE_SIZE_MAX));
    if let Some(inner) = server.os_delegate() {
        let service = OsDelegateServer::new(os::Hostile::new(inner, known.clone()));
        routes.add_service(service.max_decoding_message_size(MESSAGE_SIZE_MAX));
    }
    if let Some(inner) = server.cloud_delegate() {
        let service = CloudDelegateServer::new(cloud::Hostile::new(inner, known));
        routes.add_service(service.max_decoding_message_size(MESSAGE_SIZE_MAX));
    }
    routes.routes()
}

/// The operations that misbehave without the SDK.
#[derive(Debug, Clone, Default)]
struct Known(Arc<Mutex<HashSet<String>>>);

impl Known {
    /// Answers a request in the SDK's place, if it asks for a misbehaviour that the SDK can't do.
    fn answer(
        &self,
        header: Option<&OperationHeader>,
        method: &str,
    ) -> Option<Result<Response<EventStream>, Status>> {
        let header = header?;
        let attempt = header.image.as_ref().map_or(1, |image| image.attempt.max(1));
        let name = scenario::asked_for(&header.parameters_json, method, attempt)?;
        let parameters = Parameters::new(&header.parameters_json, Default::default()).ok()?;
        let stream = stream(&name, &parameters, header.after_seq)?;
        self.lock().insert(header.operation_id.clone());
        Some(stream.map(Response::new))
    }

    fn contains(&self, operation_id: &str) -> bool {
        self.lock().contains(operation_id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stream(
    name: &str,
    parameters: &Parameters,
    after_seq: u64,
) -> Option<Result<EventStream, Status>> {
    let stream = match name {
        "silent" => stream::pending().boxed(),
        "ignore-cancel" => heartbeats(after_seq).boxed(),
        "flood-unbatched" => {
            let count = parameters.number("mock_events").ok().flatten().unwrap_or(FLOOD_EVENTS);
            flood(count, after_seq).boxed()
        }
        "garbage" => {
            let rule = parameters.text("mock_garbage").ok().flatten().unwrap_or_default();
            messages(garbage::events(&rule)).boxed()
        }
        "huge-message" => messages(vec![event(1, running()), event(2, huge_line())]).boxed(),
        "no-terminal" => messages(vec![event(1, running())]).boxed(),
        "refuse" => return Some(Err(Status::internal("the mock was asked to refuse"))),
        _ => return None,
    };
    Some(Ok(stream))
}

fn messages(events: Vec<Event>) -> impl Stream<Item = Result<EventBatch, Status>> {
    stream::iter(events).map(|event| Ok(EventBatch { events: vec![event] }))
}

fn heartbeats(after_seq: u64) -> impl Stream<Item = Result<EventBatch, Status>> {
    stream::unfold(after_seq, |seq| async move {
        if 0 < seq {
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
        }
        let kind = if seq == 0 { running() } else { Kind::Heartbeat(Heartbeat {}) };
        Some((Ok(EventBatch { events: vec![event(seq + 1, kind)] }), seq + 1))
    })
}

fn flood(count: u64, after_seq: u64) -> impl Stream<Item = Result<EventBatch, Status>> {
    let kind = move |seq: u64| if seq <= count { line(seq.to_string()) } else { completed() };
    stream::iter(after_seq + 1..=count + 1)
        .map(move |seq| Ok(EventBatch { events: vec![event(seq, kind(seq))] }))
}

fn event(seq: u64, kind: Kind) -> Event {
    Event { seq, time: Some(SystemTime::now().into()), kind: Some(kind) }
}

fn running() -> Kind {
    Kind::State(StateChanged { state: State::Running.into() })
}

fn completed() -> Kind {
    Kind::Completed(Completed::default())
}

fn line(message: String) -> Kind {
    Kind::Log(LogLine { message, ..Default::default() })
}

fn huge_line() -> Kind {
    line("x".repeat(MESSAGE_SIZE_MAX + 1024))
}
