//! Problems of a request: collected for `Validate`, joined into one failure for an operation.

use factory_plugin_sdk::proto::diagnostic::Severity;
use factory_plugin_sdk::{Diagnostic, Failure, Fault};

/// Makes a problem that no operation can get past.
pub fn error(path: &str, message: impl Into<String>, hint: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error.into(),
        message: message.into(),
        path: path.to_owned(),
        hint: hint.to_owned(),
    }
}

/// Joins problems into one failure, which points at the first.
pub fn failure(problems: &[Diagnostic]) -> Failure {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let failure = Failure::new(Fault::User, "INVALID_PARAMETER", messages.join("; "));
    match problems.first() {
        Some(first) => failure.path(&first.path).hint(&first.hint),
        None => failure,
    }
}

/// Makes a failure of this machine's files.
pub fn io_failure(what: String, cause: &std::io::Error) -> Failure {
    let message = format!("{what}: {cause}");
    match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Failure::new(Fault::Quota, "DISK_FULL", message).hint("free space there")
        }
        std::io::ErrorKind::PermissionDenied => {
            Failure::new(Fault::Host, "PERMISSION_DENIED", message)
                .hint("let the factory's user write there")
        }
        _ => Failure::new(Fault::Host, "IO_FAILED", message),
    }
}
