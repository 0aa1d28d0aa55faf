//! Why something failed, whose move is next and what to do.

use std::fmt;

/// Whose move is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is wrong.
    User,
    /// The credentials are wrong or not allowed to.
    Auth,
    /// A limit is used up.
    Quota,
    /// This host lacks something.
    Host,
    /// Something outside failed and may pass.
    Transient,
    /// Something is there already, or changed meanwhile.
    Conflict,
    /// The plugin is wrong.
    Plugin,
    /// The factory itself is wrong, or was stopped.
    Factory,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::Auth,
        Self::Quota,
        Self::Host,
        Self::Transient,
        Self::Conflict,
        Self::Plugin,
        Self::Factory,
    ];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Host => "host",
            Self::Transient => "transient",
            Self::Conflict => "conflict",
            Self::Plugin => "plugin",
            Self::Factory => "factory",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == word)
    }
}

/// Why something failed, whose move is next and what to do. The same fields as `factory.plugin.v1.Failure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable name for programs, such as `PACKAGE_NOT_FOUND`.
    pub reason: String,
    /// What failed: a lower-case fragment.
    pub message: String,
    /// Whose move is next.
    pub fault: Fault,
    /// What to do about it; may be empty.
    pub hint: String,
    /// Where in the template or the parameters; may be empty.
    pub path: String,
    /// The step that failed; may be empty.
    pub step: String,
    /// More, such as a tool's last words; may be empty.
    pub detail: String,
    /// Whether trying again without a change may help.
    pub retryable: bool,
}

impl Failure {
    /// The reason of a build that was cancelled.
    pub const CANCELLED: &str = "CANCELLED";
    /// The reason of a build whose factory was stopped or killed.
    pub const INTERRUPTED: &str = "INTERRUPTED";
    /// The reason why a plugin that is not there can't be asked.
    pub const PLUGIN_UNKNOWN: &str = "PLUGIN_UNKNOWN";
    /// The reason of parameters, providers and credentials that are not as a plugin's schema has them.
    pub const INVALID_PARAMETERS: &str = "INVALID_PARAMETERS";
    /// The reason of a build whose plugin's process ended.
    pub const PLUGIN_CRASHED: &str = "PLUGIN_CRASHED";

    /// The reason of work that needs secrets which only the process that was asked for it had.
    pub const SECRETS_GONE: &str = "SECRETS_GONE";

    /// Makes a failure of whose move is next, a stable name and a lower-case fragment.
    pub fn new(fault: Fault, reason: &str, message: impl Into<String>) -> Self {
        Self {
            reason: reason.to_owned(),
            message: message.into(),
            fault,
            hint: String::new(),
            path: String::new(),
            step: String::new(),
            detail: String::new(),
            retryable: false,
        }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds where in the template or the parameters.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Adds more for who must find the cause.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Tells whether this is the end of a cancelled build.
    pub fn is_cancelled(&self) -> bool {
        self.reason == Self::CANCELLED
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.step.is_empty() {
            write!(f, "{}: ", self.step)?;
        }
        f.write_str(&self.message)?;
        if !self.path.is_empty() {
            write!(f, " (at {})", self.path)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
