//! `resources` and `reap`: what is outside this machine, and the end of what is left over there.

use super::arguments::CredentialsArguments;
use super::display::{print, say};
use super::error::Error;
use super::exit::Exit;
use super::session::{Client, Session};
use super::table::table;
use super::words::{one_line, printable, short};
use super::{ids, input, json};
use clap::Args;
use factory_proto::factory_v1 as v1;
use prost_types::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// How often to look how a clean-up goes.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// List what plugins made outside this machine and have not deleted, oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Before a plugin creates anything in a provider's account it says so, and the factory writes that down. What is still there when
a build has ended, and is no part of a complete image, is left over: the plugin is asked to delete it, again and again.

States:
  in use              the image is still being worked on
  left over           it exists, and is tried to be deleted
  may exist           as left over, but it is not known whether it was created
  being settled       it is being tried now
  needs credentials   those of the request are gone: `factory reap --credentials FILE`
  kept                a complete image owns it (--all); it goes with `factory delete`")]
pub(super) struct ResourcesArguments {
    /// List those of this image only.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// List what complete images own too.
    #[arg(long, short)]
    all: bool,
    /// Print a JSON array of factory.v1.LedgerEntry.
    #[arg(long)]
    json: bool,
}

/// Try to delete now what is left over outside this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory reap --wait
  factory reap 17 --credentials auth.json --wait
  factory reap --image 3f2a --credentials secret:prod

Exit code 1: with --wait, or without a daemon, something is still left over.")]
pub(super) struct ReapArguments {
    /// The resources, by their numbers in `factory resources`; none: all that are left over.
    numbers: Vec<u64>,
    /// Only those of this image.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    #[command(flatten)]
    credentials: CredentialsArguments,
    /// Wait until all have been tried. Without a daemon that is always so.
    #[arg(long)]
    wait: bool,
}

/// Lists resources.
pub(super) async fn resources(
    session: &Session,
    arguments: &ResourcesArguments,
) -> Result<Exit, Error> {
    let mut client = session.client();
    let image_id = image(&mut client, arguments.image.as_deref()).await?;
    let request = v1::ListResourcesRequest { image_id, kept: arguments.all, ..Default::default() };
    let resources = client.list_resources(request).await?.into_inner().resources;
    if arguments.json {
        let all: Value = resources.iter().map(json::ledger_entry).collect();
        print(&format!("{all:#}\n"))?;
    } else {
        print(&listed(&resources, SystemTime::now()))?;
    }
    Ok(Exit::Done)
}

/// Has resources deleted.
pub(super) async fn reap(session: &Session, arguments: &ReapArguments) -> Result<Exit, Error> {
    let mut client = session.client();
    let credentials = input::credentials(&arguments.credentials)?;
    let keyed = !credentials.is_empty();
    let image_id = image(&mut client, arguments.image.as_deref()).await?;
    let request = v1::ReapRequest { numbers: arguments.numbers.clone(), image_id, credentials };
    let before = client.reap(request).await?.into_inner().resources;
    if before.is_empty() {
        say("nothing is left over");
        return Ok(Exit::Done);
    }
    if !arguments.wait && !session.is_embedded() {
        say(&format!("{} are being tried: see `factory resources`", before.len()));
        return Ok(Exit::Done);
    }
    let remain = tried(&mut client, &before, keyed).await?;
    say(&format!("{} of {} are settled", before.len() - remain.len(), before.len()));
    if remain.is_empty() {
        return Ok(Exit::Done);
    }
    print(&listed(&remain, SystemTime::now()))?;
    Ok(Exit::Failed)
}

/// Waits until each has been tried, and answers those that remain.
async fn tried(
    client: &mut Client,
    before: &[v1::LedgerEntry],
    keyed: bool,
) -> Result<Vec<v1::LedgerEntry>, Error> {
    let attempts: HashMap<u64, u32> = before.iter().map(|it| (it.number, it.attempts)).collect();
    let numbers: Vec<u64> = before.iter().map(|it| it.number).collect();
    loop {
        let request = v1::ListResourcesRequest { numbers: numbers.clone(), ..Default::default() };
        let left = client.list_resources(request).await?.into_inner().resources;
        let waits = |it: &v1::LedgerEntry| {
            let untried = attempts.get(&it.number).is_some_and(|before| it.attempts <= *before);
            it.settling || untried && (keyed || !it.needs_credentials)
        };
        if !left.iter().any(waits) {
            return Ok(left);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn image(client: &mut Client, word: Option<&str>) -> Result<String, Error> {
    match word {
        Some(word) => Ok(ids::find(client, word).await?.id),
        None => Ok(String::new()),
    }
}

/// A table of resources, and what is in the way of each.
fn listed(resources: &[v1::LedgerEntry], now: SystemTime) -> String {
    let rows: Vec<_> = resources.iter().map(|resource| row(resource, now)).collect();
    let head =
        ["NUMBER", "AGE", "KIND", "RESOURCE", "IMAGE", "PLUGIN", "PROVIDER", "STATE", "NEXT TRY"];
    let mut text = table(head, &rows);
    for resource in resources.iter().filter(|resource| !resource.problem.is_empty()) {
        let tries = resource.attempts;
        let problem = printable(&resource.problem);
        let _ = match tries {
            0 => writeln!(text, "{}: {problem}", resource.number),
            _ => writeln!(text, "{}: {problem} (tried {tries} times)", resource.number),
        };
    }
    text
}

fn row(resource: &v1::LedgerEntry, now: SystemTime) -> [String; 9] {
    let known_as = match resource.resource_id.as_str() {
        "" => &resource.description,
        id => id,
    };
    let next = resource.next_try.as_ref().filter(|_| is_tried(resource));
    [
        resource.number.to_string(),
        resource.declared.as_ref().map(|at| since(at, now)).unwrap_or_default(),
        printable(&resource.kind),
        printable(&one_line(known_as, 60)),
        short(&resource.image_id).to_owned(),
        resource.plugin.clone(),
        printable(&one_line(&resource.provider, 40)),
        state(resource).to_owned(),
        next.map(|at| until(at, now)).unwrap_or_default(),
    ]
}

fn is_tried(resource: &v1::LedgerEntry) -> bool {
    matches!(state(resource), "left over" | "may exist")
}

fn state(resource: &v1::LedgerEntry) -> &'static str {
    match resource {
        it if it.state == "kept" => "kept",
        it if it.in_use => "in use",
        it if it.settling => "being settled",
        it if it.needs_credentials => "needs credentials",
        it if it.state == "intent" => "may exist",
        _ => "left over",
    }
}

fn since(at: &Timestamp, now: SystemTime) -> String {
    let at = SystemTime::try_from(*at).unwrap_or(now);
    coarse(now.duration_since(at).unwrap_or_default())
}

fn until(at: &Timestamp, now: SystemTime) -> String {
    let at = SystemTime::try_from(*at).unwrap_or(now);
    match at.duration_since(now) {
        Ok(left) => format!("in {}", coarse(left)),
        Err(_) => "now".to_owned(),
    }
}

/// `12s`, `3m`, `5h`, `2d`: the largest unit alone.
fn coarse(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn entry(number: u64) -> v1::LedgerEntry {
        v1::LedgerEntry {
            number,
            image_id: "0192f3a4-0000-7000-8000-00000000aaaa".into(),
            plugin: "nova".into(),
            provider: "cloud".into(),
            state: "created".into(),
            kind: "volume".into(),
            resource_id: "vol-1".into(),
            declared: Some(Timestamp { seconds: 1000, nanos: 0 }),
            ..Default::default()
        }
    }

    #[test]
    fn a_list_says_what_is_there_since_when_and_what_is_in_the_way() {
        let failing = v1::LedgerEntry {
            attempts: 3,
            problem: "it is in use".into(),
            next_try: Some(Timestamp { seconds: 1340, nanos: 0 }),
            ..entry(7)
        };
        let unknown = v1::LedgerEntry {
            state: "intent".into(),
            resource_id: String::new(),
            description: "disk of web".into(),
            needs_credentials: true,
            ..entry(12)
        };
        assert_eq!(
            listed(&[failing, unknown], UNIX_EPOCH + Duration::from_secs(1300)),
            "\
NUMBER  AGE  KIND    RESOURCE     IMAGE     PLUGIN  PROVIDER  STATE              NEXT TRY
7       5m   volume  vol-1        0192f3a4  nova    cloud     left over          in 40s
12      5m   volume  disk of web  0192f3a4  nova    cloud     needs credentials
7: it is in use (tried 3 times)
"
        );
    }

    #[test]
    fn times_are_told_by_their_largest_unit() {
        let told =
            [0, 59, 60, 3599, 3600, 86_399, 86_400 * 9].map(|s| coarse(Duration::from_secs(s)));
        assert_eq!(told, ["0s", "59s", "1m", "59m", "1h", "23h", "9d"]);
    }
}
