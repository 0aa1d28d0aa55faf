//! Which role a request needs, and the place where callers without it are sent away.

use super::address::Address;
use super::problem::{Problem, Wanted};
use super::receive::Receiver;
use super::{body, local_only, scheme};
use crate::access::oauth::{Header, Request as Signed};
use crate::access::{Authenticator, Credentials, Peer, Refused};
use crate::domain::{How, Principal, Role};
use crate::report::chain;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// Answers the role that a request needs; none: it needs no credentials.
fn needed(method: &Method, address: &Address) -> Option<Role> {
    match address {
        Address::Root
        | Address::OpenApi
        | Address::Docs
        | Address::Jeos
        | Address::NotImplemented => None,
        _ if method == Method::GET || method == Method::HEAD => Some(Role::Viewer),
        _ => Some(Role::Builder),
    }
}

/// The gate of the API. Cheap to clone.
#[derive(Clone)]
pub(super) struct Gate {
    authenticator: Authenticator,
    /// For forms whose signature is not checked yet. Not the API's own: who waits there must not be in the way here.
    forms: Receiver,
}

/// Lets a request through whose caller has the role that it needs.
pub(super) async fn admit(
    State(gate): State<Gate>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let wanted = Wanted::of(request.headers());
    match gate.admitted(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(wanted),
    }
}

impl Gate {
    pub(super) fn new(authenticator: Authenticator) -> Self {
        Self { authenticator, forms: Receiver::default() }
    }

    async fn admitted(&self, request: Request<Body>) -> Result<Request<Body>, Problem> {
        // What is not there needs no role: it is not found.
        let address = Address::parse(request.uri().path()).ok();
        let Some(role) = address.and_then(|address| needed(request.method(), &address)) else {
            return Ok(request);
        };
        let (principal, mut request) = self.identified(request).await?;
        guard(&principal, &request)?;
        if principal.role < role {
            return Err(too_small(&principal, role));
        }
        request.extensions_mut().insert(principal);
        Ok(request)
    }

    /// Answers who calls, and the request, whose body may have been read for that.
    async fn identified(
        &self,
        request: Request<Body>,
    ) -> Result<(Principal, Request<Body>), Problem> {
        let values = request.headers().get_all(header::AUTHORIZATION).iter();
        let credentials = Credentials::read(values.map(HeaderValue::as_bytes));
        let credentials = credentials.map_err(|refused| self.unknown(&refused))?;
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.ok_or_else(|| self.unknown(&Refused::Nobody))?;
        let (request, form) = match &credentials {
            Credentials::OAuth(header) => self.form(header, request).await?,
            _ => (request, Bytes::new()),
        };
        let signed = signed(&request, &form);
        let principal = self.authenticator.authenticate(&credentials, &peer, Some(&signed)).await;
        Ok((principal.map_err(|refused| self.unknown(&refused))?, request))
    }

    /// Reads the body if it is a form, for that is signed too; and puts it back.
    async fn form(
        &self,
        header: &Header,
        request: Request<Body>,
    ) -> Result<(Request<Body>, Bytes), Problem> {
        self.authenticator.expects(header).map_err(|refused| self.unknown(&refused))?;
        if !body::is_form(request.headers()) {
            return Ok((request, Bytes::new()));
        }
        let (parts, body) = request.into_parts();
        let received = self.forms.receive(&parts.headers, body).await?;
        let form = received.bytes.clone();
        Ok((Request::from_parts(parts, received.into_body()), form))
    }

    fn unknown(&self, refused: &Refused) -> Problem {
        let (status, reason) = match refused {
            Refused::Store(error) => {
                tracing::error!(error = %chain(error), "the store failed a request");
                (StatusCode::INTERNAL_SERVER_ERROR, "STORE")
            }
            Refused::Busy => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            _ => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        };
        let problem = Problem::new(status, reason, refused.to_string());
        if status != StatusCode::UNAUTHORIZED {
            return problem;
        }
        let challenges = self.authenticator.challenges().iter();
        challenges.fold(problem, |problem, challenge| {
            problem.challenge(HeaderValue::from_static(challenge))
        })
    }
}

/// Refuses who may be a web page in the browser of somebody who is let in without saying anything: anybody on this machine,
/// and whoever has a certificate. Under TLS no page can give its own name to this server, for the browser would find another
/// in the certificate; so there the name need not be local.
fn guard(principal: &Principal, request: &Request<Body>) -> Result<(), Problem> {
    let tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
    match principal.how {
        How::Token | How::OAuth => Ok(()),
        How::Certificate => local_only::check_origin(request.headers(), tls),
        How::Anonymous => {
            let authority = request.uri().authority().map(|name| name.as_str());
            local_only::check_host(request.headers(), authority)?;
            local_only::check_origin(request.headers(), tls)
        }
    }
}

/// Answers what a signature signs.
fn signed<'a>(request: &'a Request<Body>, form: &'a [u8]) -> Signed<'a> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(|authority| authority.as_str());
    Signed {
        method: request.method().as_str(),
        tls: scheme::is_https(request.extensions(), request.headers()),
        host: authority.or(host).unwrap_or_default(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        form,
    }
}

fn too_small(principal: &Principal, needed: Role) -> Problem {
    let message =
        format!("{} has the role {}; this takes {needed}", principal.name, principal.role);
    Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_for_viewers_changing_for_builders_and_what_all_may_know_for_all() {
        let role = |method: Method, path: &str| {
            let address = Address::parse(&format!("/imagefactory{path}")).unwrap();
            needed(&method, &address)
        };
        for path in ["", "/openapi.json", "/docs", "/jeos", "/jeos/images", "/targets"] {
            assert_eq!(role(Method::GET, path), None, "{path}");
        }
        for path in ["/base_images", "/base_images/x", "/plugins", "/plugins/x"] {
            assert_eq!(role(Method::GET, path), Some(Role::Viewer), "{path}");
            assert_eq!(role(Method::HEAD, path), Some(Role::Viewer), "{path}");
        }
        for path in ["/target_images/x/raw_image", "/provider_images/x/events"] {
            assert_eq!(role(Method::GET, path), Some(Role::Viewer), "{path}");
        }
        assert_eq!(role(Method::POST, "/base_images"), Some(Role::Builder));
        assert_eq!(role(Method::POST, "/base_images/x/cancel"), Some(Role::Builder));
        assert_eq!(role(Method::DELETE, "/whatever/x"), Some(Role::Builder));
    }
}
