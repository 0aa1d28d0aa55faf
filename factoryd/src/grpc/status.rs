//! Errors as gRPC statuses: the code steers, and a `factory.v1.Error` among the details explains.

use super::translate;
use crate::access::TokenError;
use crate::domain::{Failure, Fault, Notice, Principal, Role};
use crate::factory::Error;
use crate::report::chain;
use factory_proto::factory_v1 as v1;
use prost::Message;
use std::fmt::Display;
use tonic::{Code, Status};
use tonic_types::pb;

/// The type of the detail that explains a status.
const ERROR_TYPE_URL: &str = "type.googleapis.com/factory.v1.Error";
/// The type of the detail that lists what is wrong with a request.
const BAD_REQUEST_TYPE_URL: &str = "type.googleapis.com/google.rpc.BadRequest";
/// How many problems are listed, and how long each is, in bytes, for the reason below.
const VIOLATIONS_MAX: usize = 12;
const VIOLATION_LEN_MAX: usize = 200;
/// The longest detail text, in bytes: a status travels in HTTP/2 headers, of which clients take 16 KiB.
const DETAIL_LEN_MAX: usize = 6 * 1024;

/// Answers what a client is told of an error.
pub(super) fn status(error: &Error) -> Status {
    let (code, explanation) = match error {
        Error::Template(problems) => (
            Code::InvalidArgument,
            explain("TEMPLATE_INVALID", Fault::User, error).detail(problems.to_string()),
        ),
        Error::NoDelegate(nobody) => (
            Code::InvalidArgument,
            explain("NO_PLUGIN", Fault::User, nobody)
                .hint("see `factory plugins` for what is served, or install the plugin"),
        ),
        Error::Refused(diagnostics) => {
            let notices = diagnostics.iter().map(|diagnostic| &diagnostic.notice);
            return refused("REFUSED_BY_PLUGIN", error, notices);
        }
        Error::Invalid(notices) => {
            return refused(Failure::INVALID_PARAMETERS, error, notices.iter());
        }
        Error::Plugin(failure)
        | Error::Callback(failure)
        | Error::Secret(failure)
        | Error::Retry(failure) => (code_of(failure.fault), (**failure).clone()),
        Error::NotFound(_) | Error::NoResource(_) => {
            (Code::NotFound, explain("NOT_FOUND", Fault::User, error))
        }
        Error::NotLeftOver { kept, .. } => {
            let failure = explain("NOT_LEFT_OVER", Fault::Conflict, error);
            let hint = if *kept { "delete the image" } else { "cancel the image, or wait for it" };
            (Code::FailedPrecondition, failure.hint(hint))
        }
        Error::Kind { .. } => (Code::InvalidArgument, explain("WRONG_KIND", Fault::User, error)),
        Error::Status { .. } => {
            (Code::FailedPrecondition, explain("WRONG_STATUS", Fault::Conflict, error))
        }
        Error::HasChildren { .. } => {
            (Code::FailedPrecondition, explain("HAS_CHILDREN", Fault::Conflict, error))
        }
        Error::Busy(_) => (
            Code::ResourceExhausted,
            explain("TOO_MANY_WAIT", Fault::Quota, error).hint("try again in some minutes"),
        ),
        Error::ShuttingDown => (Code::Unavailable, explain("SHUTTING_DOWN", Fault::Factory, error)),
        Error::Store(store) if store.is_full() => {
            (Code::ResourceExhausted, explain("NO_SPACE", Fault::Host, store))
        }
        Error::Store(_) => {
            tracing::error!(error = %chain(error), "the store failed a request");
            (Code::Internal, explain("STORE", Fault::Factory, chain(error)))
        }
    };
    with_detail(code, translate::failure(explanation))
}

/// What a message that can't be read is answered with. Boxed: a [`Status`] is large.
#[derive(Debug)]
pub(super) struct Refused(Box<Status>);

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        *refused.0
    }
}

/// Answers a refusal of a field of a message.
pub(super) fn invalid(field: &str, why: impl Display) -> Refused {
    let failure = explain("INVALID_REQUEST", Fault::User, why).path(field);
    Refused(Box::new(with_detail(Code::InvalidArgument, translate::failure(failure))))
}

/// Answers who is not known.
pub(super) fn unauthenticated(refused: &crate::access::Refused) -> Status {
    use crate::access::Refused;
    let (code, reason, fault) = match refused {
        Refused::Store(error) => {
            tracing::error!(error = %chain(error), "the store failed a request");
            (Code::Internal, "STORE", Fault::Factory)
        }
        Refused::Busy => (Code::ResourceExhausted, "TOO_MANY_REQUESTS", Fault::Quota),
        _ => (Code::Unauthenticated, "UNAUTHENTICATED", Fault::Auth),
    };
    with_detail(code, translate::failure(explain(reason, fault, refused)))
}

/// Answers what a client is told of an error of the tokens.
pub(super) fn of_tokens(error: &TokenError) -> Status {
    let (code, reason, fault) = match error {
        TokenError::Name | TokenError::Lifetime => {
            (Code::InvalidArgument, "INVALID_REQUEST", Fault::User)
        }
        TokenError::NotFound(_) => (Code::NotFound, "NOT_FOUND", Fault::User),
        TokenError::Random(_) | TokenError::Store(_) => {
            tracing::error!(error = %chain(error), "the store failed a request");
            (Code::Internal, "STORE", Fault::Factory)
        }
    };
    with_detail(code, translate::failure(explain(reason, fault, chain(error))))
}

/// Answers who may not.
pub(super) fn forbidden(principal: &Principal, needed: Role) -> Status {
    let message =
        format!("{} has the role {}; this takes {needed}", principal.name, principal.role);
    let failure = explain("FORBIDDEN", Fault::Auth, message);
    with_detail(Code::PermissionDenied, translate::failure(failure))
}

/// Answers the end of a stream whose server stops.
pub(super) fn shutting_down() -> Status {
    status(&Error::ShuttingDown)
}

/// Answers what a client is told if a plugin can't be asked.
pub(super) fn of_plugin(failure: Failure) -> Status {
    let code = match failure.reason.as_str() {
        Failure::PLUGIN_UNKNOWN => Code::NotFound,
        _ => code_of(failure.fault),
    };
    with_detail(code, translate::failure(failure))
}

/// One notice is where and what to do; of more, each gets a line. Programs find them one by one in a `BadRequest`.
fn refused<'a>(
    reason: &str,
    error: &Error,
    mut notices: impl Iterator<Item = &'a Notice> + Clone,
) -> Status {
    let failure = explain(reason, Fault::User, error);
    let lines = notices.clone().map(line).collect::<Vec<_>>();
    let violations = notices.clone().take(VIOLATIONS_MAX).map(violation).collect();
    let failure = match notices.next() {
        Some(only) if lines.len() == 1 => failure.path(&only.path).hint(&only.hint),
        _ => failure.detail(lines.join("\n")),
    };
    let request = pb::BadRequest { field_violations: violations };
    let request = any(BAD_REQUEST_TYPE_URL, &request);
    with_details(Code::InvalidArgument, translate::failure(failure), vec![request])
}

fn violation(notice: &Notice) -> pb::bad_request::FieldViolation {
    let hint = if notice.hint.is_empty() { String::new() } else { format!("; {}", notice.hint) };
    let mut description = format!("{}{hint}", notice.message);
    shorten(&mut description, VIOLATION_LEN_MAX);
    pb::bad_request::FieldViolation {
        field: notice.path.clone(),
        description,
        ..Default::default()
    }
}

fn line(notice: &Notice) -> String {
    let place = if notice.path.is_empty() { String::new() } else { format!("{}: ", notice.path) };
    let hint = if notice.hint.is_empty() { String::new() } else { format!("; {}", notice.hint) };
    format!("{place}{}{hint}", notice.message)
}

fn explain(reason: &str, fault: Fault, message: impl Display) -> Failure {
    Failure::new(fault, reason, message.to_string())
}

/// Whose move is next decides whether trying again, or asking differently, makes sense.
fn code_of(fault: Fault) -> Code {
    match fault {
        Fault::User => Code::InvalidArgument,
        Fault::Auth | Fault::Quota | Fault::Host | Fault::Conflict => Code::FailedPrecondition,
        Fault::Transient => Code::Unavailable,
        Fault::Plugin | Fault::Factory => Code::Internal,
    }
}

fn with_detail(code: Code, error: v1::Error) -> Status {
    with_details(code, error, Vec::new())
}

fn with_details(code: Code, mut error: v1::Error, more: Vec<prost_types::Any>) -> Status {
    shorten(&mut error.detail, DETAIL_LEN_MAX);
    shorten(&mut error.message, DETAIL_LEN_MAX);
    let message = error.message.clone();
    let details = [any(ERROR_TYPE_URL, &error)].into_iter().chain(more).collect();
    let rpc = pb::Status { code: code.into(), message: message.clone(), details };
    Status::with_details(code, message, rpc.encode_to_vec().into())
}

fn any(type_url: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any { type_url: type_url.to_owned(), value: message.encode_to_vec() }
}

fn shorten(text: &mut String, len_max: usize) {
    if len_max < text.len() {
        text.truncate(text.floor_char_boundary(len_max));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ImageId;

    fn detail(status: &Status) -> v1::Error {
        let rpc = pb::Status::decode(status.details()).unwrap();
        let [detail] = rpc.details.as_slice() else { panic!("{rpc:?}") };
        assert_eq!(detail.type_url, ERROR_TYPE_URL);
        v1::Error::decode(detail.value.as_slice()).unwrap()
    }

    #[test]
    fn a_missing_image_is_not_found_and_named() {
        let id = ImageId::parse("0192f3a4-5b6c-7d8e-9f01-23456789abcd").unwrap();
        let status = status(&Error::NotFound(id));
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "there is no image 0192f3a4-5b6c-7d8e-9f01-23456789abcd");
        assert_eq!(detail(&status).reason, "NOT_FOUND");
    }

    #[test]
    fn a_plugins_refusal_keeps_its_own_words() {
        let failure = Failure::new(Fault::Host, "TOOL_MISSING", "mmdebstrap is not installed")
            .hint("apt install mmdebstrap");
        let status = status(&Error::Plugin(Box::new(failure)));
        assert_eq!(status.code(), Code::FailedPrecondition);
        let detail = detail(&status);
        assert_eq!(detail.reason, "TOOL_MISSING");
        assert_eq!(detail.hint, "apt install mmdebstrap");
    }

    #[test]
    fn a_status_fits_into_http_headers() {
        let failure =
            Failure::new(Fault::Plugin, "X", "é".repeat(50_000)).detail("é".repeat(50_000));
        let status = status(&Error::Plugin(Box::new(failure)));
        assert!(status.details().len() < 3 * DETAIL_LEN_MAX + 100, "{}", status.details().len());
    }
}
