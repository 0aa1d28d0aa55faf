//! What was typed, and what the environment holds: as it is, with who said it.
//!
//! Flags are declared with clap as usual, but their values are not read by clap: what they mean is decided where a file's
//! value is too, so that one run tells all that is wrong. [`Flags`] keeps them raw.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::net::SocketAddr;

/// The flags that `A` declares, and what was given for them. All of them are global: they may stand behind a verb.
#[derive(Debug, Clone)]
pub struct Flags<A> {
    pub(super) given: Given,
    declared: PhantomData<fn() -> A>,
}

/// What was given, by the name of the field that declares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(BTreeMap<String, Flag>);

/// One flag, and what was given for it.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    /// How it is typed: `--listen`.
    pub(super) long: String,
    /// Its environment variable: `FACTORY_LISTEN`.
    pub(super) variable: String,
    /// What was given, if anything was, and how.
    pub(super) values: Option<(By, Vec<OsString>)>,
}

/// How a value was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// On the command line.
    Flag,
    /// In the environment.
    Variable,
    /// By a service manager, as a socket that is open already.
    Socket,
}

impl Given {
    /// Answers the flags that `A` declares, as if none were given.
    pub(super) fn nothing<A: Args>() -> Self {
        Self::read::<A>(|_| None)
    }

    /// Answers a flag; `None` if no such field is declared.
    pub(super) fn flag(&self, field: &str) -> Option<&Flag> {
        self.0.get(field)
    }

    /// Puts a socket's address in the place of what was given for a flag.
    pub(super) fn set_socket(&mut self, field: &str, address: Option<SocketAddr>) {
        if let (Some(flag), Some(address)) = (self.0.get_mut(field), address) {
            flag.values = Some((By::Socket, vec![address.to_string().into()]));
        }
    }

    /// Answers how every flag is typed.
    #[cfg(test)]
    pub(super) fn flags(&self) -> impl Iterator<Item = String> {
        self.0.values().map(|flag| flag.long.clone())
    }

    fn read<A: Args>(values: impl Fn(&Arg) -> Option<(By, Vec<OsString>)>) -> Self {
        let declared = A::augment_args(Command::new("flags"));
        let flags = declared.get_arguments().map(|argument| {
            let flag = Flag {
                long: format!("--{}", argument.get_long().unwrap_or_default()),
                variable: argument
                    .get_env()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                values: values(argument),
            };
            (argument.get_id().to_string(), flag)
        });
        Self(flags.collect())
    }
}

/// An empty variable says as little as none.
fn values(matches: &ArgMatches, argument: &Arg) -> Option<(By, Vec<OsString>)> {
    let id = argument.get_id().as_str();
    let by = match matches.value_source(id)? {
        ValueSource::CommandLine => By::Flag,
        ValueSource::EnvVariable => By::Variable,
        _ => return None,
    };
    let values: Vec<_> = matches.get_raw(id)?.map(ToOwned::to_owned).collect();
    let empty = by == By::Variable && values.iter().all(|value| value.is_empty());
    (!empty).then_some((by, values))
}

impl<A: Args> Args for Flags<A> {
    fn augment_args(command: Command) -> Command {
        let fields = A::augment_args(Command::new("flags"));
        fields.get_arguments().fold(A::augment_args(command), |command, argument| {
            command.mut_arg(argument.get_id(), |argument| {
                argument.global(true).help_heading("Settings")
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<A: Args> FromArgMatches for Flags<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Given::read::<A>(|argument| values(matches, argument));
        Ok(Self { given, declared: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
