//! Much at once, large and small, and peers that behave badly.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::method;
use crate::need::Need;
use crate::protocol::{events, plugin};
use crate::wire::open;
use factory_proto::plugin_v1::{DescribeRequest, DescribeResponse, event::Kind};
use futures_util::future::join_all;
use prost::Message;
use tokio::io::AsyncWriteExt;
use tonic::Code;

const HARM: &str = "A connection that breaks, stays silent or makes no sense harms no other one.";
const LIMIT: &str = "How many operations it can run at once; one more is RESOURCE_EXHAUSTED.";
const LARGE_BYTES: usize = 8 * 1024 * 1024;

pub(super) const CASES: &[Case] = &[
    Case::new(
        "LO-01",
        "a peer that makes no sense harms nobody",
        plugin(HARM),
        &[],
        run!(nonsense),
    )
    .fault(),
    Case::new("LO-02", "a peer that says nothing harms nobody", plugin(HARM), &[], run!(silence))
        .fault(),
    Case::new(
        "LO-03",
        "a request of 8 MiB is read",
        plugin("A request has up to 64 MiB."),
        &[],
        run!(large),
    )
    .fault(),
    Case::new(
        "LO-04",
        "many small calls at once are answered",
        plugin("Says what the plugin is and can do."),
        &[],
        run!(small),
    ),
    Case::new("LO-05", "bytes that are no message are refused", plugin(HARM), &[], run!(garbage))
        .fault(),
    Case::new(
        "LO-06",
        "operations at once do not mix",
        events("One thing that happened."),
        &[Need::Operation],
        run!(at_once),
    ),
    Case::new(
        "LO-07",
        "one operation more than it can run is refused",
        plugin(LIMIT),
        &[Need::Limit, Need::Long],
        run!(limit),
    )
    .fault(),
    Case::new(
        "LO-08",
        "a reader that stalls loses no event and holds up no call",
        events("across batches and re-attachments."),
        &[Need::Many],
        run!(stalled),
    )
    .fault(),
];

async fn nonsense(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "\0\0\0\0",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}",
    ] {
        let mut stream = open(&session.handshake.address).await?;
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.flush().await;
    }
    tokio::time::sleep(MOMENT).await;
    session.another().await?.describe().await?;
    session.describe().await?;
    Ok(())
}

async fn silence(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(open(&session.handshake.address).await?);
    }
    session.another().await?.describe().await?;
    Ok(())
}

async fn large(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let request = DescribeRequest { host_capabilities: vec!["x".repeat(LARGE_BYTES)] };
    let path = "/factory.plugin.v1.Plugin/Describe";
    let answer: DescribeResponse = session.ask_bytes(path, request.encode_to_vec()).await?;
    ensure!(!answer.name.is_empty(), "the answer has no name");
    Ok(())
}

async fn small(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let answers = join_all((0..200).map(|_| session.list())).await;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}

async fn garbage(bench: &Bench) -> Verdict {
    let (session, kind) = (bench.session().await?, bench.described().await?.kind());
    for method in method::ALL.into_iter().filter(|method| method.kind() == kind) {
        let call = crate::call::Call { method, header: None, rest: vec![0xff; 64] };
        let refusal = session.refusal(&call).await?;
        ensure!(refusal.code() != Code::Ok, "{} took them", method.name());
    }
    session.describe().await?;
    Ok(())
}

async fn at_once(bench: &Bench) -> Verdict {
    let most = match bench.described().await?.max_concurrent_operations {
        0 => 4,
        limit => limit.min(4),
    };
    let session = bench.session().await?;
    let run = async || -> Verdict {
        let call = bench.call(&session).await?;
        let mut reader = session.start(&call).await?;
        reader.ended().await?;
        let in_order = reader.events.iter().zip(1..).all(|(event, seq)| event.seq == seq);
        ensure!(in_order, "the numbers of one of {most} are not in order");
        Ok(())
    };
    join_all((0..most).map(|_| run())).await.into_iter().collect()
}

async fn limit(bench: &Bench) -> Verdict {
    let limit = bench.described().await?.max_concurrent_operations;
    let session = bench.session().await?;
    let mut running = Vec::new();
    for _ in 0..limit {
        running.push(bench.long(&session).await?);
    }
    let refusal = session.refusal(&bench.long_call(&session).await?).await?;
    ensure!(refusal.code() == Code::ResourceExhausted, "{refusal}");
    Ok(())
}

async fn stalled(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let many = bench.subject().sample().and_then(|it| it.many.clone()).unwrap_or_default();
    let call = bench.call(&session).await?.with(&many);
    let mut reader = session.start(&call).await?;
    reader.next().await?;
    tokio::time::sleep(3 * MOMENT).await;
    session.describe().await.map_err(|refusal| Stop::broken(format!("meanwhile {refusal}")))?;
    let ended = reader.ended().await?;
    ensure!(!matches!(ended, Kind::Cancelled(_)), "it was cancelled");
    let gap = reader.events.windows(2).find(|two| two[1].seq != two[0].seq + 1);
    ensure!(gap.is_none(), "an event is lost: {gap:?}");
    Ok(())
}
