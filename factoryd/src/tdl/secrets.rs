//! Where a document holds secrets, so that they can be kept out of the store and out of messages.

use super::problem::Faults;
use super::xml::{self, Element};
use std::ops::Range;

const NAMES: [&str; 2] = ["rootpw", "key"];

/// Elements whose text is a URL, besides those that say so with `type='url'`.
const URLS: [&str; 2] = ["url", "iso"];

/// Answers the document with nothing inside `rootpw` and `key`, and no credentials in URLs, but their line
/// ends, so that lines keep their numbers.
pub fn blank_secrets(document: &str) -> String {
    replace(document, |secret| secret.chars().filter(|c| *c == '\n').collect())
}

/// Tells whether a document has secrets that [`blank_secrets`] takes out.
pub fn has_secrets(document: &str) -> bool {
    blank_secrets(document) != document
}

/// Answers the document with every character of a secret hidden, so that columns stay as they are.
pub(super) fn mask_secrets(document: &str) -> String {
    replace(document, |secret| {
        secret.chars().map(|c| if matches!(c, '\n' | '\r') { c } else { '*' }).collect()
    })
}

fn replace(document: &str, with: impl Fn(&str) -> String) -> String {
    let mut safe = String::with_capacity(document.len());
    let mut done = 0;
    for secret in spans(document).into_iter().filter(|secret| !secret.is_empty()) {
        // In a broken document one may lie inside another.
        let start = secret.start.max(done);
        if start < secret.end {
            safe.push_str(&document[done..start]);
            safe.push_str(&with(&document[start..secret.end]));
            done = secret.end;
        }
    }
    safe.push_str(&document[done..]);
    safe
}

/// In a document that cannot be read the tags are looked for in the text itself: better too much is hidden than a secret shown.
fn spans(document: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    match xml::read(document, &mut Faults::default()) {
        Some(root) => collect(&root, document, &mut found),
        None => scan(document, &mut found),
    }
    found.sort_by_key(|secret| secret.start);
    found
}

fn collect(element: &Element<'_>, document: &str, found: &mut Vec<Range<usize>>) {
    if NAMES.contains(&element.name) {
        found.push(element.inner.clone());
        return;
    }
    let says_so = element.attribute("type").is_some_and(|kind| kind.value == "url");
    if says_so || URLS.contains(&element.name) {
        let inner = element.inner.clone();
        let credentials = credentials(&document[inner.clone()]);
        found.extend(credentials.map(|at| inner.start + at.start..inner.start + at.end));
    }
    element.children().for_each(|child| collect(child, document, found));
}

/// Finds `user:password@` in a URL, as those would who fetch it: slashes may lean the other way, and there may be more
/// than one `@`.
fn credentials(url: &str) -> Option<Range<usize>> {
    let scheme = url.find(':')?;
    let rest = &url[scheme + 1..];
    let start = scheme + 1 + rest.len() - rest.trim_start_matches(['/', '\\']).len();
    let authority = url[start..].split(['/', '\\', '?', '#']).next()?;
    authority.rfind('@').map(|at| start..start + at + 1)
}

fn scan(document: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(open) = document[at..].find('<') {
        at += open + 1;
        let Some(name) = NAMES.iter().find(|name| opens(&document[at..], name)) else {
            let tag = document[at..].find('>').map_or(document.len(), |end| at + end + 1);
            let text = &document[tag..];
            let text = &text[..text.find('<').unwrap_or(text.len())];
            found.extend(credentials(text).map(|range| tag + range.start..tag + range.end));
            continue;
        };
        let start = document[at..].find('>').map_or(at + name.len(), |end| at + end + 1);
        let end = document[start..].find(&format!("</{name}"));
        let end = end.map_or(document.len(), |end| start + end);
        found.push(start..end);
        at = end;
    }
}

fn opens(text: &str, name: &str) -> bool {
    let after = text.strip_prefix(name).and_then(|rest| rest.chars().next());
    after.is_some_and(|c| c == '>' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_only_speaks_of_a_key_is_left_alone() {
        let xml = "<template><commands><command><![CDATA[echo '<key>k</key>']]></command></commands></template>";
        assert_eq!(blank_secrets(xml), xml);
    }

    #[test]
    fn secrets_of_a_broken_document_are_blanked_too() {
        assert_eq!(blank_secrets("<a><rootpw>x</rootpw><b>"), "<a><rootpw></rootpw><b>");
        assert_eq!(blank_secrets("<a><key a='b'>x\ny"), "<a><key a='b'>\n");
    }

    #[test]
    fn secrets_inside_each_other_are_blanked_once() {
        assert_eq!(blank_secrets("<a <b>http://me:pw@x"), "<a <b>http://x");
        assert_eq!(blank_secrets("<a <key>q http://me:pw@x</key>"), "<a <key></key>");
    }

    #[test]
    fn credentials_in_urls_of_contents_are_secrets() {
        let around = |url: &str| {
            format!("<template><files><file name='/a@b' type='url'>{url}</file></files></template>")
        };
        for (url, left) in [
            ("https://me:pw@x.org/a", "https://x.org/a"),
            (" http:\\\\me:p@w@x.org/a@b ", " http:\\\\x.org/a@b "),
            ("https://x.org/~me@home?a@b", "https://x.org/~me@home?a@b"),
            ("file://me@x", "file://x"),
        ] {
            assert_eq!(blank_secrets(&around(url)), around(left));
            assert_eq!(blank_secrets(&format!("<a>{url}<b>")), format!("<a>{left}<b>"));
        }
        let command = "<a><command>curl https://me:pw@x.org/</command></a>";
        assert_eq!(blank_secrets(command), command, "what is no URL is left alone");
    }

    #[test]
    fn credentials_in_urls_of_installations_and_repositories_are_secrets() {
        let around = |user: &str| {
            format!(
                "<template><os><install type='iso'><iso>http://{user}a.org/i</iso></install></os><repositories>\
                 <repository name='r'><url>https://{user}b.org/</url></repository></repositories></template>"
            )
        };
        assert_eq!(blank_secrets(&around("me:pw@")), around(""));
        assert!(has_secrets(&around("me:pw@")) && !has_secrets(&around("")));
    }

    #[test]
    fn a_masked_document_has_the_same_columns() {
        let xml = "<os><rootpw>hunter2</rootpw><name>é</name></os>";
        assert_eq!(mask_secrets(xml), "<os><rootpw>*******</rootpw><name>é</name></os>");
    }
}
