//! Secrets stay out of what a plugin says: which it was given, and where it might say them.

use crate::delegate::{Account, Diagnostic, Error, Operation, Proposal};
use crate::domain::{Content, Failure, InstallSource, Notice, Secret, Template};
use crate::redact::Redactor;
use factory_proto::plugin_v1::{self as proto, event::Kind};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Answers the secrets that a plugin is given with an operation.
pub(super) fn given(
    operation: &Operation,
    template: Option<&Template>,
    account: Option<&Account>,
) -> Vec<Zeroizing<String>> {
    all(&operation.secrets, template, account)
}

/// Answers the secrets that a plugin is given with a request to judge.
pub(super) fn proposed(proposal: &Proposal<'_>) -> Vec<Zeroizing<String>> {
    all(proposal.secrets, proposal.template, proposal.account)
}

fn all(
    parameters: &[(String, Secret)],
    template: Option<&Template>,
    account: Option<&Account>,
) -> Vec<Zeroizing<String>> {
    let parameters = parameters.iter().map(|(_, secret)| secret);
    let credentials = account.map(|account| &account.credentials);
    let os = template.map(|template| &template.os);
    let os = os.into_iter().flat_map(|os| [os.root_password.as_ref(), os.product_key.as_ref()]);
    let secrets = parameters.chain(credentials).chain(os.flatten());
    let secrets = secrets.map(|secret| secret.expose().to_owned());
    let all = secrets.chain(template.into_iter().flat_map(in_urls));
    all.filter(|secret| !secret.is_empty()).map(Zeroizing::new).collect()
}

/// Answers the passwords in the URLs of a template, as they stand there and decoded.
fn in_urls(template: &Template) -> Vec<String> {
    let (InstallSource::Url(install) | InstallSource::Iso(install)) = &template.os.install.source;
    let extras = template.os.install.extras.iter().map(|extra| &extra.source);
    let repositories = template.repositories.iter().map(|repository| &repository.url);
    let files = template.files.iter().map(|file| &file.content);
    let commands = template.commands.iter().chain(&template.precommands);
    let contents = files.chain(commands.map(|command| &command.content));
    let contents = contents.filter_map(|content| match content {
        Content::Url(url) => Some(url),
        Content::Bytes(_) => None,
    });
    let urls = [install].into_iter().chain(extras).chain(repositories).chain(contents);
    let passwords = urls.filter_map(|url| password(url));
    passwords
        .flat_map(|it| [it.to_owned(), percent_decode_str(it).decode_utf8_lossy().into()])
        .collect()
}

fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("//")?;
    let (account, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    account.split_once(':').map(|(_, password)| password)
}

/// Takes secrets out of an event. A file whose name has one is none any more, which the operation then fails for.
pub(super) fn clean(redactor: &Redactor, kind: &mut Kind) {
    let each = |texts: &mut [&mut String]| texts.iter_mut().for_each(|it| redactor.clean(it));
    let names = |names: &mut [&mut String]| {
        names.iter_mut().for_each(|it| redactor.clean_name(it));
    };
    match kind {
        Kind::Progress(it) => {
            each(&mut [&mut it.phase, &mut it.activity]);
            if let Some(amount) = &mut it.amount {
                each(&mut [&mut amount.unit]);
            }
        }
        Kind::Property(it) => {
            names(&mut [&mut it.key]);
            redactor.clean_json(&mut it.value_json);
        }
        Kind::Log(it) => each(&mut [&mut it.message, &mut it.source]),
        Kind::Warning(it) => each(&mut [&mut it.message, &mut it.hint, &mut it.path]),
        Kind::Artifact(it) => {
            names(&mut [&mut it.role, &mut it.path, &mut it.format, &mut it.media_type]);
        }
        Kind::Packages(it) => {
            each(&mut [&mut it.icicle_xml]);
            for package in &mut it.packages {
                each(&mut [&mut package.name, &mut package.version, &mut package.extra]);
            }
        }
        Kind::CloudIdentifiers(it) => {
            names(&mut [&mut it.identifier_on_provider, &mut it.provider_account_identifier]);
        }
        Kind::ResourceIntent(it) => {
            names(&mut [&mut it.intent_id, &mut it.kind, &mut it.locator_json]);
            each(&mut [&mut it.description]);
        }
        Kind::ResourceCreated(it) => names(&mut [&mut it.intent_id, &mut it.resource_id]),
        Kind::ResourceDeleted(it) => names(&mut [&mut it.intent_id]),
        Kind::ResourceRemains(it) => {
            names(&mut [&mut it.intent_id]);
            it.why.iter_mut().for_each(|why| clean_sent(redactor, why));
        }
        Kind::Failed(it) => clean_sent(redactor, it),
        Kind::Cancelled(it) => it.left_behind.iter_mut().for_each(|it| redactor.clean(it)),
        // What a method returns goes into the image; the rest says nothing.
        Kind::Completed(_) | Kind::State(_) | Kind::Heartbeat(_) => {}
    }
}

fn clean_sent(redactor: &Redactor, it: &mut proto::Failure) {
    redactor.clean_name(&mut it.reason);
    let texts = [&mut it.message, &mut it.hint, &mut it.path, &mut it.step, &mut it.detail];
    texts.into_iter().for_each(|text| redactor.clean(text));
}

/// Takes secrets out of the end of a call.
pub(super) fn clean_error(redactor: &Redactor, error: Error) -> Error {
    match error {
        Error::Failed(mut failure) => {
            clean_failure(redactor, &mut failure);
            Error::Failed(failure)
        }
        Error::Cancelled { mut left_behind } => {
            left_behind.iter_mut().for_each(|it| redactor.clean(it));
            Error::Cancelled { left_behind }
        }
        Error::Unimplemented(method) => Error::Unimplemented(method),
    }
}

fn clean_failure(redactor: &Redactor, it: &mut Failure) {
    redactor.clean_name(&mut it.reason);
    let texts = [&mut it.message, &mut it.hint, &mut it.path, &mut it.step, &mut it.detail];
    texts.into_iter().for_each(|text| redactor.clean(text));
}

/// Takes secrets out of what a plugin finds wrong.
pub(super) fn clean_diagnostic(redactor: &Redactor, mut diagnostic: Diagnostic) -> Diagnostic {
    let Notice { message, hint, path } = &mut diagnostic.notice;
    [message, hint, path].into_iter().for_each(|text| redactor.clean(text));
    diagnostic
}
