//! A settings file as a tree whose values know where they are.

use super::problem::{PROBLEMS_MAX, Problem, Spot};
use crate::report::{closest, quote};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file that could be parsed.
#[derive(Debug)]
pub(super) struct Document {
    /// What it is called in messages.
    pub(super) name: String,
    /// What paths in it are relative to.
    pub(super) directory: PathBuf,
    /// What is lost of it, if it was in another form.
    pub(super) warnings: Vec<String>,
    /// Whether its lines may be shown.
    shown: bool,
    text: String,
    root: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug)]
struct Entry {
    key: String,
    key_span: Range<usize>,
    node: Node,
}

/// A value and where it is.
#[derive(Debug)]
pub(super) struct Node {
    /// Where, in bytes.
    pub(super) span: Range<usize>,
    /// What.
    pub(super) value: NodeValue,
}

/// What can stand behind a key.
#[derive(Debug)]
pub(super) enum NodeValue {
    /// A string.
    Text(String),
    /// A whole number, in digits.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(Tree),
    /// What no setting is: a fraction, a date.
    Other(&'static str),
}

/// The keys of a table.
#[derive(Debug)]
pub(super) struct Tree(Vec<Entry>);

impl Document {
    /// Parses a file's text.
    ///
    /// # Errors
    /// All that is no TOML.
    pub(super) fn parse(file: &Path, text: String) -> Result<Self, Vec<Problem>> {
        let name = file.display().to_string();
        let (root, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            let problem = |error: &toml::de::Error| {
                let spot = Spot::file(&name, &text, error.span().unwrap_or_default());
                Problem::new(spot, error.message().replace('\n', ", "))
            };
            return Err(errors.iter().take(PROBLEMS_MAX).map(problem).collect());
        }
        let root = entries(root.get_ref());
        let directory = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { name, directory, warnings: Vec::new(), shown: true, text, root })
    }

    /// Makes one of settings that were read from a text in another form, which may hold secrets.
    pub(super) fn translated(
        name: String,
        text: String,
        settings: Vec<(&str, Node)>,
        warnings: Vec<String>,
    ) -> Self {
        let mut root = Vec::new();
        for (key, node) in settings {
            insert(&mut root, key, node);
        }
        let directory = Path::new(&name).parent().unwrap_or(Path::new("")).to_owned();
        Self { name, directory, warnings, shown: false, text, root }
    }

    /// Finds the value of a key such as `grpc.listen`.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let mut table = &self.root;
        let mut parts = key.split('.').peekable();
        loop {
            let part = parts.next()?;
            let entry = table.iter().find(|entry| entry.key == part)?;
            match &entry.node.value {
                _ if parts.peek().is_none() => return Some(&entry.node),
                NodeValue::Table(Tree(below)) => table = below,
                _ => return None,
            }
        }
    }

    /// Answers the names of the tables in a table.
    pub(super) fn tables(&self, key: &str) -> impl Iterator<Item = &str> {
        let below = match self.get(key).map(|node| &node.value) {
            Some(NodeValue::Table(Tree(entries))) => entries.as_slice(),
            _ => &[],
        };
        let tables = below.iter().filter(|entry| matches!(entry.node.value, NodeValue::Table(_)));
        tables.map(|entry| entry.key.as_str())
    }

    /// Answers where something of it is.
    pub(super) fn spot(&self, span: &Range<usize>) -> Spot {
        match Spot::file(&self.name, &self.text, span.clone()) {
            Spot::File { file, place, .. } if !self.shown => {
                Spot::Line { file, line: place.line as usize }
            }
            spot => spot,
        }
    }

    /// Answers the keys that are not known, and values where tables should be.
    pub(super) fn strangers(&self, known: &[&str]) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.look_for_strangers("", &self.root, known, &mut problems);
        problems
    }

    fn look_for_strangers(
        &self,
        prefix: &str,
        table: &[Entry],
        known: &[&str],
        problems: &mut Vec<Problem>,
    ) {
        for entry in table {
            if PROBLEMS_MAX <= problems.len() {
                return;
            }
            let path = format!("{prefix}{}", entry.key);
            let below = format!("{path}.");
            if known.contains(&path.as_str()) {
                continue;
            }
            let is_table = known.iter().any(|key| key.starts_with(&below));
            match &entry.node.value {
                NodeValue::Table(Tree(entries)) if is_table => {
                    self.look_for_strangers(&below, entries, known, problems);
                }
                other if is_table => problems.push(
                    Problem::new(
                        self.spot(&entry.node.span),
                        format!("`{path}` is {}", other.kind()),
                    )
                    .expected(format!("a table: [{path}]")),
                ),
                _ => problems.push(
                    Problem::new(
                        self.spot(&entry.key_span),
                        format!("{} is no setting", quote(&path)),
                    )
                    .hint(Some(meant(prefix, &entry.key, known))),
                ),
            }
        }
    }
}

/// Says what was probably meant by a key, or where it belongs, or what there is.
fn meant(prefix: &str, key: &str, known: &[&str]) -> String {
    let mut here: Vec<&str> = known
        .iter()
        .filter_map(|path| path.strip_prefix(prefix))
        .map(|rest| rest.split('.').next().unwrap_or(rest))
        .collect();
    here.sort_unstable();
    here.dedup();
    if let Some(close) = closest(key, here.iter().copied()) {
        return format!("did you mean `{close}`?");
    }
    let elsewhere = known.iter().filter_map(|path| match path.rsplit_once('.') {
        Some((table, last)) if last == key => Some(format!("in [{table}]")),
        None if *path == key => Some("before the first table".to_owned()),
        _ => None,
    });
    let places: Vec<String> = elsewhere.collect();
    if !places.is_empty() {
        return format!("`{key}` belongs {}", places.join(" or "));
    }
    let of = if prefix.is_empty() { "there are" } else { "here there are" };
    format!("{of} {}", here.join(", "))
}

impl NodeValue {
    /// Answers what sort of value it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Number(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Puts a value where its key says.
fn insert(table: &mut Vec<Entry>, key: &str, node: Node) {
    let (first, rest) =
        key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let Some(rest) = rest else {
        return table.push(Entry { key: first.to_owned(), key_span: node.span.clone(), node });
    };
    let at = table.iter().position(|entry| entry.key == first).unwrap_or_else(|| {
        let value = NodeValue::Table(Tree(Vec::new()));
        let below = Node { span: node.span.clone(), value };
        table.push(Entry { key: first.to_owned(), key_span: node.span.clone(), node: below });
        table.len() - 1
    });
    if let NodeValue::Table(Tree(below)) = &mut table[at].node.value {
        insert(below, rest, node);
    }
}

fn entries(table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            node: node(value),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let value = match value.get_ref() {
        DeValue::String(text) => NodeValue::Text(text.to_string()),
        DeValue::Integer(number) => NodeValue::Number(decimal(number.as_str(), number.radix())),
        DeValue::Boolean(boolean) => NodeValue::Boolean(*boolean),
        DeValue::Array(list) => NodeValue::List(list.iter().map(node).collect()),
        DeValue::Table(table) => NodeValue::Table(Tree(entries(table))),
        DeValue::Float(_) => NodeValue::Other("a fraction"),
        DeValue::Datetime(_) => NodeValue::Other("a date"),
    };
    Node { span, value }
}

/// Answers a number in decimal; one that is too big for any setting stays as it is, and is refused there.
fn decimal(digits: &str, radix: u32) -> String {
    i128::from_str_radix(digits, radix).map_or_else(|_| digits.to_owned(), |n| n.to_string())
}
