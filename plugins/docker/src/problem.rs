//! Problems of a request: collected for `Validate`, joined into one failure for an operation.

use factory_plugin_sdk::proto::diagnostic::Severity;
use factory_plugin_sdk::{Diagnostic, Failure, Fault};

/// Makes a problem that no operation can get past.
pub fn error(path: &str, message: impl Into<String>, hint: &str) -> Diagnostic {
    diagnostic(Severity::Error, path, message.into(), hint)
}

/// Makes a remark on what will have no effect.
pub fn warning(path: &str, message: impl Into<String>, hint: &str) -> Diagnostic {
    diagnostic(Severity::Warning, path, message.into(), hint)
}

/// Says whether a problem is one that no operation can get past.
pub fn is_error(problem: &Diagnostic) -> bool {
    problem.severity() == Severity::Error
}

/// Joins problems into one failure, which points at the first.
pub fn failure(problems: &[Diagnostic]) -> Failure {
    let errors: Vec<&Diagnostic> = problems.iter().filter(|problem| is_error(problem)).collect();
    let messages: Vec<&str> = errors.iter().map(|problem| problem.message.as_str()).collect();
    let failure = Failure::new(Fault::User, "INVALID_PARAMETER", messages.join("; "));
    match errors.first() {
        Some(first) => failure.path(&first.path).hint(&first.hint),
        None => failure,
    }
}

/// Writes an error with all its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn diagnostic(severity: Severity, path: &str, message: String, hint: &str) -> Diagnostic {
    let (path, hint) = (path.to_owned(), hint.to_owned());
    Diagnostic { severity: severity.into(), message, path, hint }
}
