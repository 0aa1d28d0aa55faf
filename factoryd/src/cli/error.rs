//! What can keep a command from being done, how it reads and which exit code it has.

use super::exit::Exit;
use super::words;
use crate::domain::Failure;
use crate::factory::ImportError;
use crate::report::chain;
use crate::workbench::{MessageError, RecordError, ServeError};
use crate::{config, daemon, distribution, package, secret_file};
use factory_proto::factory_v1 as v1;
use prost::Message;
use std::io::ErrorKind;
use std::path::PathBuf;
use tonic::{Code, Status};
use tonic_types::pb;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A file can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A directory can't be made.
    #[error("can't make {}", path.display())]
    Write {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of parameters is wrong.
    #[error("{} holds no JSON object", path.display())]
    ParametersFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// `--parameter` is wrong.
    #[error("--parameter {text} is not {expected}")]
    Parameter {
        /// What was given.
        text: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A word means no image, or more than one.
    #[error("{0}")]
    Image(String),
    /// No image has such an id.
    #[error("there is no image {0}")]
    NoImage(String),
    /// A template is not valid; the text shows every problem in its place.
    #[error("{0}")]
    Template(String),
    /// Two options don't go together.
    #[error("{0}")]
    Usage(String),
    /// There is no such plugin.
    #[error("no plugin is named {name} (known: {known})")]
    UnknownPlugin {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A plugin's executable is not what was asked of it.
    #[error("{}: {why}", path.display())]
    Plugin {
        /// The executable.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A plugin that is to be tried out can't be started.
    #[error("{0}")]
    NoPlugin(Box<Failure>),
    /// A call of a plugin can't be made.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A record can't be written or read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Nothing can be served in a plugin's place.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Nobody serves a target.
    #[error("no plugin makes images for target {target} (known: {known})")]
    NoTarget {
        /// What was asked for.
        target: String,
        /// What is served.
        known: String,
    },
    /// The factory refused.
    #[error("{}", error.message)]
    Refused {
        /// How.
        code: Code,
        /// Why.
        error: Box<v1::Error>,
    },
    /// Settings are wrong; the text shows every problem in its place.
    #[error("{0}")]
    Config(#[from] config::Error),
    /// The factory can't be started in this process.
    #[error("can't start the factory")]
    Start(#[source] daemon::Error),
    /// The factory in this process did not end as it should.
    #[error("the end was not clean")]
    Stop(#[source] daemon::Error),
    /// There is no such daemon.
    #[error("can't reach the daemon at {address}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// Standard output or a signal handler failed.
    #[error("{what}")]
    System {
        /// What failed.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A plugin was not installed, updated, removed or pushed.
    #[error(transparent)]
    Distribution(#[from] distribution::Error),
    /// A package was not made.
    #[error("no package was made")]
    Package(#[from] package::Error),
    /// A file of secrets can't be used.
    #[error(transparent)]
    Secret(#[from] secret_file::Error),
    /// Something was not imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A signal ended an import.
    #[error("interrupted; nothing half done is left")]
    Interrupted,
    /// A second signal came.
    #[error("stopped at once: the build was not cleaned up by its plugins")]
    Killed,
}

impl Error {
    /// Answers the exit code's meaning.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Read { .. }
            | Self::Write { .. }
            | Self::ParametersFile { .. }
            | Self::Parameter { .. }
            | Self::Image(_)
            | Self::Template(_)
            | Self::Usage(_)
            | Self::Plugin { .. }
            | Self::Package(_)
            | Self::Secret(_)
            | Self::Message(_)
            | Self::Record(_)
            | Self::Config(_)
            | Self::Import(ImportError::Import(_) | ImportError::Template(_)) => Exit::BadInput,
            Self::NoTarget { .. }
            | Self::UnknownPlugin { .. }
            | Self::NoPlugin(_)
            | Self::NoImage(_) => Exit::Refused,
            Self::Refused { code, error } => exit_of(*code, &error.reason),
            Self::Distribution(error) => exit_of_distribution(error),
            Self::Start(_)
            | Self::Stop(_)
            | Self::Connect { .. }
            | Self::System { .. }
            | Self::Serve(_)
            | Self::Import(ImportError::Store(_)) => Exit::Unusable,
            Self::Killed | Self::Interrupted => Exit::Cancelled,
        }
    }

    /// Tells whether who read the output has left.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == ErrorKind::BrokenPipe)
    }

    /// Answers the whole message: what failed, where, what to do, and details.
    pub(super) fn message(&self) -> String {
        let mut text = format!("error: {}\n", chain(self));
        match self {
            Self::Template(problems) => return problems.clone(),
            Self::Config(problems) => return format!("{problems}\n"),
            Self::Start(daemon::Error::Store(_)) => {
                text.push_str("  hint: --store DIR keeps images elsewhere\n");
            }
            Self::NoImage(_) => text.push_str("  hint: `factory images --all` lists them\n"),
            Self::Refused { error, .. } => text.push_str(&words::explanation(error)),
            Self::NoPlugin(failure) => {
                for line in failure.detail.lines() {
                    text.push_str(&format!("  | {line}\n"));
                }
                if !failure.hint.is_empty() {
                    text.push_str(&format!("  hint: {}\n", failure.hint));
                }
            }
            Self::NoTarget { .. } => {
                text.push_str("  hint: `factory plugins` lists what is served\n");
            }
            Self::Distribution(error) if !error.hint().is_empty() => {
                text.push_str(&format!("  hint: {}\n", error.hint()));
            }
            Self::Connect { address, .. } if address.starts_with("https://") => {
                text.push_str("  hint: a daemon with a certificate of its own needs --ca FILE\n");
            }
            Self::Connect { .. } => {
                text.push_str(
                    "  hint: start `factoryd`, or leave --server out to work without it\n",
                );
            }
            _ => {}
        }
        text
    }
}

/// What to look at when a daemon says nothing that makes sense.
const TLS_HINT: &str = "if the daemon speaks TLS, its address begins with https://";

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        // A status with a cause was made here, and not by the daemon.
        let broken = std::error::Error::source(&status).is_some();
        let error = explained(&status).unwrap_or_else(|| v1::Error {
            message: match status.code() {
                Code::Unavailable => format!("the daemon is gone: {}", status.message()),
                _ if broken => format!("the connection failed: {}", status.message()),
                _ => status.message().to_owned(),
            },
            hint: if broken { TLS_HINT.to_owned() } else { String::new() },
            ..Default::default()
        });
        Self::Refused { code: status.code(), error: Box::new(error) }
    }
}

/// Finds the explanation among the details of a status.
fn explained(status: &Status) -> Option<v1::Error> {
    let rpc = pb::Status::decode(status.details()).ok()?;
    let detail = rpc.details.iter().find(|any| any.type_url.ends_with("/factory.v1.Error"))?;
    v1::Error::decode(detail.value.as_slice()).ok()
}

fn exit_of_distribution(error: &distribution::Error) -> Exit {
    use distribution::Error;
    match error {
        Error::Source { .. } | Error::Credentials(_) | Error::CredentialsForm(_) => Exit::BadInput,
        Error::Nowhere { .. } | Error::AirGap(_) | Error::Registry { .. } => Exit::Failed,
        Error::Io { .. } | Error::Pins(_) | Error::NoPins | Error::Host(_) => Exit::Unusable,
        Error::Interrupted => Exit::Cancelled,
        _ => Exit::Refused,
    }
}

fn exit_of(code: Code, reason: &str) -> Exit {
    match (code, reason) {
        (_, "NO_PLUGIN") => Exit::Refused,
        (Code::InvalidArgument | Code::OutOfRange, _) => Exit::BadInput,
        (Code::NotFound | Code::FailedPrecondition | Code::AlreadyExists, _)
        | (Code::Unauthenticated | Code::PermissionDenied, _) => Exit::Refused,
        _ => Exit::Unusable,
    }
}
