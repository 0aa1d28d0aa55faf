//! Queries and forms: `name=value&…`, strictly UTF-8.

use super::problem::Problem;
use percent_encoding::percent_decode_str;
use std::str::FromStr;

/// So many parts a query may have.
const PAIRS_MAX: usize = 100;

/// The query of an address. Names that nobody asks for are ignored, as Image Factory does.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs = pairs(text, PAIRS_MAX);
        let pairs = pairs.ok_or_else(|| Problem::malformed("the query is not UTF-8"))?;
        if PAIRS_MAX < pairs.len() {
            return Err(Problem::malformed(format!("a query has at most {PAIRS_MAX} parts")));
        }
        Ok(Self(pairs))
    }

    /// Answers a value; the last one counts.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().rev().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Answers a number of a range.
    pub(super) fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (from, to) = range.into_inner();
        let wrong = || Problem::malformed(format!("{name} must be a number from {from} to {to}"));
        number.map(Some).ok_or_else(wrong)
    }

    /// Answers a truth; false unless given.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Problem> {
        match self.text(name) {
            None => Ok(default),
            Some("true" | "1" | "yes") => Ok(true),
            Some("false" | "0" | "no") => Ok(false),
            Some(_) => Err(Problem::malformed(format!("{name} must be true or false"))),
        }
    }

    /// Answers the query with another value for one name, as text.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(known, _)| known != name);
        let kept = kept.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        kept.chain([format!("{name}={value}")]).collect::<Vec<_>>().join("&")
    }
}

/// Reads `name=value&…`; `None` if it is not UTF-8. Of more than `count_max`, only one more is read.
pub(super) fn pairs(text: &str, count_max: usize) -> Option<Vec<(String, String)>> {
    let parts = text.split('&').filter(|part| !part.is_empty()).take(count_max + 1);
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    parts.map(pair).collect()
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let read = pairs("a=1+2&b=%C3%A9%26&&c&a=x=y", 9).unwrap();
        let expected = [("a", "1 2"), ("b", "é&"), ("c", ""), ("a", "x=y")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(pairs("a=%ff", 9), None);
        assert_eq!(pairs("a&a&a&a", 2).unwrap().len(), 3);
    }

    #[test]
    fn a_number_outside_its_range_is_refused() {
        let query = Query::parse("limit=5&wait=-1&offset=99999999999999999999").unwrap();
        assert_eq!(query.number("limit", 1..=10).unwrap(), Some(5));
        assert!(query.number::<u64>("wait", 0..=60).is_err());
        assert!(query.number::<usize>("offset", 0..=usize::MAX).is_err());
        assert_eq!(query.number::<u8>("missing", 0..=1).unwrap(), None);
    }
}
