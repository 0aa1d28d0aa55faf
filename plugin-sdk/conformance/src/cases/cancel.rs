//! `Operations.Cancel`, at every stage of an operation.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Verdict, ensure, run};
use crate::need::Need;
use crate::protocol::{events, failure, operation, operations};
use crate::reader::{Reader, is_terminal};
use factory_proto::plugin_v1::{CancelRequest, event::Kind};
use std::time::Duration;
use tonic::Code;

const ENDS: &str = "Answers at once; the operation cleans up and ends with `cancelled` (or with what it reached meanwhile).";
const TWICE: &str =
    "Asking twice is the same as asking once, and one that has ended stays as it is.";
const GRACE: Duration = Duration::from_secs(3);

pub(super) const CASES: &[Case] = &[
    Case::new(
        "CA-01",
        "what is cancelled as soon as it starts ends",
        operations(ENDS),
        &[Need::Operation],
        run!(at_once),
    ),
    Case::new(
        "CA-02",
        "what is cancelled in the middle is cancelled",
        operations(ENDS),
        &[Need::Long],
        run!(in_the_middle),
    ),
    Case::new(
        "CA-03",
        "to cancel twice is to do it once",
        operations(TWICE),
        &[Need::Long],
        run!(twice),
    ),
    Case::new(
        "CA-04",
        "without a grace it ends at once",
        operations("Absent or zero: at once."),
        &[Need::Long],
        run!(no_grace),
    ),
    Case::new(
        "CA-05",
        "what has ended stays as it is",
        operations(TWICE),
        &[Need::Operation],
        run!(too_late),
    ),
    Case::new(
        "CA-06",
        "nobody needs to read for it",
        operation("A dropped stream cancels nothing; only Operations.Cancel does."),
        &[Need::Long],
        run!(without_reader),
    )
    .fault(),
    Case::new(
        "CA-07",
        "other operations go on",
        operations("Asks an operation to stop."),
        &[Need::Long],
        run!(not_the_other),
    ),
    Case::new(
        "CA-08",
        "to cancel what is not known is NOT_FOUND",
        failure("Cancel, Acknowledge | NOT_FOUND | the operation is not known (any more)| goes on"),
        &[],
        run!(unknown),
    ),
    Case::new(
        "CA-09",
        "what was cancelled has no processes any more",
        events("Terminal: it was cancelled, and has cleaned up."),
        &[Need::Long],
        run!(cleaned_up),
    ),
    Case::new(
        "CA-10",
        "many cancellations at once are one",
        operations(TWICE),
        &[Need::Long],
        run!(storm),
    )
    .fault(),
    Case::new(
        "CA-11",
        "a grace that makes no sense harms nothing",
        operations("How long the plugin may clean up."),
        &[Need::Long],
        run!(negative_grace),
    )
    .fault(),
    Case::new(
        "CA-12",
        "after a cancellation the next operation is done",
        operations("Steers operations that are under way."),
        &[Need::Long],
        run!(next_one),
    ),
];

async fn ended(bench: &Bench, reader: &mut Reader) -> Result<Kind, crate::case::Stop> {
    loop {
        match reader.next_within(GRACE + bench.patience()).await? {
            Some(event) => {
                if let Some(kind) = event.kind.filter(is_terminal) {
                    return Ok(kind);
                }
            }
            None => {
                return Err(crate::case::Stop::broken("the stream ended without a terminal event"));
            }
        }
    }
}

async fn judge_cancelled(bench: &Bench, reader: &mut Reader) -> Verdict {
    let kind = ended(bench, reader).await?;
    ensure!(matches!(kind, Kind::Cancelled(_)), "it ended with {}", crate::reader::name(&kind));
    Ok(())
}

async fn at_once(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let call = bench.call(&session).await?;
    let mut reader = session.start(&call).await?;
    // It may have ended, and even be forgotten.
    let _ = session.cancel(call.id(), GRACE).await;
    ended(bench, &mut reader).await.map(drop)
}

async fn in_the_middle(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, mut reader) = bench.long(&session).await?;
    session.cancel(call.id(), GRACE).await?;
    judge_cancelled(bench, &mut reader).await
}

async fn twice(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, mut reader) = bench.long(&session).await?;
    session.cancel(call.id(), GRACE).await?;
    session.cancel(call.id(), GRACE).await?;
    reader.ended().await?;
    let terminals =
        reader.events.iter().filter_map(|it| it.kind.as_ref()).filter(|it| is_terminal(it));
    let count = terminals.count();
    ensure!(count == 1, "it ended {count} times");
    Ok(())
}

async fn no_grace(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, mut reader) = bench.long(&session).await?;
    let request = CancelRequest { operation_id: call.id().to_owned(), grace: None };
    session.cancel_as(&request).await?;
    judge_cancelled(bench, &mut reader).await
}

async fn too_late(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    session.cancel(call.id(), GRACE).await?;
    let mut again = session.start(&call).await?;
    again.ended().await?;
    ensure!(again.events == first.events, "it ends with event {} now", again.last_seq());
    Ok(())
}

async fn without_reader(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, reader) = bench.long(&session).await?;
    drop(reader);
    session.cancel(call.id(), GRACE).await?;
    let mut reader = session.start(&call).await?;
    judge_cancelled(bench, &mut reader).await
}

async fn not_the_other(bench: &Bench) -> Verdict {
    if bench.described().await?.max_concurrent_operations == 1 {
        return Err(crate::case::Stop::NotApplicable("it runs one operation at once".to_owned()));
    }
    let session = bench.session().await?;
    let (one, mut reader) = bench.long(&session).await?;
    let (two, _reader) = bench.long(&session).await?;
    session.cancel(one.id(), GRACE).await?;
    ended(bench, &mut reader).await?;
    let known = session.list().await?;
    let runs = known.iter().any(|it| it.operation_id == two.id() && !it.ended);
    ensure!(runs, "the other one has ended, too");
    Ok(())
}

async fn unknown(bench: &Bench) -> Verdict {
    let answer = bench.session().await?.cancel("nobody", GRACE).await;
    let code = answer.map_or_else(|refusal| refusal.code(), |()| Code::Ok);
    ensure!(code == Code::NotFound, "it answered {code:?}");
    Ok(())
}

async fn cleaned_up(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    session.describe().await?;
    let mark = session.process.mark();
    let before = crate::process::census::marked(mark).len();
    let (call, mut reader) = bench.long(&session).await?;
    session.cancel(call.id(), GRACE).await?;
    ended(bench, &mut reader).await?;
    tokio::time::sleep(MOMENT).await;
    let after = crate::process::census::marked(mark);
    ensure!(
        after.len() <= before,
        "it has {} processes more: {:?}",
        after.len() - before,
        after.iter().map(|it| &it.arguments).collect::<Vec<_>>()
    );
    Ok(())
}

async fn storm(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, mut reader) = bench.long(&session).await?;
    let cancels = (0..30).map(|_| session.cancel(call.id(), GRACE));
    futures_util::future::join_all(cancels).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    reader.ended().await?;
    session.describe().await?;
    Ok(())
}

async fn negative_grace(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, mut reader) = bench.long(&session).await?;
    let grace = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    let request = CancelRequest { operation_id: call.id().to_owned(), grace };
    if let Err(refusal) = session.cancel_as(&request).await {
        ensure!(refusal.code() == Code::InvalidArgument, "{refusal}");
        session.cancel(call.id(), GRACE).await?;
    }
    ended(bench, &mut reader).await.map(drop)
}

async fn next_one(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, mut reader) = bench.long(&session).await?;
    session.cancel(call.id(), GRACE).await?;
    ended(bench, &mut reader).await?;
    bench.finished(&session).await.map(drop)
}
