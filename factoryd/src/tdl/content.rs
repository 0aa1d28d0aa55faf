//! The content of a file or command: `raw`, `base64` or `url`.

use super::problem::{Fault, Faults};
use super::xml::{Element, is_space};
use crate::domain::Content;
use crate::report::{choice, quote};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is checked by hand, since Oz's decoder takes more of it than is needed.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads the content of an element at `path`; `None` if it is wrong. White space around it is dropped.
pub(super) fn read(element: &Element<'_>, path: &str, faults: &mut Faults) -> Option<Content> {
    let text = element.text();
    let text = text.trim();
    let kind = element.attribute("type");
    let result = match kind.map_or("raw", |kind| kind.value.as_str()) {
        "raw" => Ok(Content::Bytes(text.as_bytes().to_vec())),
        "base64" => check_base64(&element.whole_text()).and_then(|()| decode(text)),
        "url" => check_url(text).map(|()| Content::Url(text.to_owned())),
        other => {
            let span = kind.map_or(element.span.clone(), |kind| kind.value_span.clone());
            let message = format!("{} is not a type of content", quote(other));
            let fault = Fault::new("bad-content-type", span, format!("{path}/@type"), message);
            faults.add(fault.expected(choice(["raw", "base64", "url"])));
            return None;
        }
    };
    match result {
        Ok(content) => Some(content),
        Err(bad) => {
            let span = element.value_span();
            let fault = Fault::new(bad.code, span, path, bad.message).expected(bad.expected);
            faults.add(fault.maybe_hint(bad.hint.map(str::to_owned)));
            None
        }
    }
}

struct Bad {
    code: &'static str,
    message: String,
    expected: &'static str,
    hint: Option<&'static str>,
}

fn bad_base64(message: impl Into<String>, hint: Option<&'static str>) -> Bad {
    Bad { code: "bad-base64", message: message.into(), expected: "base64 in one line", hint }
}

fn check_base64(whole: &str) -> Result<(), Bad> {
    if is_space(whole) {
        return Ok(());
    }
    let data = whole.trim_end_matches('=');
    let wrong = data.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/'));
    match wrong {
        Some(c) if c.is_whitespace() => {
            let hint = "write it as one line, with nothing around it, as `base64 -w0` does";
            Err(bad_base64("white space in base64 content", Some(hint)))
        }
        Some('-' | '_') => Err(bad_base64(
            "the URL alphabet of base64 is not read",
            Some("write `+` for `-` and `/` for `_`"),
        )),
        Some(c) => Err(bad_base64(format!("{} in base64 content", quote(&c.to_string())), None)),
        None if data.is_empty() => Err(bad_base64("base64 content that is only padding", None)),
        None if whole.len() - data.len() > 2 => {
            Err(bad_base64("more than two `=` at the end of base64 content", None))
        }
        None => Ok(()),
    }
}

fn decode(text: &str) -> Result<Content, Bad> {
    let data = text.trim_end_matches('=');
    let padding = text.len() - data.len();
    let missing = match data.len() % 4 {
        1 => return Err(bad_base64("base64 content is cut off: one letter is left over", None)),
        2 => 2_usize.saturating_sub(padding),
        3 => 1_usize.saturating_sub(padding),
        _ => 0,
    };
    if missing > 0 {
        let hint = "base64 has a length that is a multiple of 4";
        return Err(bad_base64(
            format!("base64 content lacks {missing} `=` at its end"),
            Some(hint),
        ));
    }
    let bytes = BASE64.decode(data).map_err(|error| bad_base64(error.to_string(), None))?;
    Ok(Content::Bytes(bytes))
}

/// Refuses what could never be fetched; whether it may be fetched is decided when the build starts.
fn check_url(url: &str) -> Result<(), Bad> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let fits = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        }
        "file" => !rest.trim_start_matches("//").is_empty(),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let message = format!("{} is not a URL that can be fetched", quote(url));
    let expected = "`http://…`, `https://…` or `file://…`";
    Err(Bad { code: "bad-url", message, expected, hint: None })
}
