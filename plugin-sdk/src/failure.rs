//! Why an operation failed.

use factory_proto::plugin_v1::{self as proto, Fault};
use prost::Message;
use std::fmt;
use tonic::{Code, Status};
use tonic_types::pb;

/// Names the message type of a [`proto::Failure`] inside the details of a `google.rpc.Status`.
const TYPE_URL: &str = "type.googleapis.com/factory.plugin.v1.Failure";

/// Why an operation failed, whose move is next and what to do; or that it was cancelled.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) kind: FailureKind,
}

#[derive(Debug, Clone)]
pub(crate) enum FailureKind {
    Failed(Box<proto::Failure>),
    Cancelled { left_behind: Vec<String> },
    Unimplemented(&'static str),
}

impl Failure {
    /// Makes a failure from whose move is next, a stable name (`PACKAGE_NOT_FOUND`) and a lower-case fragment.
    pub fn new(fault: Fault, reason: &str, message: impl Into<String>) -> Self {
        let failure = proto::Failure {
            reason: reason.to_owned(),
            message: message.into(),
            fault: fault.into(),
            ..Default::default()
        };
        Self { kind: FailureKind::Failed(Box::new(failure)) }
    }

    /// Says that the operation stopped because it was cancelled.
    pub fn cancelled() -> Self {
        Self { kind: FailureKind::Cancelled { left_behind: Vec::new() } }
    }

    /// Says that the plugin does not have the method.
    pub fn unimplemented(method: &'static str) -> Self {
        Self { kind: FailureKind::Unimplemented(method) }
    }

    /// Adds what to do about it.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.with(|f| f.hint = hint.into())
    }

    /// Adds where in the template or the parameters.
    pub fn path(self, path: impl Into<String>) -> Self {
        self.with(|f| f.path = path.into())
    }

    /// Adds the step that failed.
    pub fn step(self, step: impl Into<String>) -> Self {
        self.with(|f| f.step = step.into())
    }

    /// Adds more for who must find the cause.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.with(|f| f.detail = detail.into())
    }

    /// Changes whose move is next.
    pub fn fault(self, fault: Fault) -> Self {
        self.with(|f| f.fault = fault.into())
    }

    /// Adds something for programs, such as `package` and `nginx-nosuch`.
    pub fn metadata(self, key: &str, value: impl Into<String>) -> Self {
        self.with(|f| {
            f.metadata.insert(key.to_owned(), value.into());
        })
    }

    /// Says that trying again may help.
    pub fn retryable(self) -> Self {
        self.with(|f| {
            f.retry.get_or_insert_default().retryable = true;
        })
    }

    /// Answers the message that travels; `None` for a cancellation or a method that is not there.
    pub fn as_proto(&self) -> Option<&proto::Failure> {
        match &self.kind {
            FailureKind::Failed(failure) => Some(failure),
            FailureKind::Cancelled { .. } | FailureKind::Unimplemented(_) => None,
        }
    }

    /// Tells whether the operation stopped because it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, FailureKind::Cancelled { .. })
    }

    /// Says, of a cancelled operation, what could not be cleaned up: one sentence each. Changes nothing else.
    pub fn left_behind(mut self, sentence: impl Into<String>) -> Self {
        if let FailureKind::Cancelled { left_behind } = &mut self.kind {
            left_behind.push(sentence.into());
        }
        self
    }

    /// Packs it into a gRPC status, for a call that could not start.
    pub fn into_status(self, code: Code) -> Status {
        match self.kind {
            FailureKind::Failed(failure) => status_with(code, &failure),
            FailureKind::Cancelled { .. } => Status::cancelled("cancelled"),
            FailureKind::Unimplemented(method) => Status::unimplemented(lacks(method)),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut proto::Failure)) -> Self {
        if let FailureKind::Failed(failure) = &mut self.kind {
            change(failure);
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FailureKind::Failed(failure) => f.write_str(&failure.message),
            FailureKind::Cancelled { .. } => f.write_str("cancelled"),
            FailureKind::Unimplemented(method) => f.write_str(&lacks(method)),
        }
    }
}

impl std::error::Error for Failure {}

/// Reads the failure that [`Failure::into_status`] packed, if there is one.
pub fn failure_in(status: &Status) -> Option<proto::Failure> {
    let details = pb::Status::decode(status.details()).ok()?.details;
    let packed = details.into_iter().find(|detail| detail.type_url == TYPE_URL)?;
    proto::Failure::decode(packed.value.as_slice()).ok()
}

fn status_with(code: Code, failure: &proto::Failure) -> Status {
    let detail = prost_types::Any { type_url: TYPE_URL.to_owned(), value: failure.encode_to_vec() };
    let packed =
        pb::Status { code: code.into(), message: failure.message.clone(), details: vec![detail] };
    Status::with_details(code, &failure.message, packed.encode_to_vec().into())
}

fn lacks(method: &str) -> String {
    format!("the plugin does not have {method}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_trip_through_a_grpc_status() {
        let failure = Failure::new(Fault::User, "BAD_DISK", "disk is too small")
            .hint("ask for more")
            .path("template/disk/size")
            .metadata("missing_bytes", "17")
            .retryable();
        let expected = failure.as_proto().cloned();
        let status = failure.into_status(Code::InvalidArgument);
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "disk is too small");
        assert_eq!(failure_in(&status), expected);
    }

    #[test]
    fn a_status_without_details_holds_no_failure() {
        assert_eq!(failure_in(&Status::internal("oops")), None);
    }

    #[test]
    fn what_a_cancellation_left_behind_is_kept() {
        let failure = Failure::cancelled().left_behind("a mount").hint("ignored");
        let FailureKind::Cancelled { left_behind } = failure.kind else { panic!("not cancelled") };
        assert_eq!(left_behind, ["a mount"]);
    }
}
