//! Speaks HTTP, where the policy lets it.

use super::lookup::{Guard, Lookup, SystemLookup};
use super::{Error, Location, Policy};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, redirect};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::OnceCell;

/// How much, how long and how far.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest content, in bytes.
    pub size: u64,
    /// How long until a connection stands, TLS included.
    pub connect: Duration,
    /// How long nothing may come.
    pub idle: Duration,
    /// How long all of it may take, redirects included.
    pub whole: Duration,
    /// How many redirects are followed.
    pub redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 16 * 1024 * 1024,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            whole: Duration::from_secs(300),
            redirects: 5,
        }
    }
}

/// Speaks HTTP for the factory. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    policy: Arc<Policy>,
    lookup: Arc<dyn Lookup>,
    limits: Limits,
    http: Arc<OnceCell<reqwest::Client>>,
}

/// A request that puts something somewhere.
pub struct Put<'a> {
    /// Where.
    pub to: &'a Location,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What a server answered to a [`Put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// When to come back, if it says so.
    pub retry_after: Option<Duration>,
}

impl Client {
    /// Makes a client; it asks the operating system for addresses.
    pub fn new(policy: Policy, limits: Limits) -> Self {
        Self::with_lookup(policy, limits, Arc::new(SystemLookup))
    }

    /// Makes a client that looks names up elsewhere.
    pub fn with_lookup(policy: Policy, limits: Limits, lookup: Arc<dyn Lookup>) -> Self {
        Self { policy: Arc::new(policy), lookup, limits, http: Arc::default() }
    }

    /// Answers where connections may go.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Fetches what is somewhere.
    ///
    /// # Errors
    /// If the policy forbids it, a limit is reached, or the server does not send it, whole and as it is.
    pub async fn get(&self, from: &Location) -> Result<Vec<u8>, Error> {
        let whole = self.limits.whole;
        let fetched = tokio::time::timeout(whole, self.follow(from.clone())).await;
        fetched.unwrap_or(Err(Error::TooSlow(whole)))
    }

    /// Puts something somewhere. Redirects are not followed; they are answers.
    ///
    /// # Errors
    /// If the policy forbids it, or no answer comes.
    pub async fn put(&self, put: Put<'_>) -> Result<Answer, Error> {
        let request =
            self.http().await?.put(put.to.url().clone()).headers(put.headers).body(put.body);
        let sent = self.send(put.to, request);
        let limit = self.limits.whole;
        let response =
            tokio::time::timeout(limit, sent).await.unwrap_or(Err(Error::TooSlow(limit)))?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Answer { status: response.status().as_u16(), retry_after: retry_after.and_then(delay) })
    }

    async fn follow(&self, mut at: Location) -> Result<Vec<u8>, Error> {
        for _ in 0..=self.limits.redirects {
            let request =
                self.http().await?.get(at.url().clone()).header(ACCEPT_ENCODING, "identity");
            let response = self.send(&at, request).await?;
            match next(&at, &response)? {
                Some(next) => at = next,
                None => return self.read(response).await,
            }
        }
        Err(Error::TooManyRedirects(self.limits.redirects))
    }

    async fn send(&self, to: &Location, request: RequestBuilder) -> Result<Response, Error> {
        // The resolver sees names only: what is an address already is judged here.
        self.policy.judge(to)?;
        let request = match to.credentials() {
            Some((user, password)) => request.basic_auth(user, Some(password.expose())),
            None => request,
        };
        let response = request.send().await.map_err(|error| Error::of(error, self.limits.idle))?;
        match response.remote_addr() {
            Some(peer) if !self.policy.permits(to.host(), peer.ip()) => {
                Err(Error::Address { host: to.host().to_owned() })
            }
            _ => Ok(response),
        }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(Error::Status(status.as_u16()));
        }
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes());
        if let Some(encoding) =
            encoding.filter(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
        {
            return Err(Error::Encoded(
                String::from_utf8_lossy(encoding).chars().take(40).collect(),
            ));
        }
        let limit = self.limits.size;
        if response.content_length().is_some_and(|length| limit < length) {
            return Err(Error::TooLarge { limit });
        }
        let mut content = Vec::new();
        let idle = self.limits.idle;
        while let Some(chunk) = response.chunk().await.map_err(|error| Error::of(error, idle))? {
            if limit < (content.len() + chunk.len()) as u64 {
                return Err(Error::TooLarge { limit });
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    }

    /// Answers the client, made when it is first needed: reading the system's roots takes some milliseconds.
    async fn http(&self) -> Result<&reqwest::Client, Error> {
        self.http.get_or_try_init(|| async { self.build() }).await
    }

    fn build(&self) -> Result<reqwest::Client, Error> {
        let broken = |error: &dyn std::fmt::Display| {
            Error::Connection(format!("no client can be made: {error}"))
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| broken(&error))?
            .with_root_certificates(roots())
            .with_no_client_auth();
        let guard = Guard { policy: self.policy.clone(), lookup: self.lookup.clone() };
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(guard))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .referer(false)
            // Every request makes a connection of its own, whose address is judged.
            .pool_max_idle_per_host(0)
            .connect_timeout(self.limits.connect)
            .read_timeout(self.limits.idle)
            .user_agent(concat!("image-factory/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| broken(&error))
    }
}

/// Answers where a redirect leads; nothing if the response is none.
fn next(at: &Location, response: &Response) -> Result<Option<Location>, Error> {
    if ![301, 302, 303, 307, 308].contains(&response.status().as_u16()) {
        return Ok(None);
    }
    let named = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let bad = |to: String, why| Error::BadRedirect { to, why };
    let named = named.ok_or_else(|| bad("nowhere".to_owned(), "it names no URL"))?;
    let to = at.url().join(named).map_err(|_| bad("nowhere".to_owned(), "it names no URL"))?;
    let scheme = to.scheme().to_owned();
    let to =
        Location::of(to).map_err(|_| bad(format!("{scheme}:…"), "it leaves http and https"))?;
    if at.url().scheme() == "https" && to.url().scheme() != "https" {
        return Err(bad(to.to_string(), "it leads from https to http"));
    }
    // What the redirect itself names as credentials is the server's wish and not the user's.
    let credentials = if to.origin() == at.origin() { at.credentials().cloned() } else { None };
    Ok(Some(to.with_credentials(credentials)))
}

/// Answers the system's roots. A system without any can still be spoken to over http.
fn roots() -> rustls::RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's root certificates can't be read");
    }
    let mut roots = rustls::RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    if 0 < unusable || roots.is_empty() {
        tracing::warn!(unusable, usable = roots.len(), "root certificates are missing or unusable");
    }
    roots
}

/// Reads `Retry-After`: seconds, or a date.
fn delay(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(from: &str, to: &str) -> Result<Option<Location>, Error> {
        let response = axum::http::Response::builder().status(302).header("location", to);
        let response = Response::from(response.body("").unwrap());
        next(&Location::parse(from).unwrap(), &response)
    }

    #[test]
    fn no_redirect_leads_from_https_to_http() {
        let from = "https://me:pw@x.test/a/b";
        let error = hop(from, "http://x.test/").unwrap_err();
        assert!(error.to_string().ends_with("it leads from https to http"), "{error}");
        assert_eq!(hop(from, "c").unwrap().unwrap().url().as_str(), "https://x.test/a/c");
        assert!(hop(from, "c").unwrap().unwrap().credentials().is_some());
        assert!(hop(from, "https://x.test:8443/").unwrap().unwrap().credentials().is_none());
        assert!(hop("http://x.test/", "https://x.test/").unwrap().is_some());
    }

    #[test]
    fn a_server_may_say_when_to_come_back_in_seconds_or_by_date() {
        assert_eq!(delay(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(delay("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1000));
        assert!(delay(&soon).is_some_and(|delay| delay > Duration::from_secs(900)));
        assert_eq!(delay("soon"), None);
    }
}
