//! The services of go-plugin's wire, and what nobody knows yet.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::client::code_name;
use crate::need::Need;
use crate::protocol::plugin;
use factory_proto::goplugin::StdioData;
use factory_proto::plugin_v1::{DescribeRequest, DescribeResponse};
use prost::Message;
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

const UNKNOWN: &str = "Unknown fields, events and capabilities are ignored.";

/// A field that no message has, as a later version could add it.
pub(super) const UNKNOWN_FIELD: &[u8] = &[0xfa, 0x7d, 0x05, b'l', b'a', b't', b'e', b'r'];

pub(super) const CASES: &[Case] = &[
    Case::new(
        "SV-01",
        "its health is SERVING",
        plugin("`grpc.health.v1.Health` answers SERVING for the service `plugin`."),
        &[],
        run!(health),
    ),
    Case::new(
        "SV-02",
        "its stream of output stays open",
        plugin(
            "`plugin.GRPCStdio/StreamStdio` stays open for as long as the plugin lives, or is UNIMPLEMENTED.",
        ),
        &[],
        run!(stdio),
    ),
    Case::new(
        "SV-03",
        "a method that nobody knows is UNIMPLEMENTED",
        plugin("A method that a plugin does not know is UNIMPLEMENTED."),
        &[],
        run!(unknown_method),
    )
    .fault(),
    Case::new(
        "SV-04",
        "fields that it does not know are ignored",
        plugin(UNKNOWN),
        &[],
        run!(unknown_field),
    )
    .fault(),
    Case::new(
        "SV-05",
        "capabilities of a factory that it does not know are ignored",
        plugin(UNKNOWN),
        &[],
        run!(unknown_capability),
    )
    .fault(),
    Case::new(
        "SV-06",
        "an operation with fields that it does not know is done",
        plugin(UNKNOWN),
        &[Need::Operation],
        run!(unknown_field_in_operation),
    )
    .fault(),
];

async fn health(bench: &Bench) -> Verdict {
    let status = bench.session().await?.health().await?;
    ensure!(status == ServingStatus::Serving, "it is {status:?}");
    Ok(())
}

async fn stdio(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let path = "/plugin.GRPCStdio/StreamStdio";
    // Some servers answer a stream only with its first piece.
    let opened = session.open_stream::<StdioData>(path, Vec::new(), 2 * MOMENT).await;
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(refusal) => match refusal.code() {
            Code::Unimplemented | Code::DeadlineExceeded => return Ok(()),
            _ => return Err(refusal.into()),
        },
    };
    match timeout(2 * MOMENT, stream.message()).await {
        Err(_) | Ok(Ok(Some(_))) => Ok(()),
        Ok(Ok(None)) => Err(Stop::broken("the stream ended at once")),
        Ok(Err(status)) if status.code() == Code::Unimplemented => Ok(()),
        Ok(Err(status)) => Err(Stop::broken(format!("it ended with {}", code_name(status.code())))),
    }
}

async fn unknown_method(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let answer: Result<DescribeResponse, _> =
        session.ask_bytes("/factory.plugin.v1.Plugin/Sing", Vec::new()).await;
    let code = answer.map_or_else(|refusal| refusal.code(), |_| Code::Ok);
    ensure!(code == Code::Unimplemented, "it answered {}", code_name(code));
    Ok(())
}

async fn unknown_field(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let path = "/factory.plugin.v1.Plugin/Describe";
    let answer: DescribeResponse = session.ask_bytes(path, UNKNOWN_FIELD.to_vec()).await?;
    ensure!(!answer.name.is_empty(), "the answer has no name");
    Ok(())
}

async fn unknown_capability(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let host_capabilities = vec!["sing".to_owned(), "dance/2".to_owned()];
    let request = DescribeRequest { host_capabilities }.encode_to_vec();
    let path = "/factory.plugin.v1.Plugin/Describe";
    let answer: DescribeResponse = session.ask_bytes(path, request).await?;
    let usual = bench.described().await?;
    ensure!(answer.name == usual.name && answer.kind == usual.kind, "it says to be something else");
    Ok(())
}

async fn unknown_field_in_operation(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let call = bench.call(&session).await?.appended(UNKNOWN_FIELD);
    session.start(&call).await?.ended().await.map(drop)
}
