//! What an OAuth signature signs: the signature base string (RFC 5849 §3.4.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode, percent_encode};

/// All but the unreserved characters of RFC 3986 (RFC 5849 §3.6).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// So many parameters a signed request has at most: of its header, its query and its form.
const PARAMETERS_MAX: usize = 1000;

/// A request as far as it is signed. It is taken as its client wrote it: nothing is decoded yet.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The host and port that the client called, as in its `Host` header.
    pub host: &'a str,
    /// Its path.
    pub path: &'a str,
    /// What is after the question mark.
    pub query: &'a str,
    /// Its body, if that is a form (`application/x-www-form-urlencoded`). Other bodies are not signed.
    pub form: &'a [u8],
}

impl Request<'_> {
    /// Tells the text to sign, with the parameters of the header, piece by piece: a form can be large, and its text is
    /// larger. False if there are too many parameters.
    pub(super) fn tell(&self, header: &[(String, String)], mut piece: impl FnMut(&[u8])) -> bool {
        let count = |text: &[u8]| text.iter().filter(|byte| **byte == b'&').count();
        if PARAMETERS_MAX < header.len() + count(self.query.as_bytes()) + count(self.form) {
            return false;
        }
        let header = header.iter().map(|(name, value)| pair(name.as_bytes(), value.as_bytes()));
        let sent = pairs(self.query.as_bytes()).chain(pairs(self.form));
        let mut all: Vec<(String, String)> = header.chain(sent).collect();
        all.sort_unstable();
        piece(self.method.to_ascii_uppercase().as_bytes());
        piece(b"&");
        piece(encode(self.uri().as_bytes()).as_bytes());
        for (index, (name, value)) in all.iter().enumerate() {
            piece(if index == 0 { b"&" } else { b"%26" });
            encoded(name.as_bytes()).for_each(|text| piece(text.as_bytes()));
            piece(b"%3D");
            encoded(value.as_bytes()).for_each(|text| piece(text.as_bytes()));
        }
        true
    }

    /// Answers the address without query, with a port only if it is not the usual one (RFC 5849 §3.4.1.2).
    fn uri(&self) -> String {
        let (scheme, usual) = if self.tls { ("https", ":443") } else { ("http", ":80") };
        let host = self.host.to_ascii_lowercase();
        let host = host.strip_suffix(usual).unwrap_or(&host);
        let path = if self.path.is_empty() { "/" } else { self.path };
        format!("{scheme}://{host}{path}")
    }
}

/// Encodes as RFC 5849 §3.6 says.
pub(super) fn encode(bytes: &[u8]) -> String {
    encoded(bytes).to_string()
}

fn encoded(bytes: &[u8]) -> PercentEncode<'_> {
    percent_encode(bytes, RESERVED)
}

fn pair(name: &[u8], value: &[u8]) -> (String, String) {
    (encode(name), encode(value))
}

/// Reads `name=value&…`, and encodes it again in the one way that is signed.
fn pairs(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    let parts = text.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts.map(|part| {
        let mut halves = part.splitn(2, |byte| *byte == b'=');
        let mut half = || decode(halves.next().unwrap_or_default());
        let (name, value) = (half(), half());
        pair(&name, &value)
    })
}

fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn base_string(request: &Request<'_>, header: &[(String, String)]) -> String {
        let mut text = Vec::new();
        assert!(request.tell(header, |piece| text.extend_from_slice(piece)));
        String::from_utf8(text).unwrap()
    }

    fn get<'a>(tls: bool, host: &'a str, path: &'a str) -> Request<'a> {
        Request { method: "GET", tls, host, path, query: "", form: b"" }
    }

    #[test]
    fn the_base_string_of_rfc_5849_3_4_1_1() {
        let request = Request {
            method: "post",
            tls: false,
            host: "example.com",
            path: "/request",
            query: "b5=%3D%253D&a3=a&c%40=&a2=r%20b",
            form: b"c2&a3=2+q",
        };
        let header = owned(&[
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ]);
        assert_eq!(
            base_string(&request, &header),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D\
             %26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a\
             %26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    #[test]
    fn the_addresses_of_rfc_5849_3_4_1_2() {
        assert_eq!(get(false, "EXAMPLE.COM:80", "/r%20v/X").uri(), "http://example.com/r%20v/X");
        let other = get(true, "www.example.net:8080", "/");
        assert_eq!(other.uri(), "https://www.example.net:8080/");
    }

    #[test]
    fn only_the_usual_port_of_the_scheme_is_left_out() {
        assert_eq!(get(true, "a:443", "/x").uri(), "https://a/x");
        assert_eq!(get(true, "a:80", "/x").uri(), "https://a:80/x");
        assert_eq!(get(false, "[::1]:80", "/x").uri(), "http://[::1]/x");
        assert_eq!(get(false, "a:8080", "").uri(), "http://a:8080/");
    }

    #[test]
    fn parameters_have_a_limit() {
        let many = "a&".repeat(PARAMETERS_MAX);
        let request = Request { form: many.as_bytes(), ..get(false, "a", "/") };
        assert!(request.tell(&[], |_| {}));
        assert!(!request.tell(&owned(&[("a", "")]), |_| unreachable!()));
    }

    #[test]
    fn what_is_not_utf8_is_signed_all_the_same() {
        let request = Request { query: "a=%ff", ..get(false, "a", "/") };
        assert_eq!(base_string(&request, &[]), "GET&http%3A%2F%2Fa%2F&a%3D%25FF");
    }
}
