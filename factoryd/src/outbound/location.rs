//! URLs of `http` and `https`, with their credentials kept apart.

use super::Error;
use crate::domain::Secret;
use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};

/// The longest URL, in bytes.
const LEN_MAX: usize = 4096;

/// Where something is. Shown, it has neither credentials nor a query: both may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
    credentials: Option<(String, Secret)>,
}

impl Location {
    /// Reads a URL; what browsers take for an address is taken for one here too, so that nothing is in disguise.
    ///
    /// # Errors
    /// If it is none, is too long, or has another scheme.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unreadable = |why: String| Error::Unreadable { why };
        if LEN_MAX < text.len() {
            return Err(unreadable(format!("it is longer than {LEN_MAX} bytes")));
        }
        Self::of(Url::parse(text).map_err(|error| unreadable(error.to_string()))?)
    }

    /// Takes over a URL, in which a redirect may have put credentials.
    pub(super) fn of(mut url: Url) -> Result<Self, Error> {
        if !["http", "https"].contains(&url.scheme()) {
            return Err(Error::Scheme { scheme: url.scheme().to_owned() });
        }
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        let named = !url.username().is_empty() || url.password().is_some();
        let credentials = named.then(|| {
            (decoded(url.username()), Secret::new(decoded(url.password().unwrap_or_default())))
        });
        // Both succeed for a URL with a host, which those of http always have.
        _ = url.set_username("");
        _ = url.set_password(None);
        url.set_fragment(None);
        Ok(Self { url, credentials })
    }

    /// Answers the host as it is written in a URL: in lower case, an address in its usual form.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Answers the address, if the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Domain(name) => name.trim_end_matches('.').parse().ok(),
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// Answers the whole URL without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Answers user and password, if the URL has any.
    pub fn credentials(&self) -> Option<&(String, Secret)> {
        self.credentials.as_ref()
    }

    /// Gives it user and password.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<(String, Secret)>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Answers scheme, host and port: what a connection is made to.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.url.query().is_some() { "?…" } else { "" };
        write!(f, "{}{}{query}", self.origin(), self.url.path())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let location =
            Location::parse("https://us%40er:pa%3Ass@Example.org:8443/a?token=x#y").unwrap();
        assert_eq!(location.to_string(), "https://example.org:8443/a?…");
        assert_eq!(format!("{location:?}"), "Location(https://example.org:8443/a?…)");
        assert_eq!(location.url().as_str(), "https://example.org:8443/a?token=x");
        let (user, password) = location.credentials().unwrap();
        assert_eq!((user.as_str(), password.expose()), ("us@er", "pa:ss"));
    }

    #[test]
    fn only_http_is_a_location() {
        for url in [
            "ftp://x/",
            "file:///x",
            "gopher://x",
            "javascript:x",
            "data:,x",
            "",
            "http:",
            "http://",
            "x",
        ] {
            assert!(Location::parse(url).is_err(), "{url}");
        }
        assert!(Location::parse(&format!("http://x/{}", "a".repeat(LEN_MAX))).is_err());
    }
}
