//! Events: what was seen in one run of every method.

use crate::bench::Bench;
use crate::case::{Case, Verdict, ensure, run};
use crate::cases::judged::judge_fragment;
use crate::need::Need;
use crate::protocol::{events, failure};
use crate::reader::{is_terminal, name};
use crate::whole::Transcript;
use factory_proto::plugin_v1::{Fault, event::Kind, progress::Amount, state_changed::State};
use serde::de::IgnoredAny;
use std::time::{Duration, SystemTime};

const SEQ: &str =
    "`seq` starts at 1 and rises by 1 within an operation, across batches and re-attachments.";
const TERMINAL: &str = "Exactly one terminal event (`completed`, `failed` or `cancelled`) ends an operation; nothing follows it, and the stream then ends with status OK.";
const LIMITS: &str = "A batch stays under 4 MiB; a log line is cut at 64 KiB.";
const LINE_BYTES_MAX: usize = 64 * 1024;
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A clock that is off by more is none.
const CLOCK: Duration = Duration::from_secs(24 * 3600);
/// A heartbeat comes every 10 seconds, and this much late on a machine that is busy.
const HEARTBEAT: Duration = Duration::from_secs(16);

pub(super) const CASES: &[Case] = &[
    Case::new(
        "EV-01",
        "the first event has the number 1",
        events(SEQ),
        &[Need::Operation],
        run!(first_seq),
    ),
    Case::new(
        "EV-02",
        "the numbers have no gaps and do not repeat",
        events(SEQ),
        &[Need::Operation],
        run!(seq),
    ),
    Case::new(
        "EV-03",
        "every event has a time",
        events("When, by the plugin's clock."),
        &[Need::Operation],
        run!(times),
    ),
    Case::new(
        "EV-04",
        "an operation ends exactly once",
        events(TERMINAL),
        &[Need::Operation],
        run!(one_terminal),
    ),
    Case::new(
        "EV-05",
        "nothing follows the end",
        events(TERMINAL),
        &[Need::Operation],
        run!(nothing_follows),
    ),
    Case::new(
        "EV-06",
        "the stream ends in order",
        events(TERMINAL),
        &[Need::Operation],
        run!(in_order),
    ),
    Case::new(
        "EV-07",
        "every event says what happened",
        events("One thing that happened."),
        &[Need::Operation],
        run!(kinds),
    ),
    Case::new("EV-08", "a state is one", events("Never sent."), &[Need::Operation], run!(states)),
    Case::new(
        "EV-09",
        "percentages are between 0 and 100",
        events("How much of the whole operation is done, 0 to 100."),
        &[Need::Operation],
        run!(percent_range),
    ),
    Case::new(
        "EV-10",
        "percentages never fall",
        events("`percent` never falls."),
        &[Need::Operation],
        run!(percent_rises),
    ),
    Case::new(
        "EV-11",
        "no more is done than there is",
        events("A number of things out of a number of things."),
        &[Need::Operation],
        run!(amounts),
    ),
    Case::new(
        "EV-12",
        "an activity is one line",
        events("What is being done now, one line"),
        &[Need::Operation],
        run!(activities),
    ),
    Case::new(
        "EV-13",
        "a property has a name",
        events("A property of the image, kept with it for ever."),
        &[Need::Operation],
        run!(property_names),
    ),
    Case::new(
        "EV-14",
        "a property's value is JSON",
        events("The value, as JSON. `null` removes the property."),
        &[Need::Operation],
        run!(property_values),
    ),
    Case::new(
        "EV-15",
        "a line of log is one line",
        events("The line, without its end."),
        &[Need::Operation],
        run!(log_lines),
    ),
    Case::new(
        "EV-16",
        "a line of log is not too long",
        events(LIMITS),
        &[Need::Operation],
        run!(log_length),
    ),
    Case::new(
        "EV-17",
        "a batch is not too large",
        events(LIMITS),
        &[Need::Operation],
        run!(batch_size),
    ),
    Case::new(
        "EV-18",
        "many events go out in few batches",
        events("Batch: many small messages cost more than one large one"),
        &[Need::Many],
        run!(batches),
    ),
    Case::new(
        "EV-19",
        "with nothing to say it says that it is alive",
        events("With nothing else to say, a heartbeat goes out at least every 10 seconds."),
        &[Need::Long],
        run!(heartbeat),
    ),
    Case::new(
        "EV-20",
        "an installed package has a name",
        events("One installed package."),
        &[Need::Operation],
        run!(packages),
    ),
    Case::new(
        "EV-21",
        "a failure has a reason in upper snake case",
        failure("A stable name for programs, in upper snake case, such as `PACKAGE_NOT_FOUND`."),
        &[Need::Fails],
        run!(failure_reason),
    ),
    Case::new(
        "EV-22",
        "a failure says what failed in a lower-case fragment",
        failure("one lower-case fragment without a full stop"),
        &[Need::Fails],
        run!(failure_message),
    ),
    Case::new(
        "EV-23",
        "a failure says whose move is next",
        failure("Whose move is next."),
        &[Need::Fails],
        run!(failure_fault),
    ),
];

async fn each(bench: &Bench, judge: impl Fn(&Transcript) -> Verdict) -> Verdict {
    let whole = bench.whole().await?;
    if let Some((_, why)) = whole.stopped.first().filter(|_| whole.transcripts.is_empty()) {
        return Err(why.clone());
    }
    whole.transcripts.iter().try_for_each(judge)
}

async fn every_kind(bench: &Bench, judge: impl Fn(&Kind) -> Verdict) -> Verdict {
    each(bench, |it| it.kinds().try_for_each(&judge)).await
}

async fn first_seq(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let first = it.events.first().map_or(0, |event| event.seq);
        ensure!(first == 1, "{}: the first is {first}", it.method.name());
        Ok(())
    })
    .await
}

async fn seq(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let wrong = it.events.windows(2).find(|two| two[1].seq != two[0].seq + 1);
        ensure!(
            wrong.is_none(),
            "{}: {:?}",
            it.method.name(),
            wrong.map(|two| (two[0].seq, two[1].seq))
        );
        Ok(())
    })
    .await
}

async fn times(bench: &Bench) -> Verdict {
    let now = SystemTime::now();
    each(bench, |it| {
        for event in &it.events {
            let time = event.time.and_then(|time| SystemTime::try_from(time).ok());
            let near = time.is_some_and(|at| now - CLOCK < at && at < now + CLOCK);
            ensure!(
                near,
                "{}: event {} has the time {:?}",
                it.method.name(),
                event.seq,
                event.time
            );
        }
        Ok(())
    })
    .await
}

async fn one_terminal(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let count = it.kinds().filter(|kind| is_terminal(kind)).count();
        ensure!(count == 1, "{}: {count} terminal events", it.method.name());
        Ok(())
    })
    .await
}

async fn nothing_follows(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let after = it.kinds().skip_while(|kind| !is_terminal(kind)).nth(1);
        ensure!(after.is_none(), "{}: {} follows", it.method.name(), after.map_or("", name));
        Ok(())
    })
    .await
}

async fn in_order(bench: &Bench) -> Verdict {
    each(bench, |it| {
        ensure!(
            it.broken_off.is_none(),
            "{}: {}",
            it.method.name(),
            it.broken_off.clone().unwrap_or_default()
        );
        Ok(())
    })
    .await
}

async fn kinds(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let empty = it.events.iter().find(|event| event.kind.is_none());
        ensure!(empty.is_none(), "{}: {empty:?}", it.method.name());
        Ok(())
    })
    .await
}

async fn states(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::State(it) = kind else { return Ok(()) };
        ensure!(it.state() != State::Unspecified, "it is {}", it.state);
        Ok(())
    })
    .await
}

fn percent(kind: &Kind) -> Option<f64> {
    if let Kind::Progress(progress) = kind { progress.percent } else { None }
}

async fn percent_range(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let percent = percent(kind).unwrap_or_default();
        ensure!((0.0..=100.0).contains(&percent), "it is {percent}");
        Ok(())
    })
    .await
}

async fn percent_rises(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let all: Vec<f64> = it.kinds().filter_map(percent).collect();
        let falls = all.windows(2).find(|two| two[1] < two[0]);
        ensure!(falls.is_none(), "{}: {falls:?}", it.method.name());
        Ok(())
    })
    .await
}

async fn amounts(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Progress(progress) = kind else { return Ok(()) };
        let Some(Amount { current, total, .. }) = progress.amount else { return Ok(()) };
        ensure!(total == 0 || current <= total, "{current} of {total}");
        Ok(())
    })
    .await
}

async fn activities(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Progress(progress) = kind else { return Ok(()) };
        ensure!(!progress.activity.contains('\n'), "{:?}", progress.activity);
        Ok(())
    })
    .await
}

async fn property_names(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Property(property) = kind else { return Ok(()) };
        ensure!(!property.key.is_empty(), "one with the value {} has none", property.value_json);
        Ok(())
    })
    .await
}

async fn property_values(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Property(it) = kind else { return Ok(()) };
        let valid = serde_json::from_str::<IgnoredAny>(&it.value_json).is_ok();
        ensure!(valid, "that of {} is {:?}", it.key, it.value_json);
        Ok(())
    })
    .await
}

async fn log_lines(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Log(line) = kind else { return Ok(()) };
        ensure!(!line.message.contains('\n'), "{:?}", line.message);
        Ok(())
    })
    .await
}

async fn log_length(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Log(line) = kind else { return Ok(()) };
        ensure!(line.message.len() <= LINE_BYTES_MAX, "one has {} bytes", line.message.len());
        Ok(())
    })
    .await
}

async fn batch_size(bench: &Bench) -> Verdict {
    each(bench, |it| {
        let large = it.batches.iter().find(|batch| BATCH_BYTES_MAX <= batch.bytes);
        ensure!(large.is_none(), "{}: {large:?}", it.method.name());
        Ok(())
    })
    .await
}

async fn batches(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let many = bench.subject().sample().and_then(|it| it.many.clone()).unwrap_or_default();
    let call = bench.call(&session).await?.with(&many);
    let mut reader = session.start(&call).await?;
    reader.ended().await?;
    let (events, batches) = (reader.events.len(), reader.batches.len());
    ensure!(100 <= events, "the sample's `many` says only {events} events");
    ensure!(10 * batches <= events, "{events} events came in {batches} batches");
    Ok(())
}

async fn heartbeat(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (_call, mut reader) = bench.long(&session).await?;
    let begun = std::time::Instant::now();
    while begun.elapsed() < HEARTBEAT {
        let event = reader.next_within(HEARTBEAT).await?;
        ensure!(event.is_some(), "it ended, though it was to last");
    }
    Ok(())
}

async fn packages(bench: &Bench) -> Verdict {
    every_kind(bench, |kind| {
        let Kind::Packages(list) = kind else { return Ok(()) };
        ensure!(list.packages.iter().all(|it| !it.name.is_empty()), "one has none");
        Ok(())
    })
    .await
}

async fn failed(bench: &Bench) -> Result<factory_proto::plugin_v1::Failure, crate::case::Stop> {
    let session = bench.session().await?;
    let fails = bench.subject().sample().and_then(|it| it.fails.clone()).unwrap_or_default();
    let call = bench.call(&session).await?.with(&fails);
    match session.start(&call).await?.ended().await? {
        Kind::Failed(failure) => Ok(failure),
        other => Err(crate::case::Stop::broken(format!("it ended with {}", name(&other)))),
    }
}

async fn failure_reason(bench: &Bench) -> Verdict {
    let reason = failed(bench).await?.reason;
    let plain = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
    ensure!(!reason.is_empty() && reason.bytes().all(plain), "it is {reason:?}");
    Ok(())
}

async fn failure_message(bench: &Bench) -> Verdict {
    judge_fragment(&failed(bench).await?.message)
}

async fn failure_fault(bench: &Bench) -> Verdict {
    let failure = failed(bench).await?;
    ensure!(failure.fault() != Fault::Unspecified, "nobody's: {failure:?}");
    Ok(())
}
