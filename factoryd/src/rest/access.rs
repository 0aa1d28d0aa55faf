//! Which role a request needs, and the place where callers without it are sent away.

use super::address::Address;
use super::local_only;
use super::problem::{Problem, Wanted};
use crate::access::{Authenticator, Peer, Refused};
use crate::domain::{How, Principal, Role};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, StatusCode};
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

/// Lets a request through whose caller has the role that it needs.
pub(super) async fn admit(
    State(authenticator): State<Authenticator>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let wanted = Wanted::of(request.headers());
    match admitted(&authenticator, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(wanted),
    }
}

async fn admitted(
    authenticator: &Authenticator,
    request: Request<Body>,
) -> Result<Request<Body>, Problem> {
    // What is not there needs no role: it is not found.
    let address = Address::parse(request.uri().path()).ok();
    let Some(role) = address.and_then(|address| needed(request.method(), &address)) else {
        return Ok(request);
    };
    let principal = identified(authenticator, &request)?;
    if principal.how == How::Anonymous {
        let authority = request.uri().authority().map(|name| name.as_str());
        local_only::check(request.headers(), authority)?;
    }
    if principal.role < role {
        return Err(too_small(&principal, role));
    }
    Ok(request)
}

fn identified(
    authenticator: &Authenticator,
    request: &Request<Body>,
) -> Result<Principal, Problem> {
    let peer = request.extensions().get::<Peer>().ok_or_else(|| unknown(&Refused::Nobody))?;
    authenticator.by_connection(peer).map_err(|refused| unknown(&refused))
}

fn unknown(refused: &Refused) -> Problem {
    let bearer = HeaderValue::from_static("Bearer realm=\"factory\"");
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", refused.to_string());
    problem.challenge(bearer)
}

fn too_small(principal: &Principal, needed: Role) -> Problem {
    let message = format!("{} is a {}; this takes a {needed}", principal.name, principal.role);
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
