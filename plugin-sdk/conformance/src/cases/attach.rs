//! Attaching to an operation again: what is replayed, and what a lost stream means.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Verdict, ensure, run};
use crate::need::Need;
use crate::protocol::operation;
use crate::reader::is_terminal;
use factory_proto::plugin_v1::event::Kind;

const REPLAYED: &str = "events after `after_seq` are replayed, then followed.";
const DROPPED: &str = "A dropped stream cancels nothing; only Operations.Cancel does.";
const KNOWN: &str = "An operation that has ended stays known until its last event is acknowledged.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "AT-01",
        "events after a number are replayed",
        operation(REPLAYED),
        &[Need::Operation],
        run!(from_the_middle),
    ),
    Case::new(
        "AT-02",
        "all events are replayed as they were",
        operation(REPLAYED),
        &[Need::Operation],
        run!(from_the_start),
    ),
    Case::new(
        "AT-03",
        "after the last event the stream ends",
        operation(REPLAYED),
        &[Need::Operation],
        run!(after_the_last),
    ),
    Case::new(
        "AT-04",
        "a dropped stream cancels nothing",
        operation(DROPPED),
        &[Need::Long],
        run!(dropped_stream),
    )
    .fault(),
    Case::new(
        "AT-05",
        "a lost connection cancels nothing",
        operation(DROPPED),
        &[Need::Long],
        run!(lost_connection),
    )
    .fault(),
    Case::new(
        "AT-06",
        "a stream that is dropped at once leaves an operation that ends",
        operation(DROPPED),
        &[Need::Operation],
        run!(dropped_at_once),
    )
    .fault(),
    Case::new(
        "AT-07",
        "an operation that has ended is replayed over another connection",
        operation(KNOWN),
        &[Need::Operation],
        run!(another_connection),
    ),
    Case::new(
        "AT-08",
        "attaching again and again harms nothing",
        operation(REPLAYED),
        &[Need::Operation],
        run!(again_and_again),
    )
    .fault(),
];

async fn from_the_middle(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    let middle = first.events.len() / 2;
    let before = first.events[middle].seq - 1;
    let mut again = session.start(&call.after(before)).await?;
    again.ended().await?;
    let first_seq = again.events.first().map_or(0, |event| event.seq);
    ensure!(first_seq == before + 1, "after {before} comes {first_seq}");
    ensure!(again.events == first.events[middle..], "the events are others than before");
    Ok(())
}

async fn from_the_start(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    let mut again = session.start(&call).await?;
    again.ended().await?;
    let differs = first.events.iter().zip(&again.events).find(|(one, two)| one != two);
    ensure!(
        differs.is_none() && first.events.len() == again.events.len(),
        "first and again: {differs:?}"
    );
    Ok(())
}

async fn after_the_last(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    let mut again = session.start(&call.after(first.last_seq())).await?;
    let event = again.next().await?;
    ensure!(event.is_none(), "another event comes: {event:?}");
    Ok(())
}

async fn dropped_stream(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, reader) = bench.long(&session).await?;
    drop(reader);
    tokio::time::sleep(MOMENT).await;
    judge_running(&session, &call).await
}

async fn lost_connection(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    let (call, reader) = bench.long(&session).await?;
    drop(reader);
    session.reconnect().await?;
    tokio::time::sleep(MOMENT).await;
    judge_running(&session, &call).await
}

async fn judge_running(client: &crate::client::Client, call: &crate::call::Call) -> Verdict {
    let mut again = client.start(call).await?;
    let event = again.next().await?;
    ensure!(event.as_ref().is_some_and(|it| it.seq == 1), "the first event is {event:?}");
    let known = client.list().await?;
    let running = known.iter().any(|it| it.operation_id == call.id() && !it.ended);
    ensure!(running, "it does not run any more: {known:?}");
    Ok(())
}

async fn dropped_at_once(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let call = bench.call(&session).await?;
    drop(session.start(&call).await?);
    let ended = session.start(&call).await?.ended().await?;
    ensure!(is_terminal(&ended) && !matches!(ended, Kind::Cancelled(_)), "it was cancelled");
    Ok(())
}

async fn another_connection(bench: &Bench) -> Verdict {
    let mut session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    session.reconnect().await?;
    let mut again = session.start(&call).await?;
    again.ended().await?;
    ensure!(again.events == first.events, "the events are others");
    Ok(())
}

async fn again_and_again(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    for event in first.events.iter().cycle().take(20) {
        drop(session.start(&call.clone().after(event.seq - 1)).await?);
    }
    let mut again = session.start(&call).await?;
    again.ended().await?;
    ensure!(again.events == first.events, "the events are others");
    Ok(())
}
