//! Failures that look as if the sandbox had a part in them.

use crate::delegate::Error;
use crate::domain::Failure;
use crate::plugin::instance::Instance;
use crate::sandbox::Profile;

/// How the system says that something was not allowed, in C, Rust, Go and Python; and how a program ends that was stopped by a
/// filter of system calls.
const DENIALS: [&str; 8] = [
    "Permission denied",
    "permission denied",
    "Operation not permitted",
    "operation not permitted",
    "EACCES",
    "EPERM",
    "PermissionError",
    "SIGSYS",
];

/// Says what the plugin may do, if that may be why it failed.
pub(super) fn explained(error: Error, instance: &Instance) -> Error {
    match error {
        Error::Failed(failure) => {
            Error::Failed(Box::new(with_hint(*failure, instance.name(), instance.sandbox())))
        }
        other => other,
    }
}

fn with_hint(mut failure: Failure, plugin: &str, sandbox: &Profile) -> Failure {
    let says = |text: &String| DENIALS.iter().any(|denial| text.contains(denial));
    if sandbox.rules.is_none() || ![&failure.message, &failure.detail].into_iter().any(says) {
        return failure;
    }
    let gets = sandbox.gets.join("; ");
    let hint =
        format!("the sandbox of plugin {plugin} allows: {gets}; see `factory plugins {plugin}`");
    failure.hint = match failure.hint.as_str() {
        "" => hint,
        own => format!("{own}; {hint}"),
    };
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Fault;
    use crate::seal::Rules;

    fn hint(message: &str, enforced: bool) -> String {
        let rules = enforced.then(Rules::default);
        let sandbox = Profile { rules, gets: vec!["no network".into()], ..Profile::default() };
        with_hint(Failure::new(Fault::Host, "X", message), "x", &sandbox).hint
    }

    #[test]
    fn a_denial_names_the_sandbox_and_what_it_allows() {
        let expected = "the sandbox of plugin x allows: no network; see `factory plugins x`";
        for message in ["open /root: permission denied", "Operation not permitted (os error 1)"] {
            assert_eq!(hint(message, true), expected);
            assert_eq!(hint(message, false), "", "nothing is kept from it");
        }
        assert_eq!(hint("no space left on device", true), "");
    }
}
