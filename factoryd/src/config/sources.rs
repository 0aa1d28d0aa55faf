//! Where settings come from, strongest first: flags, environment, file, default. Reads each once, remembers who said it,
//! and collects all that is wrong.

use super::document::{Document, Node, NodeValue};
use super::given::{By, Flag, Given};
use super::limits;
use super::problem::{Error, PROBLEMS_MAX, Problem, Spot};
use super::value::Value;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::fmt;

/// A setting that was read.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its key in the file: `grpc.listen`.
    pub key: Cow<'static, str>,
    /// Its flag: `--listen`; empty if only a file can have it.
    pub flag: String,
    /// Its environment variable: `FACTORY_LISTEN`.
    pub variable: String,
    /// Its value; null if it has none.
    pub value: Json,
    /// Who said so.
    pub origin: Origin,
    spot: Spot,
}

/// Who said what a setting is. Shown as `flag --listen`, `FACTORY_LISTEN`, `/etc/factory/factory.toml:7` or `default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The sources, and what was read from them so far.
#[derive(Debug, Default)]
pub(super) struct Sources {
    given: Given,
    document: Option<Document>,
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

/// A value that was found, with its place.
type Found<T> = Option<(T, Spot)>;

impl Sources {
    /// Reads from what was given and from a file, if there is one.
    pub(super) fn new(given: Given, document: Option<Document>, problems: Vec<Problem>) -> Self {
        Self { given, document, settings: Vec::new(), problems }
    }

    /// Reads a setting that need not be there.
    pub(super) fn optional<T: Value>(&mut self, key: &'static str, flag: &str) -> Option<T> {
        let found = self.one::<T>(key, flag);
        self.record(
            key.into(),
            flag,
            found.as_ref().map(|(value, spot)| (value.json(), spot.clone())),
        );
        found.map(|(value, _)| value)
    }

    /// Reads a setting that has a default.
    pub(super) fn or<T: Value>(&mut self, key: &'static str, flag: &str, default: T) -> T {
        self.or_else(key, flag, || Some(default))
            .unwrap_or_else(|| unreachable!("a default is there"))
    }

    /// Reads a setting whose default may not be there.
    pub(super) fn or_else<T: Value>(
        &mut self,
        key: &'static str,
        flag: &str,
        default: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let (value, spot) = match self.one::<T>(key, flag) {
            Some((value, spot)) => (Some(value), spot),
            None => (default(), Spot::Default),
        };
        self.record(key.into(), flag, value.as_ref().map(|value| (value.json(), spot)));
        value
    }

    /// Reads a setting that is a list, with a default.
    pub(super) fn list_or<T: Value>(
        &mut self,
        key: &'static str,
        flag: &str,
        default: impl FnOnce() -> Vec<T>,
    ) -> Vec<T> {
        let in_file = self.file_list(key);
        let (values, spot) =
            self.given_list(flag).or(in_file).unwrap_or_else(|| (default(), Spot::Default));
        let shown = values.iter().map(Value::json).collect();
        self.record(key.into(), flag, Some((shown, spot)));
        values
    }

    /// Reads a setting that only a file can have; one that is not there is none at all.
    pub(super) fn in_file<T: Value>(&mut self, key: String) -> Option<T> {
        let (value, spot) = self.one::<T>(&key, "")?;
        self.record(key.into(), "", Some((value.json(), spot)));
        Some(value)
    }

    /// Answers the tables below a table of the file, but for those of the names of settings.
    pub(super) fn tables(&self, table: &str, settings: &[&str]) -> Vec<String> {
        let tables = self.document.iter().flat_map(|document| document.tables(table));
        tables.filter(|name| !settings.contains(name)).map(str::to_owned).collect()
    }

    /// Says that a setting's value, though well-formed, will not do.
    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let setting = self.settings.iter().find(|setting| setting.key == key);
        let spot = setting.map_or(Spot::Default, |setting| setting.spot.clone());
        self.problems.push(Problem::new(spot, message).hint(hint));
    }

    /// Answers what is lost of a file in another form.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.document.iter().flat_map(|document| document.warnings.clone()).collect()
    }

    /// Answers the keys that were read so far.
    pub(super) fn keys(&self) -> Vec<&'static str> {
        let fixed = |setting: &Setting| match setting.key {
            Cow::Borrowed(key) => Some(key),
            Cow::Owned(_) => None,
        };
        self.settings.iter().filter_map(fixed).collect()
    }

    /// Answers all settings that were read, if nothing is wrong; keys of the file that are not `known` are.
    pub(super) fn finish(mut self, known: &[&str]) -> Result<Vec<Setting>, Error> {
        let plugins = self.tables(limits::TABLE, limits::names());
        let of_plugins: Vec<String> =
            plugins.iter().flat_map(|plugin| limits::keys_of(plugin)).collect();
        let known: Vec<&str> =
            known.iter().copied().chain(of_plugins.iter().map(String::as_str)).collect();
        self.problems.extend(self.document.iter().flat_map(|document| document.strangers(&known)));
        self.problems.sort_by_key(|problem| match &problem.spot {
            Spot::File { place, .. } => (0, place.offset),
            Spot::Line { line, .. } => (0, *line),
            _ => (1, 0),
        });
        if self.problems.is_empty() { Ok(self.settings) } else { Err(Error(self.problems)) }
    }

    /// Finds one value. What a stronger source hides is checked all the same.
    fn one<T: Value>(&mut self, key: &str, flag: &str) -> Found<T> {
        let document = self.document.as_ref();
        let in_file = document.and_then(|document| Some((document, document.get(key)?)));
        let in_file = in_file.and_then(|(document, node)| {
            let read = T::read(node, &document.directory);
            self.problems.accept::<T>(read, document.spot(&node.span))
        });
        let given = self.given.flag(flag).and_then(|flag| {
            let (by, values) = flag.values.as_ref()?;
            self.problems.accept::<T>(T::typed(values.last()?), flag.spot(*by))
        });
        given.or(in_file)
    }

    fn given_list<T: Value>(&mut self, flag: &str) -> Found<Vec<T>> {
        let flag = self.given.flag(flag)?;
        let (by, texts) = flag.values.as_ref()?;
        let mut values = Vec::new();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            values.extend(self.problems.accept::<T>(T::typed(text), flag.spot(*by)));
        }
        Some((values.into_iter().map(|(value, _)| value).collect(), flag.spot(*by)))
    }

    fn file_list<T: Value>(&mut self, key: &str) -> Found<Vec<T>> {
        let document = self.document.as_ref()?;
        let Node { span, value } = document.get(key)?;
        let spot = document.spot(span);
        let NodeValue::List(nodes) = value else {
            let problem = Problem::new(spot, format!("this is {}", value.kind()));
            self.problems.push(problem.expected(format!("an array, each of it {}", T::EXPECTED)));
            return None;
        };
        let mut values = Vec::new();
        for node in nodes {
            if PROBLEMS_MAX <= self.problems.len() {
                break;
            }
            let read = T::read(node, &document.directory);
            values.extend(self.problems.accept::<T>(read, document.spot(&node.span)));
        }
        Some((values.into_iter().map(|(value, _)| value).collect(), spot))
    }

    fn record(&mut self, key: Cow<'static, str>, flag: &str, found: Option<(Json, Spot)>) {
        let (value, spot) = found.unwrap_or((Json::Null, Spot::Default));
        let flag = self.given.flag(flag);
        self.settings.push(Setting {
            key,
            flag: flag.map(|flag| flag.long.clone()).unwrap_or_default(),
            variable: flag.map(|flag| flag.variable.clone()).unwrap_or_default(),
            value,
            origin: origin(&spot),
            spot,
        });
    }
}

/// Takes what is right, and notes what is wrong.
trait Accept {
    fn accept<T: Value>(&mut self, read: Result<T, String>, spot: Spot) -> Found<T>;
}

impl Accept for Vec<Problem> {
    fn accept<T: Value>(&mut self, read: Result<T, String>, spot: Spot) -> Found<T> {
        match read {
            Ok(value) => Some((value, spot)),
            Err(message) => {
                self.push(Problem::new(spot, message).expected(T::EXPECTED));
                None
            }
        }
    }
}

impl Flag {
    /// Answers where a value of it comes from.
    pub(super) fn spot(&self, by: By) -> Spot {
        match by {
            By::Flag => Spot::Flag(self.long.clone()),
            By::Variable => Spot::Variable(self.variable.clone()),
            By::Socket => Spot::Socket,
        }
    }
}

fn origin(spot: &Spot) -> Origin {
    Origin(match spot {
        Spot::Flag(flag) => format!("flag {flag}"),
        Spot::Variable(name) => name.clone(),
        Spot::File { file, place, .. } => format!("{file}:{}", place.line),
        Spot::Line { file, line } => format!("{file}:{line}"),
        Spot::Socket => "socket".to_owned(),
        Spot::Default => "default".to_owned(),
    })
}
