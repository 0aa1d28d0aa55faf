//! `Authorization: OAuth …` (RFC 5849 §3.5.1): what it says, before anybody believes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// The longest header that is read, in bytes.
const LEN_MAX: usize = 8 * 1024;
/// So many parameters a header may have.
const PARAMETERS_MAX: usize = 32;
/// The length of an HMAC-SHA1, in bytes.
pub(super) const SIGNATURE_LEN: usize = 20;

/// What an OAuth header says. Its signature is not checked yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub(super) client: String,
    pub(super) signature: [u8; SIGNATURE_LEN],
    /// Seconds since 1970.
    pub(super) timestamp: u64,
    pub(super) nonce: String,
    /// All that is signed, decoded: every parameter but `realm` and `oauth_signature`.
    pub(super) signed: Vec<(String, String)>,
}

/// A header that is no OAuth signature as this factory takes it. The text says why, for whoever wrote the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Header {
    /// Reads the value of an `Authorization` header whose scheme is OAuth.
    ///
    /// # Errors
    /// If it is not written as RFC 5849 says, lacks a parameter or has one twice, or asks for more than two-legged OAuth
    /// 1.0 with HMAC-SHA1.
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        if LEN_MAX < value.len() {
            return Err(malformed(format!("it is longer than {LEN_MAX} bytes")));
        }
        let text = std::str::from_utf8(value).map_err(|_| malformed("it is not UTF-8"))?;
        let scheme = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("oauth"));
        let rest = scheme.and_then(|_| text[5..].strip_prefix([' ', '\t']));
        let rest = rest.ok_or_else(|| malformed("it does not begin with `OAuth `"))?;
        Self::of(parameters(rest)?)
    }

    fn of(all: Vec<(String, String)>) -> Result<Self, Malformed> {
        let find = |name| all.iter().find(|(known, _)| known == name);
        let text = |name| find(name).map(|(_, value)| value.as_str());
        let required = |name| {
            let text = text(name).filter(|text| !text.is_empty());
            text.ok_or_else(|| malformed(format!("{name} is missing")))
        };
        if required("oauth_signature_method")? != "HMAC-SHA1" {
            return Err(malformed("oauth_signature_method must be HMAC-SHA1"));
        }
        if text("oauth_version").is_some_and(|version| version != "1.0") {
            return Err(malformed("oauth_version must be 1.0"));
        }
        if text("oauth_token").is_some_and(|token| !token.is_empty()) {
            return Err(malformed("there must be no oauth_token: the client signs for itself"));
        }
        let header = Self {
            client: required("oauth_consumer_key")?.to_owned(),
            signature: signature(required("oauth_signature")?)?,
            timestamp: timestamp(required("oauth_timestamp")?)?,
            nonce: required("oauth_nonce")?.to_owned(),
            signed: Vec::new(),
        };
        let unsigned = ["realm", "oauth_signature"];
        let signed = all.into_iter().filter(|(name, _)| !unsigned.contains(&name.as_str()));
        Ok(Self { signed: signed.collect(), ..header })
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Header").field("client", &self.client).finish_non_exhaustive()
    }
}

/// Reads `name="value", …`. Values without quotes are read too, as Image Factory did.
fn parameters(mut rest: &str) -> Result<Vec<(String, String)>, Malformed> {
    let mut read: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(read);
        }
        let (name, value) =
            rest.split_once('=').ok_or_else(|| malformed("a parameter has no value"))?;
        let (value, after) = value_of(value)?;
        let name = decoded(name.trim())?;
        if read.iter().any(|(known, _)| *known == name) {
            return Err(malformed("a parameter is given twice"));
        }
        read.push((name, decoded(value)?));
        if PARAMETERS_MAX < read.len() {
            return Err(malformed(format!("it has more than {PARAMETERS_MAX} parameters")));
        }
        rest = after;
    }
}

/// Splits a value from what follows it.
fn value_of(text: &str) -> Result<(&str, &str), Malformed> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Ok((text[..end].trim_end(), &text[end..]));
    };
    let (value, after) =
        quoted.split_once('"').ok_or_else(|| malformed("a quotation mark is missing"))?;
    let after = after.trim_start_matches([' ', '\t']);
    if after.is_empty() || after.starts_with(',') {
        return Ok((value, after));
    }
    Err(malformed("parameters must be separated by commas"))
}

fn decoded(text: &str) -> Result<String, Malformed> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| malformed("a parameter is not UTF-8"))
}

fn signature(text: &str) -> Result<[u8; SIGNATURE_LEN], Malformed> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| malformed("oauth_signature is not the base64 of an HMAC-SHA1"))
}

fn timestamp(text: &str) -> Result<u64, Malformed> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| malformed("oauth_timestamp is not a number of seconds"))
}

fn malformed(why: impl Into<String>) -> Malformed {
    Malformed(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "OAuth realm=\"a, b\", oauth_consumer_key=\"c%20k\",oauth_nonce=\"n\", \
        oauth_timestamp=\"137131201\", oauth_signature_method=\"HMAC-SHA1\", oauth_version=\"1.0\", \
        oauth_signature=\"bYT5CMsGcbgUdFHObYMEfcx6bsw%3D\", oauth_token=\"\"";

    fn why(value: &str) -> String {
        Header::parse(value.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_signed_is_all_but_the_realm_and_the_signature() {
        let header = Header::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(
            (header.client.as_str(), header.nonce.as_str(), header.timestamp),
            ("c k", "n", 137_131_201)
        );
        let names: Vec<_> = header.signed.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "oauth_consumer_key",
            "oauth_nonce",
            "oauth_timestamp",
            "oauth_signature_method",
            "oauth_version",
            "oauth_token",
        ];
        assert_eq!(names, expected);
        let unquoted = GOOD.replace("\"n\"", "n");
        assert_eq!(Header::parse(unquoted.as_bytes()).unwrap(), header);
    }

    #[test]
    fn the_version_may_be_missing() {
        assert!(Header::parse(GOOD.replace("oauth_version=\"1.0\",", "").as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_signature_is_refused_and_says_why() {
        assert_eq!(why("Basic eDp5"), "it does not begin with `OAuth `");
        for (from, to, expected) in [
            ("oauth_consumer_key=\"c%20k\"", "", "oauth_consumer_key is missing"),
            ("\"n\"", "\"\"", "oauth_nonce is missing"),
            ("HMAC-SHA1", "PLAINTEXT", "oauth_signature_method must be HMAC-SHA1"),
            ("\"1.0\"", "\"2.0\"", "oauth_version must be 1.0"),
            ("oauth_token=\"\"", "oauth_token=\"t\"", "there must be no oauth_token"),
            ("137131201", "-1", "oauth_timestamp is not a number of seconds"),
            ("137131201", "99999999999999999999", "oauth_timestamp is not a number of seconds"),
            ("bYT5CMsG", "!", "oauth_signature is not the base64 of an HMAC-SHA1"),
            ("c%20k", "%ff", "a parameter is not UTF-8"),
            ("\"n\",", "\"n\" x", "parameters must be separated by commas"),
            ("oauth_token=\"\"", "oauth_token", "a parameter has no value"),
            ("oauth_token=\"\"", "oauth_token=\"", "a quotation mark is missing"),
            ("realm", "oauth_nonce", "a parameter is given twice"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let why = why(&GOOD.replacen(from, to, 1));
            assert!(why.starts_with(expected), "{from} -> {to}: {why}");
        }
    }

    #[test]
    fn a_header_has_a_limit() {
        assert_eq!(
            why(&format!("OAuth a=\"{}\"", "x".repeat(9000))),
            "it is longer than 8192 bytes"
        );
        let many: String = (0..40).map(|number| format!("p{number}=\"\",")).collect();
        assert_eq!(why(&format!("OAuth {many}")), "it has more than 32 parameters");
        assert!(Header::parse(b"OAuth \xff").is_err());
    }
}
