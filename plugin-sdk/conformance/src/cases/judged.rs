//! `Plugin.Validate`: requests that are judged before anything starts.

use crate::bench::Bench;
use crate::case::{Case, Stop, Verdict, ensure, run};
use crate::client::code_name;
use crate::need::Need;
use crate::protocol::{failure, plugin};
use crate::session::Session;
use factory_proto::plugin_v1::{Diagnostic, ValidateRequest, diagnostic::Severity, event::Kind};
use serde_json::{Map, Value};
use tonic::Code;

const JUDGES: Need = Need::Has("validate");

pub(super) const CASES: &[Case] = &[
    Case::new(
        "VA-01",
        "it finds nothing wrong with a request that completes",
        plugin("empty means that the request can be tried."),
        &[JUDGES, Need::Completes],
        run!(good),
    ),
    Case::new(
        "VA-02",
        "it judges nothing that is absent",
        plugin("A request to be judged. What is absent is not judged."),
        &[JUDGES],
        run!(absent),
    ),
    Case::new(
        "VA-03",
        "it starts nothing",
        plugin("Judges a request before anything is started."),
        &[JUDGES],
        run!(starts_nothing),
    ),
    Case::new(
        "VA-04",
        "it finds every problem",
        plugin("Finds every problem, not only the first; finding problems is success."),
        &[JUDGES, Need::Wrong],
        run!(every_problem),
    ),
    Case::new(
        "VA-05",
        "a problem has a severity",
        failure("How bad it is."),
        &[JUDGES, Need::Wrong],
        run!(severity),
    ),
    Case::new(
        "VA-06",
        "a problem is a lower-case fragment",
        failure("one lower-case fragment without a full stop"),
        &[JUDGES, Need::Wrong],
        run!(fragment),
    ),
    Case::new(
        "VA-07",
        "what it says can't work does not complete",
        failure("The request can't work."),
        &[JUDGES, Need::Wrong, Need::Operation],
        run!(cannot_work),
    ),
    Case::new(
        "VA-08",
        "without the capability it answers, or is UNIMPLEMENTED",
        plugin("A plugin without the capability `validate` may answer UNIMPLEMENTED."),
        &[Need::Lacks("validate")],
        run!(unable),
    ),
    Case::new(
        "VA-09",
        "parameters that are no JSON do not harm it",
        plugin("Parameters: one JSON object."),
        &[JUDGES],
        run!(no_json),
    )
    .fault(),
];

async fn request(
    bench: &Bench,
    session: &Session,
    more: Map<String, Value>,
) -> Result<ValidateRequest, Stop> {
    let requests = bench.requests(session.place()).await?;
    let method = bench.method().await?;
    let call = requests.call(method)?.with(&more);
    let header = call.header.unwrap_or_default();
    let account = requests.account()?;
    let is_os = method.kind() == factory_proto::plugin_v1::PluginKind::Os;
    Ok(ValidateRequest {
        method: method.name().to_owned(),
        template: Some(requests.template()),
        parameters_json: header.parameters_json,
        secret_parameters: header.secret_parameters,
        target: if is_os { String::new() } else { requests.target() },
        provider: if is_os { String::new() } else { account.provider },
        credentials: account.credentials.filter(|_| !is_os),
    })
}

fn errors(found: &[Diagnostic]) -> Vec<&str> {
    let errors = found.iter().filter(|it| it.severity() == Severity::Error);
    errors.map(|it| it.message.as_str()).collect()
}

async fn wrong(bench: &Bench) -> Result<Vec<Diagnostic>, Stop> {
    let session = bench.session().await?;
    let more = bench.subject().sample().and_then(|it| it.wrong.clone()).unwrap_or_default();
    let request = request(bench, &session, more).await?;
    let found = session.validate(&request).await?.diagnostics;
    ensure!(!found.is_empty(), "nothing was found in parameters that make no sense");
    Ok(found)
}

async fn good(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let request = request(bench, &session, Map::new()).await?;
    let found = session.validate(&request).await?.diagnostics;
    ensure!(errors(&found).is_empty(), "it found {:?}", errors(&found));
    Ok(())
}

async fn absent(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let method = bench.method().await?.name().to_owned();
    let request = ValidateRequest { method, ..Default::default() };
    let found = session.validate(&request).await?.diagnostics;
    ensure!(errors(&found).is_empty(), "it found {:?} in nothing", errors(&found));
    Ok(())
}

async fn starts_nothing(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    session.validate(&request(bench, &session, Map::new()).await?).await?;
    let known = session.list().await?;
    ensure!(known.is_empty(), "it started {known:?}");
    Ok(())
}

async fn every_problem(bench: &Bench) -> Verdict {
    let found = wrong(bench).await?;
    let names = bench.subject().sample().and_then(|it| it.wrong.clone()).unwrap_or_default();
    for name in names.keys() {
        let path = format!("parameters.{name}");
        ensure!(found.iter().any(|it| it.path == path), "nothing was found in {path}");
    }
    Ok(())
}

async fn severity(bench: &Bench) -> Verdict {
    let found = wrong(bench).await?;
    let unspecified = found.iter().find(|it| it.severity() == Severity::Unspecified);
    ensure!(unspecified.is_none(), "{unspecified:?}");
    Ok(())
}

async fn fragment(bench: &Bench) -> Verdict {
    wrong(bench).await?.iter().try_for_each(|it| judge_fragment(&it.message))
}

/// Judges a message by its form.
pub(super) fn judge_fragment(message: &str) -> Verdict {
    let mut letters = message.chars();
    let capital = letters.next().is_some_and(char::is_uppercase);
    // A name may begin a sentence: `TLS`, `GNU`.
    let is_name = letters.next().is_none_or(|it| !it.is_lowercase());
    ensure!(!message.is_empty(), "the message is empty");
    ensure!(!capital || is_name, "{message:?} begins as a sentence");
    ensure!(
        !message.ends_with('.') && !message.contains('\n'),
        "{message:?} ends as a sentence or has several lines"
    );
    Ok(())
}

async fn cannot_work(bench: &Bench) -> Verdict {
    let more = bench.subject().sample().and_then(|it| it.wrong.clone()).unwrap_or_default();
    if errors(&wrong(bench).await?).is_empty() {
        return Err(Stop::NotApplicable("it finds only warnings".to_owned()));
    }
    let session = bench.session().await?;
    let call = bench.call(&session).await?.with(&more);
    let Ok(mut reader) = session.start(&call).await else { return Ok(()) };
    let ended = reader.ended().await?;
    ensure!(!matches!(ended, Kind::Completed(_)), "it completed");
    Ok(())
}

async fn unable(bench: &Bench) -> Verdict {
    match bench.session().await?.validate(&ValidateRequest::default()).await {
        Err(refusal) if refusal.code() != Code::Unimplemented => Err(refusal.into()),
        _ => Ok(()),
    }
}

async fn no_json(bench: &Bench) -> Verdict {
    let session = bench.session().await?;
    let request = ValidateRequest { parameters_json: "{".to_owned(), ..Default::default() };
    match session.validate(&request).await {
        Ok(answer) => ensure!(!errors(&answer.diagnostics).is_empty(), "it found nothing"),
        Err(refusal) => {
            let code = refusal.code();
            ensure!(code == Code::InvalidArgument, "it answered {}", code_name(code));
        }
    }
    session.describe().await?;
    Ok(())
}
