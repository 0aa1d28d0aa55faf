//! `Operations.List` and `Operations.Acknowledge`.

use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::need::Need;
use crate::protocol::{failure, operation, operations};
use factory_proto::plugin_v1::OperationStatus;
use tonic::Code;

const LIST: &str = "Each one, running or ended and not yet acknowledged.";
const UNKNOWN: &str =
    "Cancel, Acknowledge | NOT_FOUND | the operation is not known (any more)| goes on";
const FORGET: &str = "Says that all events up to a number are durable: the plugin may forget them";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "ST-01",
        "at its start it knows no operation",
        operations("Lists the operations that the plugin knows."),
        &[],
        run!(empty),
    ),
    Case::new(
        "ST-02",
        "it lists an operation that runs",
        operations(LIST),
        &[Need::Long],
        run!(running),
    ),
    Case::new(
        "ST-03",
        "it lists an operation that has ended",
        operations(LIST),
        &[Need::Operation],
        run!(ended),
    ),
    Case::new(
        "ST-04",
        "it lists its method and its last event",
        operations("The number of its last event."),
        &[Need::Operation],
        run!(facts),
    ),
    Case::new(
        "ST-05",
        "it forgets what has ended and is acknowledged",
        operation("An operation that has ended stays known until its last event is acknowledged."),
        &[Need::Operation],
        run!(forgotten),
    ),
    Case::new(
        "ST-06",
        "to acknowledge what is not known is NOT_FOUND",
        failure(UNKNOWN),
        &[],
        run!(acknowledge_unknown),
    ),
    Case::new(
        "ST-07",
        "after an acknowledgement the rest is still there",
        operations(FORGET),
        &[Need::Operation],
        run!(rest),
    ),
    Case::new(
        "ST-08",
        "to acknowledge twice is to do it once",
        operations(FORGET),
        &[Need::Operation],
        run!(twice),
    ),
];

async fn empty(bench: &Bench) -> Verdict {
    let known = bench.session().await?.list().await?;
    ensure!(known.is_empty(), "it knows {known:?}");
    Ok(())
}

fn status(known: &[OperationStatus], id: &str) -> Result<OperationStatus, Stop> {
    let found = known.iter().find(|it| it.operation_id == id).cloned();
    found.ok_or_else(|| Stop::broken(format!("it is not listed: {known:?}")))
}

async fn running(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, _reader) = bench.long(&session).await?;
    let status = status(&session.list().await?, call.id())?;
    ensure!(!status.ended, "it is listed as ended");
    Ok(())
}

async fn ended(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, _) = bench.finished(&session).await?;
    ensure!(status(&session.list().await?, call.id())?.ended, "it is listed as running");
    Ok(())
}

async fn facts(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, reader) = bench.finished(&session).await?;
    let status = status(&session.list().await?, call.id())?;
    ensure!(
        status.last_seq == reader.last_seq(),
        "its last event is {}, but listed is {}",
        reader.last_seq(),
        status.last_seq
    );
    ensure!(status.method == call.method.name(), "it is listed as {:?}", status.method);
    Ok(())
}

async fn forgotten(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, reader) = bench.finished(&session).await?;
    session.acknowledge(call.id(), reader.last_seq()).await?;
    let known = session.list().await?;
    ensure!(known.is_empty(), "it still knows {known:?}");
    Ok(())
}

async fn acknowledge_unknown(bench: &Bench) -> Verdict {
    let answer = bench.session().await?.acknowledge("nobody", 1).await;
    let code = answer.map_or_else(|refusal| refusal.code(), |()| Code::Ok);
    ensure!(code == Code::NotFound, "it answered {code:?}");
    Ok(())
}

async fn rest(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    let seq = first.events[0].seq;
    session.acknowledge(call.id(), seq).await?;
    let mut again = session.start(&call.after(seq)).await?;
    again.ended().await?;
    ensure!(again.events == first.events[1..], "the events are others");
    Ok(())
}

async fn twice(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    let seq = first.events[0].seq;
    for _ in 0..2 {
        session.acknowledge(call.id(), seq).await?;
    }
    let mut again = session.start(&call.after(seq)).await?;
    again.ended().await?;
    ensure!(again.last_seq() == first.last_seq(), "it ended with event {}", again.last_seq());
    Ok(())
}
