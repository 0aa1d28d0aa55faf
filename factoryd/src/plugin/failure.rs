//! What went wrong with a plugin, in the factory's words.

use super::convert;
use super::process::{self, HandshakeError};
use super::reattach::AttachError;
use super::tls;
use crate::confine::{Events, Exit, LaunchError, Limits};
use crate::domain::{Failure, Fault};
use crate::report::chain;
use prost::Message;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tonic::{Code, Status};

/// The plugin can't be started.
pub(super) const START_FAILED: &str = "PLUGIN_START_FAILED";
/// The plugin's executable is missing.
pub(super) const MISSING: &str = "PLUGIN_MISSING";
/// The plugin is not what was accepted.
pub(super) const CHANGED: &str = "PLUGIN_CHANGED";
/// The plugin was never accepted.
pub(super) const NOT_ACCEPTED: &str = "PLUGIN_NOT_ACCEPTED";
/// The plugin broke a rule of the contract.
pub(super) const PROTOCOL_VIOLATION: &str = "PROTOCOL_VIOLATION";
/// The kernel killed the plugin, or a program of it, for want of memory.
const OUT_OF_MEMORY: &str = "OUT_OF_MEMORY";
/// The plugin and its programs are as many processes as they may be.
const TOO_MANY_PROCESSES: &str = "TOO_MANY_PROCESSES";
/// The plugin's process lived but did not answer.
pub(super) const HUNG: &str = "PLUGIN_HUNG";
/// The plugin's connection broke and could not be had again.
const UNREACHABLE: &str = "PLUGIN_UNREACHABLE";
/// The plugin answered with an error that says no more.
const CALL_FAILED: &str = "PLUGIN_CALL_FAILED";

/// How many of a plugin's last lines a failure shows.
pub(super) const LAST_LINES: usize = 40;

/// Why a plugin can't be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// Nothing is started any more.
    #[error("the factory is stopping")]
    Stopping,
    /// The `.info` file can't be used.
    #[error("its .info file can't be used: {0}")]
    Info(String),
    /// There is nothing to start.
    #[error("its executable is missing; looked for {0}")]
    NoExecutable(String),
    /// There is nowhere to put its socket.
    #[error("there is no directory for its socket")]
    Directory(#[source] io::Error),
    /// The system refuses to execute it.
    #[error("{} can't be executed", path.display())]
    Execute {
        /// The executable.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what was accepted.
    #[error("{0}")]
    Changed(String),
    /// A package is not what was installed.
    #[error("its package is not what was installed: {what}")]
    Damaged {
        /// What differs.
        what: String,
        /// What it was installed from; empty if that is not known.
        source_of: String,
    },
    /// Nobody accepted it.
    #[error("nobody has accepted it yet, and plugins are not trusted on first use")]
    NotAccepted,
    /// It is not known what was accepted.
    #[error("what was accepted can't be read or written")]
    Pins(#[source] io::Error),
    /// It says different things.
    #[error("what it needs changed while it was started: {0}")]
    OtherNeeds(String),
    /// There is nobody to watch over it.
    #[error(transparent)]
    Confine(#[from] LaunchError),
    /// It ended before it could be used.
    #[error("it ended at its start: {how}")]
    Exited {
        /// The executable.
        path: PathBuf,
        /// Its exit.
        how: String,
    },
    /// No handshake.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// It does not speak TLS.
    #[error("it sent no certificate, though mutual TLS was asked for")]
    NoCertificate,
    /// It speaks TLS in a way that can't be used.
    #[error("mutual TLS does not work")]
    Tls(#[from] tls::Error),
    /// Nobody answers where it listens.
    #[error("there is no connection to it")]
    Connect(#[source] tonic::transport::Error),
    /// It does not report that it serves.
    #[error("its health check failed: {0}")]
    Health(String),
    /// It runs already, but can't be attached to.
    #[error("it is said to run already")]
    Attach(#[source] AttachError),
    /// It does not say what it is.
    #[error("it does not describe itself: {0}")]
    Describe(String),
}

impl StartError {
    /// Answers what a person can do about it.
    fn hint(&self) -> String {
        match self {
            Self::NoExecutable(_) => {
                "build or install the plugin, or remove its .info file".to_owned()
            }
            Self::Execute { path, .. } | Self::Exited { path, .. } => process::hint(path),
            Self::Handshake(HandshakeError::Timeout(_)) => {
                "see its log; on a slow machine raise the start timeout".to_owned()
            }
            Self::Handshake(HandshakeError::Noise(_)) => {
                "let the plugin print the handshake line first, and logs on standard error".into()
            }
            Self::NoCertificate => {
                "use a plugin library with AutoMTLS, or switch auto_mtls off".to_owned()
            }
            _ => String::new(),
        }
    }

    /// Answers what a person can do about a plugin that was not accepted.
    fn acceptance(&self, plugin: &str) -> Option<String> {
        let accept = format!("`factory plugins accept {plugin}`");
        match self {
            Self::Changed(_) => Some(format!("if it was upgraded on purpose: {accept}")),
            Self::NotAccepted => Some(format!("if it is what it should be: {accept}")),
            Self::Damaged { source_of, .. } => {
                let source_of = if source_of.is_empty() { "SOURCE" } else { source_of };
                Some(format!(
                    "find out who changed it; `factory plugin install {source_of}` installs it as it was, \
                     `factory plugin remove {plugin}` removes it"
                ))
            }
            _ => None,
        }
    }

    /// Says it for the plugin of that name, with the last lines it wrote.
    pub(super) fn into_failure(self, plugin: &str, last_lines: String) -> Failure {
        let (fault, reason) = match &self {
            Self::Stopping => (Fault::Factory, Failure::INTERRUPTED),
            Self::NoExecutable(_) | Self::Info(_) => (Fault::Host, MISSING),
            Self::Changed(_) | Self::Damaged { .. } => (Fault::Host, CHANGED),
            Self::NotAccepted => (Fault::Host, NOT_ACCEPTED),
            Self::Attach(_)
            | Self::Directory(_)
            | Self::Execute { .. }
            | Self::Confine(_)
            | Self::Pins(_) => (Fault::Host, START_FAILED),
            _ => (Fault::Plugin, START_FAILED),
        };
        let message = format!("plugin {plugin} can't be started: {}", chain(&self));
        let hint = self.acceptance(plugin).unwrap_or_else(|| self.hint());
        Failure::new(fault, reason, message).hint(hint).detail(last_lines)
    }
}

/// Answers a status as `InvalidArgument: what the plugin said`.
pub(super) fn status_text(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

/// Tells whether the connection broke, rather than the plugin having answered.
pub(super) fn is_broken(status: &Status) -> bool {
    // What the plugin sent has no cause on our side.
    status.source().is_some()
}

/// Says that a plugin's process, which had those limits, ended.
pub(super) fn crashed(plugin: &str, limits: Limits, exit: Exit, last_lines: String) -> Failure {
    if process::is_out_of_memory(&exit) {
        return out_of_memory(plugin, limits).detail(last_lines);
    }
    let how = process::how(&exit);
    let message = format!("plugin {plugin} crashed: {how}");
    let hint = "see the plugin's last lines; the next build starts it again";
    Failure::new(Fault::Plugin, Failure::PLUGIN_CRASHED, message).hint(hint).detail(last_lines)
}

/// Says what a limit had to do with the failure of an operation, if it had: what limits did before it, and have done now.
pub(super) fn limited(
    plugin: &str,
    limits: Limits,
    (before, now): (Events, Events),
    failure: Failure,
) -> Failure {
    let words = || format!("{}\n{}", failure.message, failure.detail).trim_end().to_owned();
    match limits.processes_max {
        _ if before.memory_kills < now.memory_kills => {
            out_of_memory(plugin, limits).detail(words())
        }
        Some(max) if before.process_refusals < now.process_refusals => {
            let message =
                format!("plugin {plugin} and its programs reached their limit of {max} processes");
            let hint =
                format!("raise processes in [limits.{plugin}], unless it starts them without end");
            Failure::new(Fault::Quota, TOO_MANY_PROCESSES, message).hint(hint).detail(words())
        }
        _ => failure,
    }
}

fn out_of_memory(plugin: &str, limits: Limits) -> Failure {
    let (message, hint) = match limits.memory_max.map(|max| max.get() >> 20) {
        Some(max) => (
            format!("plugin {plugin} and its programs took more than their {max} MiB of memory"),
            format!("raise memory in [limits.{plugin}], or build less at once"),
        ),
        None => (
            format!("the machine ran out of memory, and killed a process of plugin {plugin}"),
            "give it more memory, or build less at once".to_owned(),
        ),
    };
    Failure::new(Fault::Quota, OUT_OF_MEMORY, message).hint(hint)
}

/// Says that a plugin broke a rule.
pub(super) fn violation(plugin: &str, rule: &str) -> Failure {
    let message = format!("plugin {plugin} broke the plugin contract: {rule}");
    Failure::new(Fault::Plugin, PROTOCOL_VIOLATION, message)
        .hint("report it to who keeps the plugin")
}

/// Says that a connection broke and stayed so.
pub(super) fn unreachable(plugin: &str, status: &Status) -> Failure {
    let text = status_text(status);
    let message = format!("the connection to plugin {plugin} broke, though it runs: {text}");
    let mut failure = Failure::new(Fault::Plugin, UNREACHABLE, message);
    failure.retryable = true;
    failure
}

/// What an error status says: the plugin's own words if it sent them, else what its code means.
pub(super) fn from_status(plugin: &str, status: &Status) -> Failure {
    details(status).map_or_else(|| from_code(plugin, status), convert::failure)
}

/// Answers the plugin's own account of a failure, if the status has it.
pub(super) fn details(status: &Status) -> Option<factory_proto::plugin_v1::Failure> {
    let details = tonic_types::pb::Status::decode(status.details()).ok()?.details;
    let is_failure = |url: &str| url.ends_with("/factory.plugin.v1.Failure");
    let any = details.into_iter().find(|any| is_failure(&any.type_url))?;
    factory_proto::plugin_v1::Failure::decode(any.value.as_slice()).ok()
}

fn from_code(plugin: &str, status: &Status) -> Failure {
    let (fault, retryable) = match status.code() {
        Code::InvalidArgument | Code::OutOfRange => (Fault::User, false),
        Code::Unauthenticated | Code::PermissionDenied => (Fault::Auth, false),
        Code::FailedPrecondition => (Fault::Host, false),
        Code::ResourceExhausted => (Fault::Quota, true),
        Code::Unavailable | Code::Aborted => (Fault::Transient, true),
        Code::AlreadyExists => (Fault::Factory, false),
        _ => (Fault::Plugin, false),
    };
    let message = format!("plugin {plugin} refused: {}", status_text(status));
    let mut failure = Failure::new(fault, CALL_FAILED, message);
    failure.retryable = retryable;
    failure
}

/// How long to wait for a plugin's last lines after its end.
pub(super) const LAST_LINES_WAIT: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;
    use factory_proto::plugin_v1;

    fn status(code: Code, failure: &plugin_v1::Failure) -> Status {
        let any = prost_types::Any {
            type_url: "type.googleapis.com/factory.plugin.v1.Failure".to_owned(),
            value: failure.encode_to_vec(),
        };
        let details = tonic_types::pb::Status {
            code: code.into(),
            message: String::new(),
            details: vec![any],
        };
        Status::with_details(code, "short", details.encode_to_vec().into())
    }

    #[test]
    fn the_plugins_own_words_win_over_the_code() {
        let sent = plugin_v1::Failure {
            reason: "TOOL_MISSING".into(),
            message: "mmdebstrap is not installed".into(),
            fault: plugin_v1::Fault::Host.into(),
            ..Default::default()
        };
        let failure = from_status("debian", &status(Code::Internal, &sent));
        assert_eq!((failure.reason.as_str(), failure.fault), ("TOOL_MISSING", Fault::Host));
    }

    #[test]
    fn without_words_the_code_says_whose_fault_it_is() {
        for (code, fault, retryable) in [
            (Code::InvalidArgument, Fault::User, false),
            (Code::FailedPrecondition, Fault::Host, false),
            (Code::AlreadyExists, Fault::Factory, false),
            (Code::ResourceExhausted, Fault::Quota, true),
            (Code::Unavailable, Fault::Transient, true),
            (Code::Internal, Fault::Plugin, false),
        ] {
            let failure = from_status("x", &Status::new(code, "no"));
            assert_eq!((failure.fault, failure.retryable), (fault, retryable), "{code:?}");
        }
        let failure = from_status("x", &Status::internal("oops"));
        assert_eq!(failure.message, "plugin x refused: Internal: oops");
    }

    #[test]
    fn details_that_are_garbage_are_not_believed() {
        let status = Status::with_details(Code::Internal, "m", vec![0xff; 30].into());
        assert_eq!(details(&status), None);
    }
}
