//! Artifacts: files as they were when they were announced, and as they are at the end.

use crate::artifact::{Measured, measure};
use crate::bench::Bench;
use crate::case::{Case, Verdict, ensure, run};
use crate::need::Need;
use crate::protocol::{events, plugin};
use crate::whole::Transcript;
use factory_proto::plugin_v1::Artifact;
use std::collections::BTreeSet;

const WHOLE: &str = "An artifact is announced when its file is whole; the file is never changed or removed afterwards.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "AR-01",
        "its path is a name in the work directory",
        events("The file: a name inside the operation's `work_dir`, without a directory."),
        &[Need::Operation],
        run!(path),
    ),
    Case::new(
        "AR-02",
        "its file is there when it is announced",
        events(WHOLE),
        &[Need::Operation],
        run!(there),
    ),
    Case::new(
        "AR-03",
        "its size is that of the file",
        events("Its size in bytes."),
        &[Need::Operation],
        run!(size),
    ),
    Case::new(
        "AR-04",
        "its digest is that of the file",
        events("SHA-256 of the file, 64 lower-case hexadecimal digits."),
        &[Need::Operation],
        run!(digest),
    ),
    Case::new(
        "AR-05",
        "its file stays as it was",
        events(WHOLE),
        &[Need::Operation],
        run!(unchanged),
    ),
    Case::new(
        "AR-06",
        "each role comes once",
        events("Each role once an image"),
        &[Need::Operation],
        run!(roles),
    ),
    Case::new(
        "AR-07",
        "its format is one that the plugin writes",
        plugin("Formats of artifacts it can write."),
        &[Need::Operation],
        run!(format),
    ),
];

async fn each(
    bench: &Bench,
    judge: impl Fn(&Transcript, &Artifact, &Result<Measured, String>) -> Verdict,
) -> Verdict {
    for transcript in &bench.whole().await?.transcripts {
        for (artifact, measured) in &transcript.artifacts {
            judge(transcript, artifact, measured)?;
        }
    }
    Ok(())
}

async fn path(bench: &Bench) -> Verdict {
    each(bench, |_, artifact, _| {
        let path = &artifact.path;
        let bare = !path.is_empty() && path != "." && path != ".." && !path.contains('/');
        ensure!(bare, "it is {path:?}");
        Ok(())
    })
    .await
}

async fn there(bench: &Bench) -> Verdict {
    each(bench, |_, artifact, measured| {
        ensure!(measured.is_ok(), "{}: {measured:?}", artifact.path);
        Ok(())
    })
    .await
}

async fn size(bench: &Bench) -> Verdict {
    each(bench, |_, artifact, measured| {
        let Ok(file) = measured else { return Ok(()) };
        let right = artifact.size == file.size;
        ensure!(
            right,
            "{} has {} bytes, but {} are announced",
            artifact.path,
            file.size,
            artifact.size
        );
        Ok(())
    })
    .await
}

async fn digest(bench: &Bench) -> Verdict {
    each(bench, |_, artifact, measured| {
        let Ok(file) = measured else { return Ok(()) };
        let right = artifact.sha256.is_empty() || artifact.sha256 == file.sha256;
        ensure!(
            right,
            "{} has {}, but {} is announced",
            artifact.path,
            file.sha256,
            artifact.sha256
        );
        Ok(())
    })
    .await
}

async fn unchanged(bench: &Bench) -> Verdict {
    each(bench, |transcript, artifact, measured| {
        let Ok(before) = measured else { return Ok(()) };
        let after = measure(&transcript.work_dir.join(&artifact.path));
        ensure!(
            after.as_ref().ok() == Some(before),
            "{} was {before:?} and is {after:?}",
            artifact.path
        );
        Ok(())
    })
    .await
}

async fn roles(bench: &Bench) -> Verdict {
    for transcript in &bench.whole().await?.transcripts {
        let roles: Vec<_> = transcript.artifacts.iter().map(|(it, _)| it.role.as_str()).collect();
        let unique: BTreeSet<_> = roles.iter().collect();
        let named = roles.iter().all(|role| !role.is_empty());
        ensure!(named && unique.len() == roles.len(), "they are {roles:?}");
    }
    Ok(())
}

async fn format(bench: &Bench) -> Verdict {
    let known = &bench.described().await?.output_formats;
    each(bench, |_, artifact, _| {
        let declared = known.is_empty() || known.contains(&artifact.format);
        ensure!(
            declared,
            "that of {} is {:?}, not one of {known:?}",
            artifact.path,
            artifact.format
        );
        Ok(())
    })
    .await
}
