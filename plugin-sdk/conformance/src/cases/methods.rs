//! What each method of the delegates promises.

use crate::artifact::measure;
use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::method::{self, Method};
use crate::need::Need;
use crate::protocol::{cloud, events, failure, operation, os};
use factory_proto::plugin_v1::{completed, event::Kind};
use tonic::Code;

const OPTIONAL: &str = "Should, Will and Did are optional: UNIMPLEMENTED counts as \"yes\", \"nothing\" and \"nothing to do\".";
const GONE: &str = "An image that is gone already is success.";

pub(super) const CASES: &[Case] = &[
    Case::new(
        "ME-01",
        "a base image has files",
        os("Installs an operating system as the template says, and announces its files"),
        &[Need::Os, Need::Completes, Need::Runs(Method::CreateBaseImage)],
        run!(base_has_files),
    ),
    Case::new(
        "ME-02",
        "every method of the sample ends as it says",
        events("Terminal: it is done."),
        &[Need::Completes],
        run!(completes),
    ),
    Case::new(
        "ME-03",
        "it reads the image before, and does not change it",
        operation("Their `path` is absolute here; they are read-only."),
        &[Need::Operation],
        run!(inputs),
    ),
    Case::new(
        "ME-04",
        "only methods that answer something have a result",
        events("What the method returns, for methods that return something."),
        &[Need::Completes],
        run!(results),
    ),
    Case::new(
        "ME-05",
        "ShouldCreateTargetImage answers, or is UNIMPLEMENTED",
        cloud(OPTIONAL),
        &[Need::Cloud, Need::Completes, Need::Runs(Method::ShouldCreateTargetImage)],
        run!(should),
    ),
    Case::new(
        "ME-06",
        "the files that a cloud wants have absolute paths",
        events("An absolute path in the image."),
        &[Need::Cloud, Need::Completes, Need::Runs(Method::WillCreateTargetImage)],
        run!(content),
    ),
    Case::new(
        "ME-07",
        "a pushed image has a name at the provider",
        cloud("Puts a target image into a provider's account. Announces CloudIdentifiers."),
        &[Need::Has("push"), Need::Completes, Need::Runs(Method::PushImageToProvider)],
        run!(push),
    ),
    Case::new(
        "ME-08",
        "a snapshot has a name at the provider",
        cloud(
            "Builds an image inside the provider's account by customising and snapshotting a running instance. Announces CloudIdentifiers.",
        ),
        &[Need::Has("snapshot"), Need::Completes, Need::Runs(Method::SnapshotImageOnProvider)],
        run!(snapshot),
    ),
    Case::new(
        "ME-09",
        "to delete an image twice is success",
        cloud(GONE),
        &[
            Need::Has("delete"),
            Need::Has("push"),
            Need::Completes,
            Need::Runs(Method::DeleteFromProvider),
            Need::Runs(Method::PushImageToProvider),
        ],
        run!(delete_twice),
    ),
    Case::new(
        "ME-10",
        "methods whose capability it does not declare are UNIMPLEMENTED",
        failure(
            "any operation | UNIMPLEMENTED | the capability is absent | skips the step if it may, else fails",
        ),
        &[],
        run!(undeclared),
    ),
];

async fn base_has_files(bench: &Bench) -> Verdict {
    let transcript = bench.whole().await?.transcript(Method::CreateBaseImage)?;
    ensure!(!transcript.artifacts.is_empty(), "there are none");
    Ok(())
}

async fn completes(bench: &Bench) -> Verdict {
    let whole = bench.whole().await?;
    if let Some((method, why)) = whole.stopped.first() {
        return Err(Stop::broken(format!("{}: {why:?}", method.name())));
    }
    for it in &whole.transcripts {
        let done = matches!(it.terminal(), Some(Kind::Completed(_)));
        ensure!(done, "{} ended with {:?}", it.method.name(), it.terminal());
    }
    Ok(())
}

async fn inputs(bench: &Bench) -> Verdict {
    for (path, before) in &bench.whole().await?.inputs {
        let after = measure(path);
        ensure!(after.as_ref().ok() == Some(before), "{} is {after:?}", path.display());
    }
    Ok(())
}

async fn results(bench: &Bench) -> Verdict {
    for it in &bench.whole().await?.transcripts {
        let Some(Kind::Completed(completed)) = it.terminal() else { continue };
        let fits = match (it.method, &completed.result) {
            (
                Method::ShouldCreateTargetImage,
                Some(completed::Result::ShouldCreateTargetImage(_)),
            )
            | (Method::WillCreateTargetImage, Some(completed::Result::CloudContent(_)) | None)
            | (_, None) => true,
            (_, Some(_)) => false,
        };
        ensure!(fits, "{} answered {:?}", it.method.name(), completed.result);
    }
    Ok(())
}

async fn should(bench: &Bench) -> Verdict {
    let whole = bench.whole().await?;
    if whole.lacking.contains(&Method::ShouldCreateTargetImage) {
        return Ok(());
    }
    let transcript = whole.transcript(Method::ShouldCreateTargetImage)?;
    let answered =
        matches!(transcript.terminal(), Some(Kind::Completed(it)) if it.result.is_some());
    ensure!(answered, "it ended with {:?}", transcript.terminal());
    Ok(())
}

async fn content(bench: &Bench) -> Verdict {
    let whole = bench.whole().await?;
    if whole.lacking.contains(&Method::WillCreateTargetImage) {
        return Ok(());
    }
    let transcript = whole.transcript(Method::WillCreateTargetImage)?;
    let Some(Kind::Completed(completed)) = transcript.terminal() else { return Ok(()) };
    let Some(completed::Result::CloudContent(content)) = &completed.result else { return Ok(()) };
    let relative = content.files.iter().find(|file| !file.name.starts_with('/'));
    ensure!(relative.is_none(), "one is {:?}", relative.map(|it| &it.name));
    Ok(())
}

async fn push(bench: &Bench) -> Verdict {
    identified(bench, Method::PushImageToProvider).await
}

async fn snapshot(bench: &Bench) -> Verdict {
    identified(bench, Method::SnapshotImageOnProvider).await
}

async fn identified(bench: &Bench, method: Method) -> Verdict {
    let transcript = bench.whole().await?.transcript(method)?;
    let named = transcript.identifiers().is_some_and(|it| !it.identifier_on_provider.is_empty());
    ensure!(named, "it has {:?}", transcript.identifiers());
    Ok(())
}

async fn delete_twice(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let requests = bench.requests(session.place()).await?;
    let mut reader = session.start(&requests.call(Method::PushImageToProvider)?).await?;
    reader.ended().await?;
    let pushed = reader.events.iter().find_map(|event| match &event.kind {
        Some(Kind::CloudIdentifiers(identifiers)) => Some(identifiers.clone()),
        _ => None,
    });
    let identifiers = pushed.ok_or_else(|| Stop::broken("the pushed image has no name"))?;
    for time in ["first", "second"] {
        let mut reader = session.start(&requests.delete(identifiers.clone())?).await?;
        let ended = reader.ended().await?;
        ensure!(matches!(ended, Kind::Completed(_)), "the {time} time it ended with {ended:?}");
    }
    Ok(())
}

async fn undeclared(bench: &Bench) -> Verdict {
    let (session, described) = (bench.session().await?, bench.described().await?);
    let requests = bench.requests(session.place()).await?;
    for method in method::ALL {
        let Some(name) = method.capability() else { continue };
        let is_for_it = method == Method::Reconcile || method.kind() == described.kind();
        if is_for_it && !described.capabilities.iter().any(|it| it == name) {
            let refusal = session.refusal(&requests.call(method)?).await?;
            ensure!(refusal.code() == Code::Unimplemented, "{}: {refusal}", method.name());
        }
    }
    let known = session.list().await?;
    ensure!(known.iter().all(|it| it.ended), "it knows {known:?}");
    Ok(())
}
