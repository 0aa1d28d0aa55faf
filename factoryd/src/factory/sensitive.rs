//! Which parameters of a request are secrets, and where their values come from.

use super::{Error, Factory};
use crate::domain::{
    EventKind, Failure, Fault, GivenSecret, InvalidSecretName, Notice, Parameters, Secret,
    SecretSources,
};
use crate::redact::LEN_MIN;
use std::time::SystemTime;

/// Sensitive parameters of a request, by name.
pub(super) type Sensitive = Vec<(String, GivenSecret)>;

impl Factory {
    /// Answers the values of secrets, for a plugin that knows only some of them. So a name that does not exist is refused
    /// before anything is recorded.
    pub(super) fn values(
        &self,
        given: &Sensitive,
        known: &[String],
    ) -> Result<Vec<(String, Secret)>, Error> {
        let mut values = self.secrets.values(given).map_err(Error::Secret)?;
        values.retain(|(name, _)| known.contains(name));
        Ok(values)
    }

    /// Answers the value of credentials.
    pub(super) fn credentials(&self, given: &GivenSecret) -> Result<Secret, Error> {
        let value = self.secrets.value(given);
        value.map_err(|failure| Error::Secret(Box::new(failure.path("credentials"))))
    }
}

/// Takes the sensitive parameters out.
pub(super) fn take(parameters: &mut Parameters, names: &[String]) -> Result<Sensitive, Error> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    let given = parameters.split_off(&names).into_iter().map(|(name, text)| {
        let given = read(text, || format!("parameters.{name}"))?;
        Ok((name, given))
    });
    given.collect()
}

/// Reads a secret of a request: a value, or the name of one.
pub(super) fn read(text: Secret, path: impl FnOnce() -> String) -> Result<GivenSecret, Error> {
    GivenSecret::read(text).map_err(|invalid: InvalidSecretName| {
        let failure = Failure::new(Fault::User, "SECRET_NAME_INVALID", invalid.to_string());
        let hint = "give secret:NAME; a value that begins so itself has to be kept as a secret";
        Error::Secret(Box::new(failure.path(path()).hint(hint)))
    })
}

/// Warns of secrets that are too short to be hidden in what plugins say.
pub(super) fn warnings<'s>(
    secrets: impl IntoIterator<Item = (&'s str, &'s Secret)>,
) -> Vec<(SystemTime, EventKind)> {
    let short = |secret: &Secret| (1..LEN_MIN).contains(&secret.expose().trim().len());
    let secrets = secrets.into_iter().filter(|(_, secret)| short(secret));
    let short = |(name, _): (&str, &Secret)| {
        let message = format!("{name} is too short to be hidden in logs");
        let hint = format!("take one of {LEN_MIN} characters at least");
        warning(Notice { message, hint, path: String::new() })
    };
    secrets.map(short).collect()
}

/// Makes an event of a warning.
pub(super) fn warning(notice: Notice) -> (SystemTime, EventKind) {
    (SystemTime::now(), EventKind::Warning(notice))
}

/// Answers what is recorded of the secrets of an image.
pub(super) fn sources(
    credentials: Option<&GivenSecret>,
    parameters: &Sensitive,
    template: bool,
) -> SecretSources {
    let source =
        |(name, given): &(String, GivenSecret)| given.source().map(|from| (name.clone(), from));
    SecretSources {
        credentials: credentials.and_then(GivenSecret::source),
        parameters: parameters.iter().filter_map(source).collect(),
        template,
    }
}
