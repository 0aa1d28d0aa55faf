//! Why a plugin was not installed, updated, removed or pushed.

use super::SourceKind;
use crate::domain::Failure;
use crate::package::{self, Platform};
use crate::{plugin, secret_file};
use std::io;
use std::path::PathBuf;

/// Why a plugin was not installed, updated, removed or pushed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was typed is no source.
    #[error("{text:?} is nothing to install from: {why}")]
    Source {
        /// What was typed.
        text: String,
        /// Why.
        why: String,
    },
    /// A package is refused.
    #[error("{from} is refused")]
    Package {
        /// Where it comes from.
        from: String,
        /// Why.
        #[source]
        source: package::Error,
    },
    /// A package is for other machines.
    #[error("{from} is for {platform}, and this machine is {}", Platform::here())]
    Platform {
        /// Where it comes from.
        from: String,
        /// What it is for.
        platform: Platform,
    },
    /// What has been got is something else.
    #[error("{from} is {found}, not {expected}")]
    Other {
        /// Where it comes from.
        from: String,
        /// What was asked for.
        expected: String,
        /// What was got.
        found: String,
    },
    /// It would replace a newer one.
    #[error("{name} {installed} is installed, which is newer than {found}")]
    Downgrade {
        /// The plugin.
        name: String,
        /// What is installed.
        installed: String,
        /// What would be.
        found: String,
    },
    /// Something else has the name of the link.
    #[error("{} is there and was not installed by this command", .0.display())]
    InTheWay(PathBuf),
    /// No plugin of that name is installed.
    #[error("no plugin {name} is installed here (installed: {known})")]
    NotInstalled {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The plugin can't be asked what it is, or accepted.
    #[error("{}", .0.message)]
    Refused(Box<Failure>),
    /// No host for plugins.
    #[error("the plugin can't be asked what it needs")]
    Host(#[source] plugin::Error),
    /// A file or a directory can't be used.
    #[error("can't {what} {}", path.display())]
    Io {
        /// What can't be done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was accepted can't be read or written.
    #[error("what was accepted of plugins can't be read or written")]
    Pins(#[source] io::Error),
    /// The factory has no file of what was accepted.
    #[error("this factory has no file of what was accepted of plugins")]
    NoPins,
    /// No place has it. One line each.
    #[error("{from} can't be had:{}", .tried.iter().map(|it| format!("\n  {it}")).collect::<String>())]
    Nowhere {
        /// What was asked for.
        from: String,
        /// Where it was looked for, and why it is not there.
        tried: Vec<String>,
    },
    /// Only mirrors may be asked, and none has such.
    #[error("{0} has no mirror, and with air_gap registries are not asked themselves")]
    AirGap(String),
    /// A registry's answer will not do, or there is none.
    #[error("{from}: {why}")]
    Registry {
        /// Which registry, or copy of one.
        from: String,
        /// Why.
        why: String,
    },
    /// A file of credentials can't be used.
    #[error(transparent)]
    Credentials(#[from] secret_file::Error),
    /// A file of credentials has another form.
    #[error("{} is no file of registry credentials as Docker writes them", .0.display())]
    CredentialsForm(PathBuf),
    /// A signal came.
    #[error("interrupted; nothing half done is left")]
    Interrupted,
}

impl Error {
    /// Answers what a person can do about it; empty if that is not known.
    pub fn hint(&self) -> String {
        match self {
            Self::Package { source: package::Error::UnknownKey { .. }, .. } => {
                "if you trust who has it, add its public key to `packages.trusted_keys` in the configuration, or give \
                 --trusted-key"
                    .to_owned()
            }
            Self::Package { source: package::Error::WrongSignature(_) | package::Error::Digest { .. }, .. } => {
                "do not use it; get it again from its maker, and tell them".to_owned()
            }
            Self::Downgrade { .. } => "--allow-downgrade installs it all the same".to_owned(),
            Self::InTheWay(_) => "move it elsewhere, or give the package another name".to_owned(),
            Self::AirGap(_) => "`packages.mirrors` in the configuration names mirrors: PREFIX=MIRROR".to_owned(),
            Self::Refused(failure) => failure.hint.clone(),
            _ => String::new(),
        }
    }

    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}

/// What is said of a package that nobody signed.
pub(super) fn unsigned(kind: SourceKind, may_be: bool) -> package::Error {
    package::Error::Unsigned(match (kind, may_be) {
        (_, true) => "if you trust where it comes from, say so by --allow-unsigned",
        (SourceKind::Directory, false) => {
            "`packages.unsigned` in the configuration has no `directory`"
        }
        (SourceKind::Archive, false) => {
            "ask its maker for a signed one; `packages.unsigned` in the configuration may allow `archive`"
        }
        (SourceKind::Registry, false) => {
            "ask its maker for a signed one; `packages.unsigned` in the configuration may allow `registry`"
        }
    })
}
