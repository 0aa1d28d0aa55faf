//! Conditional and partial requests (RFC 9110 §13, §14), decided without touching a file.

use axum::http::{HeaderMap, HeaderName, header};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a file is known by.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// Its entity tag, with quotes.
    pub(super) tag: String,
    /// When it was last changed.
    pub(super) modified: SystemTime,
}

/// What of a file to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing: the client has it.
    Unchanged,
    /// All of it.
    Whole,
    /// These bytes, the last one included.
    Bytes { first: u64, last: u64 },
    /// What was asked for does not exist.
    Unsatisfiable,
}

/// Decides what of a file of `len` bytes a request wants.
pub(super) fn wanted(headers: &HeaderMap, len: u64, version: &Version) -> Part {
    if is_unchanged(headers, version) {
        return Part::Unchanged;
    }
    match text(headers, header::RANGE) {
        Some(range) if may_be_partial(headers, version) => parse(range, len),
        _ => Part::Whole,
    }
}

/// Tells whether a header with a list of entity tags names this one, strongly or weakly.
pub(super) fn names_tag(headers: &HeaderMap, name: HeaderName, tag: &str) -> bool {
    let mut named = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    named.any(|list| {
        let mut tags = list.split(',').map(|one| one.trim().trim_start_matches("W/"));
        tags.any(|one| one == tag || one == "*")
    })
}

/// `If-None-Match` counts; `If-Modified-Since` only without it.
fn is_unchanged(headers: &HeaderMap, version: &Version) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return names_tag(headers, header::IF_NONE_MATCH, &version.tag);
    }
    let since = text(headers, header::IF_MODIFIED_SINCE).and_then(date);
    since.is_some_and(|since| whole_seconds(version.modified) <= since)
}

/// `If-Range` names the version of which the client has the rest.
fn may_be_partial(headers: &HeaderMap, version: &Version) -> bool {
    match text(headers, header::IF_RANGE) {
        None => !headers.contains_key(header::IF_RANGE),
        Some(condition) if condition.starts_with('"') => condition == version.tag,
        Some(condition) => date(condition) == Some(whole_seconds(version.modified)),
    }
}

/// Reads `bytes=…`. Several ranges, another unit or nonsense mean the whole file: a server may ignore a range.
fn parse(range: &str, len: u64) -> Part {
    let spec = range.trim().strip_prefix("bytes=").map(str::trim);
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| parsed(text));
    match (number(first), number(last)) {
        (Some(None), Some(None)) => Part::Whole,
        (Some(None), Some(Some(0))) => Part::Unsatisfiable,
        (Some(None), Some(Some(_))) if len == 0 => Part::Unsatisfiable,
        (Some(None), Some(Some(suffix))) => {
            Part::Bytes { first: len.saturating_sub(suffix), last: len - 1 }
        }
        (Some(Some(first)), Some(last)) if last.is_none_or(|last| first <= last) => {
            if len <= first {
                return Part::Unsatisfiable;
            }
            Part::Bytes { first, last: last.unwrap_or(u64::MAX).min(len - 1) }
        }
        _ => Part::Whole,
    }
}

/// Reads digits; `None` if there are none. A number too large is the largest.
fn parsed(digits: &str) -> Option<u64> {
    if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(u64::MAX)) }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Dates in headers have no fractions.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Version {
        let modified = UNIX_EPOCH + Duration::from_millis(1_000_000_000_500);
        Version { tag: "\"abc\"".into(), modified }
    }

    fn ask(headers: &[(HeaderName, &str)]) -> Part {
        let pairs = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        wanted(&pairs.collect(), 100, &version())
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        let cases = [
            ("bytes=0-0", Part::Bytes { first: 0, last: 0 }),
            ("bytes=10-", Part::Bytes { first: 10, last: 99 }),
            ("bytes=90-1000", Part::Bytes { first: 90, last: 99 }),
            ("bytes=-10", Part::Bytes { first: 90, last: 99 }),
            ("bytes=-1000", Part::Bytes { first: 0, last: 99 }),
            ("bytes=99-99999999999999999999999", Part::Bytes { first: 99, last: 99 }),
            ("bytes=100-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", Part::Unsatisfiable),
            ("bytes=9-3", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=+1-+2", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("nonsense", Part::Whole),
        ];
        for (range, part) in cases {
            assert_eq!(ask(&[(header::RANGE, range)]), part, "{range}");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let date = "Sun, 09 Sep 2001 01:46:40 GMT";
        let before = "Sun, 09 Sep 2001 01:46:39 GMT";
        assert_eq!(ask(&[(header::IF_MODIFIED_SINCE, date)]), Part::Unchanged);
        assert_eq!(ask(&[(header::IF_MODIFIED_SINCE, before)]), Part::Whole);
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "\"x\", W/\"abc\"")]), Part::Unchanged);
        let other = [(header::IF_NONE_MATCH, "\"x\""), (header::IF_MODIFIED_SINCE, date)];
        assert_eq!(ask(&other), Part::Whole, "the tag counts more than the date");
    }

    #[test]
    fn the_rest_of_another_version_is_of_no_use() {
        let ask = |condition| ask(&[(header::RANGE, "bytes=50-"), (header::IF_RANGE, condition)]);
        assert_eq!(ask("\"abc\""), Part::Bytes { first: 50, last: 99 });
        assert_eq!(ask("\"old\""), Part::Whole);
        assert_eq!(ask("Sun, 09 Sep 2001 01:46:40 GMT"), Part::Bytes { first: 50, last: 99 });
        assert_eq!(ask("nonsense"), Part::Whole);
    }
}
