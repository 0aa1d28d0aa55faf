//! `template/repositories`.

use super::problem::{Fault, Faults};
use super::values::{cut_off, name_of, put, text_of};
use super::xml::Element;
use crate::domain::Repository;
use crate::report::{choice, quote};
use std::net::Ipv6Addr;

/// Hosts that a guest would look for in itself. Oz compares them as they are, case and port included.
const GUESTS_OWN: &[&str] = &["localhost", "127.0.0.1", "localhost.localdomain"];

/// Characters that Unicode takes for one of `/ ? # @ :` (or a sequence with one), so that a host could be mistaken.
const LOOKALIKES: &str = "℀℁℅℆⁇⁈⁉⩴︓︖﹕﹖﹟﹫＃／：？＠";

/// Whether `signed` and the like are held to the schema, or only to what Oz's code asks of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// As in a document.
    Document,
    /// As in a fragment that is merged.
    Fragment,
}

/// Reads `repositories`. Of two with one name the last counts, in the place of the first.
pub(super) fn read(repositories: &Element<'_>, faults: &mut Faults) -> Vec<Repository> {
    let mut list = Vec::new();
    for (index, repository) in repositories.named("repository").enumerate() {
        let path = format!("template/repositories/repository[{}]", index + 1);
        let repository = one(repository, &path, Strictness::Document, faults);
        put(&mut list, repository, |old, new| old.name == new.name);
    }
    list
}

/// Reads one `repository`.
pub(super) fn one(
    repository: &Element<'_>,
    path: &str,
    strictness: Strictness,
    faults: &mut Faults,
) -> Repository {
    let url = text_of(repository, "url");
    if let (Some(element), Err(why)) = (repository.child("url"), check_url(&url)) {
        let path = format!("{path}/url");
        faults.add(bad_url(element, path, &url, why));
    }
    let mut flag = |name, default| boolean(repository, name, default, path, strictness, faults);
    Repository {
        name: name_of(repository),
        signed: flag("signed", false),
        persisted: flag("persisted", true),
        ssl_verify: flag("sslverify", false),
        url: url.trim().to_owned(),
    }
}

fn boolean(
    repository: &Element<'_>,
    name: &str,
    default: bool,
    path: &str,
    strictness: Strictness,
    faults: &mut Faults,
) -> bool {
    let Some(element) = repository.child(name) else { return default };
    let (text, whole) = (element.text(), element.whole_text());
    let fits = strictness == Strictness::Fragment || parse_boolean(&whole).is_some();
    let value = if text.is_empty() { Some(default) } else { parse_boolean(&text) };
    if let (true, Some(value)) = (fits, value) {
        return value;
    }
    let message = format!("{} is neither yes nor no", quote(&whole));
    let fault = Fault::new("bad-boolean", element.value_span(), format!("{path}/{name}"), message);
    let spaced = parse_boolean(whole.trim()).map(|_| "remove the white space around it".to_owned());
    let hint = cut_off(element).or(spaced);
    faults.add(fault.expected(choice(["true", "false", "yes", "no"])).maybe_hint(hint));
    default
}

fn parse_boolean(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BadUrl {
    GuestsOwn,
    Brackets,
    Lookalike,
}

fn bad_url(element: &Element<'_>, path: String, url: &str, why: BadUrl) -> Fault {
    let (code, what) = match why {
        BadUrl::GuestsOwn => ("repository-localhost", "names the guest itself"),
        BadUrl::Brackets => ("bad-url", "has no IPv6 address between its brackets"),
        BadUrl::Lookalike => {
            ("bad-url", "has a host with a look-alike of `/`, `?`, `#`, `@` or `:`")
        }
    };
    let message = format!("the repository {} {what}", quote(url.trim()));
    let fault = Fault::new(code, element.value_span(), path, message);
    match why {
        BadUrl::GuestsOwn => fault
            .expected("a host that the guest can reach")
            .hint("write the name or address of this host as others see it"),
        BadUrl::Brackets | BadUrl::Lookalike => fault.expected("a URL"),
    }
}

fn check_url(url: &str) -> Result<(), BadUrl> {
    // As URLs are read everywhere: line ends and tabs inside do not count, nor does leading space.
    let url = url.trim_start_matches(|c: char| c <= ' ').replace(['\t', '\n', '\r'], "");
    let host = host(&url);
    match (host.find('['), host.find(']')) {
        (None, None) => {}
        (Some(open), Some(close)) if open < close => {
            let address = &host[open + 1..close];
            let address = address.split_once('%').map_or(address, |(address, _)| address);
            let future = address.starts_with(['v', 'V']);
            if !future && address.parse::<Ipv6Addr>().is_err() {
                return Err(BadUrl::Brackets);
            }
        }
        _ => return Err(BadUrl::Brackets),
    }
    if host.chars().any(|c| LOOKALIKES.contains(c)) {
        return Err(BadUrl::Lookalike);
    }
    if GUESTS_OWN.contains(&host) { Err(BadUrl::GuestsOwn) } else { Ok(()) }
}

/// The part between `//` and the path, with user and port; empty if there is none.
fn host(url: &str) -> &str {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let rest = match url.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ => url,
    };
    let authority = rest.strip_prefix("//").unwrap_or_default();
    authority.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_names_of_the_guest_itself_are_refused() {
        let refused = ["http://localhost/x", "//127.0.0.1?q", "ftp://localhost.localdomain"];
        for url in refused {
            assert_eq!(check_url(url), Err(BadUrl::GuestsOwn), "{url}");
        }
        for url in
            ["", "http://localhost:80/", "http://LOCALHOST/", "localhost/x", "1a://localhost"]
        {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
    }
}
