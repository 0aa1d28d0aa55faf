//! The ledger: what a plugin creates outside this machine, announced before, confirmed after, and settled later.

use crate::bench::{Bench, MOMENT};
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::method::Method;
use crate::need::Need;
use crate::place::names;
use crate::protocol::{events, operations};
use crate::reader::Reader;
use crate::session::Session;
use factory_proto::plugin_v1::{
    Event, OpenIntent, ResourceIntent, event::Kind, open_intent::Wanted,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

const WAITS: &str = "It waits until the factory has acknowledged this event (Operations.Acknowledge) before it creates anything.";
const SETTLES: &str = "For each intent the plugin looks whether the resource exists";
const TEMPORARY: &str = "it is a means to an end, and the operation deletes it before it ends.";
const PUSHES: &[Need] =
    &[Need::Has("push"), Need::Completes, Need::Runs(Method::PushImageToProvider)];
const SETTLED: &[Need] = &[
    Need::Has("push"),
    Need::Has("reconcile"),
    Need::Completes,
    Need::Runs(Method::PushImageToProvider),
];
const GRACE: Duration = Duration::from_secs(3);

pub(super) const CASES: &[Case] = &[
    Case::new(
        "LE-01",
        "what exists was announced before",
        events("What was announced now exists."),
        PUSHES,
        run!(announced),
    ),
    Case::new(
        "LE-02",
        "an announcement has a name of its own",
        events("The plugin's own name for it, unique in the operation"),
        PUSHES,
        run!(unique),
    ),
    Case::new(
        "LE-03",
        "a locator is a JSON object",
        events("region, bucket, tags. One JSON object, never a secret."),
        PUSHES,
        run!(locator),
    ),
    Case::new(
        "LE-04",
        "it creates nothing before the announcement is acknowledged",
        events(WAITS),
        PUSHES,
        run!(waits),
    )
    .fault(),
    Case::new(
        "LE-05",
        "to acknowledge what came before is not enough",
        events(WAITS),
        PUSHES,
        run!(waits_for_the_right_one),
    )
    .fault(),
    Case::new(
        "LE-06",
        "what does not last is deleted before the end",
        events(TEMPORARY),
        PUSHES,
        run!(temporary),
    ),
    Case::new(
        "LE-07",
        "what lasts stays when the operation has completed",
        events(
            "once the operation has completed it stays, until DeleteFromProvider has deleted the image.",
        ),
        PUSHES,
        run!(lasting),
    ),
    Case::new(
        "LE-08",
        "while it waits for an acknowledgement it can be cancelled",
        events(WAITS),
        PUSHES,
        run!(cancelled_while_waiting),
    )
    .fault(),
    Case::new(
        "LE-09",
        "what exists has an identifier",
        events("The provider's identifier."),
        PUSHES,
        run!(identified),
    ),
    Case::new(
        "LE-10",
        "only Reconcile says that something remains",
        events("Only in Operations.Reconcile."),
        PUSHES,
        run!(no_remains),
    ),
    Case::new(
        "LE-11",
        "what a killed plugin left is deleted by the next one",
        operations(SETTLES),
        SETTLED,
        run!(after_a_kill),
    )
    .fault(),
    Case::new(
        "LE-12",
        "to settle again is success",
        operations("so it must be idempotent: what is gone already is ResourceDeleted."),
        SETTLED,
        run!(settled_twice),
    )
    .fault(),
    Case::new(
        "LE-13",
        "what is to be adopted stays",
        operations("if it exists it stays (ResourceCreated, with its id)."),
        SETTLED,
        run!(adopted),
    ),
    Case::new(
        "LE-14",
        "what never existed is deleted",
        operations("it existed and is gone now, or it never existed"),
        SETTLED,
        run!(never_existed),
    ),
    Case::new(
        "LE-15",
        "to settle nothing is refused",
        operations("What may be out there: at least one, all of one operation."),
        SETTLED,
        run!(nothing_to_settle),
    )
    .fault(),
];

fn intents(events: &[Event]) -> Vec<ResourceIntent> {
    let intent = |event: &Event| match &event.kind {
        Some(Kind::ResourceIntent(intent)) => Some(intent.clone()),
        _ => None,
    };
    events.iter().filter_map(intent).collect()
}

fn created(events: &[Event]) -> Vec<(String, String)> {
    let created = |event: &Event| match &event.kind {
        Some(Kind::ResourceCreated(it)) => Some((it.intent_id.clone(), it.resource_id.clone())),
        _ => None,
    };
    events.iter().filter_map(created).collect()
}

fn deleted(events: &[Event]) -> Vec<String> {
    let deleted = |event: &Event| match &event.kind {
        Some(Kind::ResourceDeleted(it)) => Some(it.intent_id.clone()),
        _ => None,
    };
    events.iter().filter_map(deleted).collect()
}

/// Returns the events of a push, which must have announced something.
async fn pushed(bench: &Bench) -> Result<&[Event], Stop> {
    let transcript = bench.whole().await?.transcript(Method::PushImageToProvider)?;
    let events = &transcript.events;
    if intents(events).is_empty() && created(events).is_empty() {
        return Err(Stop::NotApplicable("the sample's push creates nothing".to_owned()));
    }
    Ok(events)
}

async fn announced(bench: &Bench) -> Verdict {
    let mut names = BTreeSet::new();
    for event in pushed(bench).await? {
        match &event.kind {
            Some(Kind::ResourceIntent(it)) => drop(names.insert(&it.intent_id)),
            Some(Kind::ResourceCreated(it)) => {
                ensure!(names.contains(&it.intent_id), "{:?} was not", it.intent_id);
            }
            _ => {}
        }
    }
    Ok(())
}

async fn unique(bench: &Bench) -> Verdict {
    let all: Vec<_> = intents(pushed(bench).await?).into_iter().map(|it| it.intent_id).collect();
    let unique: BTreeSet<_> = all.iter().collect();
    ensure!(unique.len() == all.len() && all.iter().all(|it| !it.is_empty()), "they are {all:?}");
    Ok(())
}

async fn locator(bench: &Bench) -> Verdict {
    for intent in intents(pushed(bench).await?) {
        let text = &intent.locator_json;
        let object = text.is_empty() || serde_json::from_str::<Map<String, Value>>(text).is_ok();
        ensure!(object, "that of {} is {text:?}", intent.intent_id);
    }
    Ok(())
}

async fn temporary(bench: &Bench) -> Verdict {
    let events = pushed(bench).await?;
    let gone = deleted(events);
    let left = intents(events).into_iter().find(|it| !it.lasting && !gone.contains(&it.intent_id));
    ensure!(left.is_none(), "{left:?} is not");
    Ok(())
}

async fn lasting(bench: &Bench) -> Verdict {
    let events = pushed(bench).await?;
    let gone = deleted(events);
    let lost = intents(events).into_iter().find(|it| it.lasting && gone.contains(&it.intent_id));
    ensure!(lost.is_none(), "{lost:?} was deleted");
    Ok(())
}

async fn identified(bench: &Bench) -> Verdict {
    let without = created(pushed(bench).await?).into_iter().find(|(_, id)| id.is_empty());
    ensure!(without.is_none(), "{without:?} has none");
    Ok(())
}

async fn no_remains(bench: &Bench) -> Verdict {
    let remains = |event: &&Event| matches!(event.kind, Some(Kind::ResourceRemains(_)));
    let said = pushed(bench).await?.iter().find(remains);
    ensure!(said.is_none(), "the push said {said:?}");
    Ok(())
}

/// Starts a push and reads up to its first announcement, which is not acknowledged.
async fn waiting(bench: &Bench, session: &Session) -> Result<(Reader, u64), Stop> {
    pushed(bench).await?;
    let call = bench.requests(session.place()).await?.call(Method::PushImageToProvider)?;
    let mut reader = session.start(&call).await?.silent();
    let intent = reader.until("an announcement", |kind| matches!(kind, Kind::ResourceIntent(_)));
    let seq = intent.await?.seq;
    Ok((reader, seq))
}

/// Judges that for a moment nothing is created, neither by what is said nor in the directory that is the provider.
async fn judge_waiting(session: &Session, reader: &mut Reader) -> Verdict {
    let event = match reader.next_within(MOMENT).await {
        Ok(event) => event.and_then(|event| event.kind),
        Err(_) => None,
    };
    ensure!(
        !matches!(event, Some(Kind::ResourceCreated(_) | Kind::Completed(_))),
        "it went on with {event:?}"
    );
    let there = names(&session.place().directory("cloud")?)?;
    ensure!(there.is_empty(), "there is {there:?}");
    Ok(())
}

async fn waits(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (mut reader, _) = waiting(bench, &session).await?;
    judge_waiting(&session, &mut reader).await
}

async fn waits_for_the_right_one(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (mut reader, seq) = waiting(bench, &session).await?;
    session.acknowledge(reader.id(), seq - 1).await?;
    judge_waiting(&session, &mut reader).await
}

async fn cancelled_while_waiting(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let (mut reader, _) = waiting(bench, &session).await?;
    session.cancel(reader.id(), GRACE).await?;
    let ended = reader.ended().await?;
    ensure!(matches!(ended, Kind::Cancelled(_)), "it ended with {ended:?}");
    let there = names(&session.place().directory("cloud")?)?;
    ensure!(there.is_empty(), "there is {there:?}");
    Ok(())
}

/// Pushes, kills the plugin once it has created something, and starts another one in the same place.
async fn killed(bench: &Bench) -> Result<(Session, OpenIntent), Stop> {
    let mut session = bench.session().await?;
    let place = Arc::clone(session.process.place());
    let (mut reader, seq) = waiting(bench, &session).await?;
    session.acknowledge(reader.id(), seq).await?;
    reader.until("a confirmation", |kind| matches!(kind, Kind::ResourceCreated(_))).await?;
    session.process.signal(rustix::process::Signal::KILL);
    session.process.end(bench.patience()).await?;
    let intent = OpenIntent {
        operation_id: reader.id().to_owned(),
        intent: intents(&reader.events).into_iter().next(),
        resource_id: created(&reader.events).into_iter().next().unwrap_or_default().1,
        wanted: Wanted::Delete.into(),
    };
    let session = bench.session_of(bench.launch_at(&place)?).await?;
    Ok((session, intent))
}

/// Settles an intent, and returns the events of that.
async fn settle(bench: &Bench, session: &Session, intent: &OpenIntent) -> Result<Vec<Event>, Stop> {
    let call = bench.requests(session.place()).await?.reconcile(vec![intent.clone()])?;
    let mut reader = session.start(&call).await?;
    let ended = reader.ended().await?;
    ensure!(matches!(ended, Kind::Completed(_)), "settling ended with {ended:?}");
    Ok(reader.events)
}

async fn after_a_kill(bench: &Bench) -> Verdict {
    let (session, intent) = killed(bench).await?;
    // Without its id, as if the plugin had died before it confirmed.
    let intent = OpenIntent { resource_id: String::new(), ..intent };
    let said = settle(bench, &session, &intent).await?;
    ensure!(deleted(&said).len() == 1, "it said {said:?}");
    let there = names(&session.place().directory("cloud")?)?;
    ensure!(there.is_empty(), "there still is {there:?}");
    Ok(())
}

async fn settled_twice(bench: &Bench) -> Verdict {
    let (session, intent) = killed(bench).await?;
    for time in ["first", "second"] {
        let said = settle(bench, &session, &intent).await?;
        ensure!(deleted(&said).len() == 1, "the {time} time it said {said:?}");
    }
    Ok(())
}

async fn adopted(bench: &Bench) -> Verdict {
    let (session, intent) = killed(bench).await?;
    let intent = OpenIntent { wanted: Wanted::Adopt.into(), ..intent };
    let said = settle(bench, &session, &intent).await?;
    let ids: Vec<_> = created(&said).into_iter().map(|(_, id)| id).collect();
    ensure!(
        ids == [intent.resource_id.clone()],
        "{} exists, but it said {said:?}",
        intent.resource_id
    );
    Ok(())
}

async fn never_existed(bench: &Bench) -> Verdict {
    pushed(bench).await?;
    let session = bench.session().await?;
    let intent = ResourceIntent {
        intent_id: "never".to_owned(),
        kind: "object".to_owned(),
        locator_json: "{}".to_owned(),
        ..Default::default()
    };
    let operation_id = uuid::Uuid::new_v4().to_string();
    let open = OpenIntent { operation_id, intent: Some(intent), ..Default::default() };
    let said = settle(bench, &session, &open).await?;
    ensure!(deleted(&said).len() == 1, "it said {said:?}");
    Ok(())
}

async fn nothing_to_settle(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let call = bench.requests(session.place()).await?.reconcile(Vec::new())?;
    let refusal = session.refusal(&call).await?;
    ensure!(refusal.code() == Code::InvalidArgument, "{refusal}");
    Ok(())
}
