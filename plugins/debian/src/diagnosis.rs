//! Why packages could not be installed, read from what apt, dpkg and unshare printed.

use factory_plugin_sdk::{Failure, Fault, proto};
use std::collections::VecDeque;

const TAIL: usize = 20;
const COMPLAINTS: usize = 50;

/// What was printed, as far as it may say why something failed.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    tail: VecDeque<String>,
    complaints: Vec<String>,
}

impl Transcript {
    /// Takes a line.
    pub(crate) fn line(&mut self, line: &str) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
        let starts = ["E: ", "Err:", "dpkg: error", "unshare: ", "newuidmap: ", "newgidmap: "];
        let contains = ["NO_PUBKEY", "No space left on device", "unmet dependencies"];
        let complains = starts.iter().any(|start| line.starts_with(start))
            || contains.iter().any(|part| line.contains(part));
        if complains && self.complaints.len() < COMPLAINTS {
            self.complaints.push(line.to_owned());
        }
    }

    /// Answers the last lines.
    pub(crate) fn tail(&self) -> String {
        Vec::from_iter(self.tail.iter().map(String::as_str)).join("\n")
    }

    /// Explains a failure: finds its cause if it came from apt or dpkg, and adds the last lines printed.
    pub(crate) fn explain(&self, failure: &proto::Failure, packages: &[proto::Package]) -> Failure {
        let cause = match failure.reason.as_str() {
            "INSTALL_FAILED" => self.cause(packages),
            _ => None,
        };
        let explained = cause.unwrap_or_else(|| restored(failure)).step(&failure.step);
        let detail = if failure.detail.is_empty() { self.tail() } else { failure.detail.clone() };
        explained.detail(detail)
    }

    /// Says why the namespace could not be made, if that is what happened.
    pub(crate) fn namespace(&self) -> Option<Failure> {
        let line = self.complaints.iter().find(|line| {
            ["unshare: ", "newuidmap: ", "newgidmap: "].iter().any(|start| line.starts_with(start))
        })?;
        let message = format!("this host does not let this user make a user namespace ({line})");
        let hint = "see that /etc/subuid and /etc/subgid have a range for the user, and that user namespaces are \
            allowed (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or run \
            as root";
        Some(Failure::new(Fault::Host, "NO_USER_NAMESPACE", message).hint(hint).detail(self.tail()))
    }

    fn cause(&self, packages: &[proto::Package]) -> Option<Failure> {
        let complaints = || self.complaints.iter().map(String::as_str);
        complaints()
            .find_map(|line| missing_package(line, packages))
            .or_else(|| complaints().find_map(full))
            .or_else(|| complaints().find_map(unsigned))
            .or_else(|| complaints().find_map(|line| broken_package(line, packages)))
            .or_else(|| complaints().find_map(unreachable))
            .or_else(|| complaints().find_map(conflicting))
    }
}

fn restored(failure: &proto::Failure) -> Failure {
    let restored = Failure::new(failure.fault(), &failure.reason, &failure.message)
        .hint(&failure.hint)
        .path(&failure.path);
    let retryable = failure.retry.as_ref().is_some_and(|retry| retry.retryable);
    let restored = if retryable { restored.retryable() } else { restored };
    failure.metadata.iter().fold(restored, |restored, (key, value)| restored.metadata(key, value))
}

fn missing_package(line: &str, packages: &[proto::Package]) -> Option<Failure> {
    let line = line.strip_prefix("E: ")?;
    let quoted = || line.split('\'').nth(1);
    let (name, what) = if let Some(name) = line.strip_prefix("Unable to locate package ") {
        (name.trim(), "does not exist")
    } else if line.ends_with("has no installation candidate") {
        (quoted()?, "can't be installed from any source")
    } else if line.ends_with("was not found") {
        (line.rsplit('\'').nth(1)?, "does not exist in the version or release asked for")
    } else {
        return None;
    };
    let message = format!("package {name} {what}");
    let failure = Failure::new(Fault::User, "PACKAGE_NOT_FOUND", message)
        .hint("check the spelling, or add a repository that has it to the template")
        .metadata("package", name);
    Some(at_package(failure, name, packages))
}

fn broken_package(line: &str, packages: &[proto::Package]) -> Option<Failure> {
    let name = line.strip_prefix("dpkg: error processing package ")?.split_whitespace().next()?;
    let failure =
        Failure::new(Fault::User, "PACKAGE_FAILED", format!("package {name} can't be installed"))
            .hint("its installation script failed; the detail has what it said")
            .metadata("package", name);
    Some(at_package(failure, name, packages))
}

/// Points at the template's package, or at the parameter that named it.
fn at_package(failure: Failure, name: &str, packages: &[proto::Package]) -> Failure {
    let is = |package: &proto::Package| package.name.split(['=', '/', ':']).next() == Some(name);
    match packages.iter().position(is) {
        Some(index) => failure.path(format!("template/packages/package[{}]", index + 1)),
        None if name.starts_with("linux-") => failure.path("parameters.kernel_package"),
        None => failure,
    }
}

fn full(line: &str) -> Option<Failure> {
    let full = line.contains("No space left on device") || line.contains("enough free space");
    full.then(|| {
        Failure::new(Fault::Quota, "NO_SPACE", "no space is left to install packages")
            .hint("free space in the factory's store, or install less")
    })
}

fn unsigned(line: &str) -> Option<Failure> {
    let unsigned = line.contains("NO_PUBKEY") || line.contains("is not signed");
    unsigned.then(|| {
        Failure::new(
            Fault::User,
            "NOT_SIGNED",
            format!("a repository is not signed by a known key: {line}"),
        )
        .hint("install its key with a precommand, or say <signed>no</signed> if you trust it")
        .path("template/repositories")
    })
}

fn unreachable(line: &str) -> Option<Failure> {
    let parts = ["Failed to fetch", "does not have a Release file", "Could not resolve", "Err:"];
    parts.iter().any(|part| line.contains(part)).then(|| {
        let message = format!("packages can't be fetched: {}", line.trim_start_matches("E: "));
        Failure::new(Fault::Transient, "MIRROR_UNREACHABLE", message)
            .hint("check the URL, that it has this release, and the network")
            .retryable()
    })
}

fn conflicting(line: &str) -> Option<Failure> {
    let conflict = line.contains("unmet dependencies") || line.contains("held broken packages");
    conflict.then(|| {
        Failure::new(Fault::User, "PACKAGES_CONFLICT", "the packages can't be installed together")
            .hint("the detail says which needs what")
            .path("template/packages")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(lines: &[&str], reason: &str) -> proto::Failure {
        let mut transcript = Transcript::default();
        lines.iter().for_each(|line| transcript.line(line));
        let failure = proto::Failure {
            reason: reason.into(),
            message: "mmdebstrap failed (exit status: 25)".into(),
            step: "install packages".into(),
            ..Default::default()
        };
        let package = |name: &str| proto::Package { name: name.into(), ..Default::default() };
        let packages = [package("hello"), package("nginx=1.2"), package("nginx-nosuch")];
        transcript.explain(&failure, &packages).as_proto().unwrap().clone()
    }

    #[test]
    fn a_package_that_does_not_exist_is_found_in_the_template() {
        let failure = explained(
            &[
                "Reading package lists...",
                "E: Unable to locate package nginx-nosuch",
                "E: apt-get failed",
            ],
            "INSTALL_FAILED",
        );
        assert_eq!(failure.message, "package nginx-nosuch does not exist");
        assert_eq!(failure.path, "template/packages/package[3]");
        assert_eq!(failure.step, "install packages");
        assert!(failure.detail.ends_with("E: apt-get failed"));
    }

    #[test]
    fn a_version_that_does_not_exist_is_found_too() {
        let failure = explained(&["E: Version '1.2' for 'nginx' was not found"], "INSTALL_FAILED");
        assert_eq!(failure.path, "template/packages/package[2]");
    }

    #[test]
    fn a_full_file_system_comes_before_what_it_broke() {
        let lines = [
            "dpkg: error processing package bash (--install):",
            " cannot copy extracted data: failed to write (No space left on device)",
        ];
        assert_eq!(explained(&lines, "INSTALL_FAILED").reason, "NO_SPACE");
        assert_eq!(
            explained(&lines[..1], "INSTALL_FAILED").message,
            "package bash can't be installed"
        );
    }

    #[test]
    fn a_mirror_that_is_not_there_may_come_back() {
        let line = "E: The repository 'http://example.org/debian bookworm Release' does not have a Release file.";
        let failure = explained(&[line], "INSTALL_FAILED");
        assert_eq!(failure.reason, "MIRROR_UNREACHABLE");
        assert!(failure.retry.unwrap().retryable);
    }

    #[test]
    fn other_failures_keep_their_words_and_get_the_last_lines() {
        let failure = explained(&["I will not"], "COMMAND_FAILED");
        assert_eq!(failure.message, "mmdebstrap failed (exit status: 25)");
        assert_eq!(failure.detail, "I will not");
    }

    #[test]
    fn a_refused_namespace_is_recognised() {
        let mut transcript = Transcript::default();
        transcript.line("unshare: unshare failed: Operation not permitted");
        let failure = transcript.namespace().unwrap();
        assert_eq!(failure.as_proto().unwrap().reason, "NO_USER_NAMESPACE");
        assert!(Transcript::default().namespace().is_none());
    }
}
