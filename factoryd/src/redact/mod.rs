//! Hides secrets in text: what a plugin says, and what the factory says about it.
//!
//! A [`Vault`] knows which secrets are in use, and makes what hides them.
//!
//! A [`Redactor`] is made of the secrets of some operations. It finds each of them as it is and in the forms in which tools and
//! libraries print things, and puts `***` in their place:
//!
//! | form | how it is found |
//! |---|---|
//! | as it is; without its white space; each of its lines | searched for |
//! | base64, standard and URL-safe, alone or within something longer; wrapped at 64 or 76 characters | searched for |
//! | hexadecimal, both cases | searched for |
//! | percent- and form-encoded, however much of it, both cases | searched for in the decoded text |
//! | escaped as in JSON or in program text, also twice (JSON in JSON) | searched for in the decoded text |
//! | with entities as in XML or HTML | searched for in the decoded text |
//! | broken over lines of one text | searched for in the text without white space |
//!
//! Of credentials that are a document (JSON, XML, `user:password`, a URL) the values in it are secrets too, see `values`.
//!
//! **What can't be hidden:** what is shorter than [`LEN_MIN`] bytes, for hiding it would leave no text readable; what a plugin
//! encrypts, compresses, spells backwards or sends in pieces; what is in the files that it makes.

mod forms;
mod json;
mod stream;
mod values;
mod vault;
mod views;

pub use stream::Stream;
pub use vault::{Hiding, InUse, Vault};

use aho_corasick::AhoCorasick;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use zeroize::Zeroize;

/// Shorter secrets, in bytes, are not hidden.
pub const LEN_MIN: usize = 4;

/// Shorter secrets, in bytes, stay in names.
const NAME_LEN_MIN: usize = 8;

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// Hides some secrets. Without any it costs nothing.
#[derive(Clone, Default)]
pub struct Redactor(Option<Patterns>);

#[derive(Clone)]
struct Patterns {
    automaton: AhoCorasick,
    /// The longest form of a secret, in bytes.
    longest: usize,
}

impl Redactor {
    /// Makes one that hides these secrets, and the values in those that are documents.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let values = values::of_all(secrets);
        let mut patterns: Vec<Vec<u8>> = values.iter().flat_map(|value| forms::of(value)).collect();
        patterns.sort_unstable();
        patterns.dedup();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        if longest == 0 {
            return Self(None);
        }
        // It fails for patterns of more than 2 GiB, which no request can bring. It keeps copies of them, which are not
        // overwritten once it is dropped.
        let built = AhoCorasick::new(&patterns);
        patterns.zeroize();
        values.into_iter().for_each(|mut value| value.zeroize());
        Self(built.ok().map(|automaton| Patterns { automaton, longest }))
    }

    /// Tells whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Answers the text without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.found(text) {
            found if found.is_empty() => Cow::Borrowed(text),
            found => Cow::Owned(without(text, &found)),
        }
    }

    /// Tells whether there is a secret in a text.
    pub fn finds(&self, text: &str) -> bool {
        !self.found(text).is_empty()
    }

    /// Takes the secrets out of a text.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    /// Takes secrets out of a name by which something is found again. One that a short secret happens to be in stays whole:
    /// better a coincidence is shown than something lost.
    pub fn clean_name(&self, name: &mut String) {
        let mut found = self.found(name);
        found.retain(|range| NAME_LEN_MIN <= range.len());
        if !found.is_empty() {
            *name = without(name, &found);
        }
    }

    /// Takes the secrets out of a JSON text, which stays one: out of its strings and keys; a number that is one becomes a
    /// string. What is no JSON is cleaned as text.
    pub fn clean_json(&self, text: &mut String) {
        if !self.is_empty() {
            json::clean(self, text);
        }
    }

    /// Answers where secrets are: in order, apart from each other, between characters.
    fn found(&self, text: &str) -> Vec<Range<usize>> {
        let Some(Patterns { automaton, .. }) = &self.0 else { return Vec::new() };
        let mut found = Vec::new();
        views::each(text.as_bytes(), |view| {
            let matches = automaton.find_overlapping_iter(view.bytes);
            found.extend(matches.map(|it| view.origin(it.range())));
        });
        merged(found, text)
    }
}

/// Answers the ranges in order, without overlaps, widened to whole characters.
fn merged(mut ranges: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        let range = text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end);
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn without(text: &str, found: &[Range<usize>]) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        clean.push_str(&text[done..range.start]);
        clean.push_str(HIDDEN);
        done = range.end;
    }
    clean.push_str(&text[done..]);
    clean
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(***)")
    }
}

#[cfg(test)]
mod tests;
