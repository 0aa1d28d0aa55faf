//! XML's smallest parts: characters, names, references, the declaration.

use quick_xml::events::attributes::Attributes;
use std::borrow::Cow;

/// Whether all of it is white space as XML knows it.
pub(in crate::tdl) fn is_space(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Whether XML 1.0 allows the character at all.
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether it is a name with at most one colon, inside it: a QName.
pub(super) fn is_qualified_name(name: &str) -> bool {
    match name.split_once(':') {
        Some((prefix, local)) => is_name(prefix) && is_name(local),
        None => is_name(name),
    }
}

/// Whether it is a name without colons.
pub(super) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(starts_name) && characters.all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c,
            '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Answers what `&name;` stands for: a character by number, or one of XML's own five.
pub(super) fn resolve(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => by_number(name.strip_prefix('#')?),
    }
}

fn by_number(digits: &str) -> Option<char> {
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(number).filter(|c| is_character(*c))
}

/// Whether it could be a URI: by its characters and the scheme, if it has one.
pub(super) fn is_uri(text: &str) -> bool {
    let escaped = |rest: &str| {
        rest.get(..2).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    let first_part = text.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme = first_part.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_none_or(is_scheme)
        && text.char_indices().all(|(at, c)| match c {
            '%' => escaped(&text[at + 1..]),
            _ => c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=".contains(c),
        })
}

fn is_scheme(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(inside)
}

/// Makes every line end a single line feed.
pub(super) fn normalise_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What is wrong with an XML declaration, given what stands between `<?` and `?>`.
pub(super) enum BadDeclaration {
    /// It is not of the form that XML asks for.
    Malformed(String),
    /// It names an encoding other than UTF-8.
    Encoding(String),
}

/// Checks an XML declaration.
pub(super) fn check_declaration(content: &str) -> Result<(), BadDeclaration> {
    let malformed = |why: &str| BadDeclaration::Malformed(why.into());
    let mut parts = Vec::new();
    for part in Attributes::new(content, "xml".len()) {
        let part = part.map_err(|error| BadDeclaration::Malformed(error.to_string()))?;
        let at = part.key.0.as_ptr() as usize - content.as_ptr() as usize;
        if !content[..at].ends_with([' ', '\t', '\r', '\n']) {
            return Err(malformed("white space is missing in it"));
        }
        parts.push((part.key.0, part.value));
    }
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(key, value)| (*key, value.as_ref())).collect();
    let [("version", version), rest @ ..] = parts.as_slice() else {
        return Err(malformed("it must begin with `version`"));
    };
    if !is_version_one(version) {
        return Err(malformed("only XML 1.0 is known"));
    }
    let rest = match rest {
        [("encoding", encoding), rest @ ..] => {
            check_encoding(encoding)?;
            rest
        }
        rest => rest,
    };
    match rest {
        [] | [("standalone", "yes" | "no")] => Ok(()),
        _ => Err(malformed("after the version only `encoding` and `standalone` may follow")),
    }
}

fn is_version_one(version: &str) -> bool {
    // A bare `1.` is a slip that libxml2 lets pass, and so Oz.
    let minor = version.strip_prefix("1.");
    minor.is_some_and(|minor| minor.bytes().all(|byte| byte.is_ascii_digit()))
}

fn check_encoding(encoding: &str) -> Result<(), BadDeclaration> {
    if ["utf-8", "utf8"].contains(&encoding.to_ascii_lowercase().as_str()) {
        Ok(())
    } else {
        Err(BadDeclaration::Encoding(encoding.to_owned()))
    }
}
