//! Secrets: a password, credentials and parameters that are looked for everywhere.

use crate::bench::Bench;
use crate::canary::found;
use crate::case::{Case, Stop, Verdict, run};
use crate::need::Need;
use crate::protocol::secret;
use prost::Message;
use std::path::{Path, PathBuf};

const NEVER: &str = "A value that must never reach a log, an event, an error, an argument list, an environment or a file that outlives the operation, neither as it is nor encoded.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "SE-01",
        "no argument of a process is a secret",
        secret(NEVER),
        &[Need::Operation],
        run!(arguments),
    ),
    Case::new(
        "SE-02",
        "no environment has a secret",
        secret(NEVER),
        &[Need::Operation],
        run!(environments),
    ),
    Case::new(
        "SE-03",
        "no line of its own log has a secret",
        secret(NEVER),
        &[Need::Operation],
        run!(log),
    ),
    Case::new("SE-04", "no event has a secret", secret(NEVER), &[Need::Operation], run!(events)),
    Case::new(
        "SE-05",
        "no file that stays has a secret",
        secret(NEVER),
        &[Need::Operation],
        run!(files),
    ),
    Case::new(
        "SE-06",
        "no refusal has a secret",
        secret(NEVER),
        &[Need::Operation],
        run!(refusals),
    )
    .fault(),
    Case::new(
        "SE-07",
        "standard output has no secret",
        secret(NEVER),
        &[Need::Operation],
        run!(output),
    ),
];

async fn judge(bench: &Bench, bytes: &[u8], place: &str) -> Verdict {
    let canaries = bench.subject().canaries(bench.described().await?);
    let found = found(&canaries, bytes);
    if found.is_empty() {
        Ok(())
    } else {
        Err(Stop::broken(format!("{place}: {}", found.join(", "))))
    }
}

async fn arguments(bench: &Bench) -> Verdict {
    judge(bench, bench.whole().await?.arguments.as_bytes(), "an argument list").await
}

async fn environments(bench: &Bench) -> Verdict {
    judge(bench, bench.whole().await?.environments.as_bytes(), "an environment").await
}

async fn log(bench: &Bench) -> Verdict {
    judge(bench, bench.whole().await?.stderr.as_bytes(), "standard error").await
}

async fn output(bench: &Bench) -> Verdict {
    judge(bench, bench.whole().await?.stdout.as_bytes(), "standard output").await
}

async fn events(bench: &Bench) -> Verdict {
    for transcript in &bench.whole().await?.transcripts {
        for event in &transcript.events {
            let place = format!("event {} of {}", event.seq, transcript.method.name());
            judge(bench, &event.encode_to_vec(), &place).await?;
        }
    }
    Ok(())
}

async fn files(bench: &Bench) -> Verdict {
    let whole = bench.whole().await?;
    for directory in [whole.place.temporary(), whole.place.home(), whole.place.work()] {
        for path in below(&directory)? {
            judge(bench, &std::fs::read(&path)?, &path.display().to_string()).await?;
        }
    }
    Ok(())
}

fn below(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.extend(below(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

async fn refusals(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let refusal = session.refusal(&bench.call(&session).await?.bare()).await?;
    let status = &refusal.status;
    judge(bench, status.message().as_bytes(), "the message of a refusal").await?;
    judge(bench, status.details(), "the details of a refusal").await
}
