//! Requests that start operations: ids, directories, and what is refused.

use crate::bench::Bench;
use crate::call::Call;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::client::code_name;
use crate::need::Need;
use crate::protocol::{failure, operation};
use tonic::Code;

const ID: &str =
    "Chosen by the factory, unique for ever, at most 128 characters of `[A-Za-z0-9._:-]`.";
const INVALID: &str = "any operation | INVALID_ARGUMENT | the request can't be carried out | fails the image; the user's fault";
const KNOWN: &str = "Calling a method with an `operation_id` that the plugin knows attaches to that operation again";
const TRACED: &str = "where a reader stands (`after_seq`) and who traces it (`traceparent`) make no different request.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "RQ-01",
        "a request without a header is refused",
        failure(INVALID),
        &[],
        run!(no_header),
    )
    .fault(),
    Case::new("RQ-02", "an empty id is refused", operation(ID), &[], run!(empty_id)).fault(),
    Case::new("RQ-03", "an id that is too long is refused", operation(ID), &[], run!(long_id))
        .fault(),
    Case::new("RQ-04", "an id of other characters is refused", operation(ID), &[], run!(odd_id))
        .fault(),
    Case::new(
        "RQ-05",
        "an id of 128 characters of every kind is taken",
        operation(ID),
        &[Need::Operation],
        run!(largest_id),
    ),
    Case::new(
        "RQ-06",
        "a work directory that is not absolute is refused",
        operation("A directory of this operation's own, absolute, empty at the start."),
        &[],
        run!(relative_directory),
    )
    .fault(),
    Case::new(
        "RQ-07",
        "parameters that are no object are refused",
        operation("Parameters: one JSON object, without the sensitive ones."),
        &[],
        run!(no_object),
    )
    .fault(),
    Case::new(
        "RQ-08",
        "a request without its content is refused",
        failure(INVALID),
        &[],
        run!(no_content),
    )
    .fault(),
    Case::new(
        "RQ-09",
        "a request that is refused starts nothing",
        operation("A request that is refused starts nothing."),
        &[],
        run!(nothing_started),
    ),
    Case::new(
        "RQ-10",
        "a refusal explains itself",
        failure(
            "for a call that could not start or a short call, as a detail of `google.rpc.Status` (trailer `grpc-status-details-bin`).",
        ),
        &[],
        run!(explained),
    ),
    Case::new(
        "RQ-11",
        "events of an operation that is not known are NOT_FOUND",
        operation(
            "An `after_seq` other than 0 with an id that the plugin does not know is NOT_FOUND.",
        ),
        &[Need::Operation],
        run!(unknown_replay),
    )
    .fault(),
    Case::new(
        "RQ-12",
        "the same request again starts nothing again",
        operation(KNOWN),
        &[Need::Operation],
        run!(same_again),
    ),
    Case::new(
        "RQ-13",
        "the same id with another request is refused",
        operation("The same id with a different request is ALREADY_EXISTS"),
        &[Need::Operation],
        run!(different),
    )
    .fault(),
    Case::new(
        "RQ-14",
        "another trace is no other request",
        operation(TRACED),
        &[Need::Operation],
        run!(traced),
    ),
];

async fn judge_refused(bench: &Bench, change: impl FnOnce(Call) -> Call) -> Verdict {
    let session = bench.session().await?;
    let refusal = session.refusal(&change(bench.call(&session).await?)).await?;
    let code = refusal.code();
    ensure!(
        code == Code::InvalidArgument,
        "it answered {}, not INVALID_ARGUMENT: {}",
        code_name(code),
        refusal.status.message()
    );
    session.describe().await?;
    Ok(())
}

async fn no_header(bench: &Bench) -> Verdict {
    judge_refused(bench, Call::headless).await
}

async fn empty_id(bench: &Bench) -> Verdict {
    judge_refused(bench, |call| call.named("")).await
}

async fn long_id(bench: &Bench) -> Verdict {
    judge_refused(bench, |call| call.named(&"x".repeat(129))).await
}

async fn odd_id(bench: &Bench) -> Verdict {
    for id in ["two words", "../up", "\u{e4}"] {
        judge_refused(bench, |call| call.named(id)).await?;
    }
    Ok(())
}

async fn largest_id(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let id = format!("Az09._:-{}{}", uuid::Uuid::new_v4(), "x".repeat(84));
    let call = bench.call(&session).await?.named(&id);
    session.start(&call).await?.ended().await.map(drop)
}

async fn relative_directory(bench: &Bench) -> Verdict {
    judge_refused(bench, |mut call| {
        call.header_mut().work_dir = "work".to_owned();
        call
    })
    .await
}

async fn no_object(bench: &Bench) -> Verdict {
    for text in ["[]", "{", "7"] {
        judge_refused(bench, |mut call| {
            call.header_mut().parameters_json = text.to_owned();
            call
        })
        .await?;
    }
    Ok(())
}

async fn no_content(bench: &Bench) -> Verdict {
    judge_refused(bench, Call::bare).await
}

async fn nothing_started(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    session.refusal(&bench.call(&session).await?.bare()).await?;
    let known = session.list().await?;
    ensure!(known.is_empty(), "it knows {known:?}");
    Ok(())
}

async fn explained(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let refusal = session.refusal(&bench.call(&session).await?.bare()).await?;
    let Some(failure) = refusal.failure() else {
        return Err(Stop::broken(format!("no Failure comes with it: {refusal}")));
    };
    ensure!(!failure.reason.is_empty() && !failure.message.is_empty(), "it is {failure:?}");
    Ok(())
}

async fn unknown_replay(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let refusal = session.refusal(&bench.call(&session).await?.after(3)).await?;
    ensure!(refusal.code() == Code::NotFound, "{refusal}");
    Ok(())
}

async fn same_again(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, first) = bench.finished(&session).await?;
    let mut again = session.start(&call).await?;
    again.ended().await?;
    ensure!(first.events == again.events, "the events are others");
    let known = session.list().await?;
    ensure!(known.len() == 1, "it knows {} operations", known.len());
    Ok(())
}

async fn different(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (call, _) = bench.finished(&session).await?;
    let mut other = call.clone();
    other.header_mut().parameters_json = r#"{"another": "request"}"#.to_owned();
    let refusal = session.refusal(&other).await?;
    ensure!(refusal.code() == Code::AlreadyExists, "{refusal}");
    Ok(())
}

async fn traced(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (mut call, first) = bench.finished(&session).await?;
    call.header_mut().traceparent =
        format!("00-{}-b7ad6b7169203331-01", uuid::Uuid::new_v4().simple());
    let mut again = session.start(&call).await?;
    again.ended().await?;
    ensure!(first.events == again.events, "the events are others");
    Ok(())
}
