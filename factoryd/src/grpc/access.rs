//! Which role a call needs, and the layer where callers without it are sent away.

use super::status::{forbidden, unauthenticated};
use crate::access::{Authenticator, Credentials, Peer, Refused};
use crate::domain::{Principal, Role};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tower::{Layer, Service};

/// What needs no credentials: health and reflection.
const OPEN: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// The methods of the API, by the role that they need. Any other takes an admin, should there be one.
const METHODS: [(Role, &[&str]); 3] = [
    (
        Role::Viewer,
        &[
            "/factory.v1.Factory/DescribePlugin",
            "/factory.v1.Factory/GetImage",
            "/factory.v1.Factory/ListImages",
            "/factory.v1.Factory/ListPlugins",
            "/factory.v1.Factory/ListResources",
            "/factory.v1.Factory/ListSteps",
            "/factory.v1.Factory/Watch",
        ],
    ),
    (
        Role::Builder,
        &[
            "/factory.v1.Factory/Cancel",
            "/factory.v1.Factory/CreateBaseImage",
            "/factory.v1.Factory/CreateProviderImage",
            "/factory.v1.Factory/CreateTargetImage",
            "/factory.v1.Factory/Delete",
            "/factory.v1.Factory/Reap",
            "/factory.v1.Factory/Retry",
        ],
    ),
    (
        Role::Admin,
        &[
            "/factory.v1.Maintenance/CheckStore",
            "/factory.v1.Maintenance/Prune",
            "/factory.v1.Factory/AcceptPlugins",
            "/factory.v1.Tokens/CreateToken",
            "/factory.v1.Tokens/ListTokens",
            "/factory.v1.Tokens/RevokeToken",
        ],
    ),
];

/// Answers the role that a call needs; none: it needs no credentials.
fn needed(path: &str) -> Option<Role> {
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return None;
    }
    let found = METHODS.iter().find(|(_, methods)| methods.contains(&path));
    Some(found.map_or(Role::Admin, |(role, _)| *role))
}

/// The layer around all services of a daemon.
#[derive(Debug, Clone)]
pub struct Guard {
    authenticator: Authenticator,
}

/// A service behind a [`Guard`].
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    guard: Guard,
}

impl Guard {
    /// Lets callers through whom the authenticator knows, as far as their role goes.
    pub fn new(authenticator: Authenticator) -> Self {
        Self { authenticator }
    }

    async fn admit(&self, request: Attempt) -> Result<Option<Principal>, Status> {
        let Some(role) = needed(&request.path) else { return Ok(None) };
        let principal = self.identified(request).await;
        let principal = principal.map_err(|refused| unauthenticated(&refused))?;
        if principal.role < role { Err(forbidden(&principal, role)) } else { Ok(Some(principal)) }
    }

    async fn identified(&self, request: Attempt) -> Result<Principal, Refused> {
        let peer = request.peer.ok_or(Refused::Nobody)?;
        self.authenticator.authenticate(&request.credentials?, &peer, None).await
    }
}

/// What of a call says who calls.
struct Attempt {
    path: String,
    credentials: Result<Credentials, Refused>,
    peer: Option<Peer>,
}

impl Attempt {
    fn of(request: &Request<Body>) -> Self {
        let values = request.headers().get_all(AUTHORIZATION).iter();
        Self {
            path: request.uri().path().to_owned(),
            credentials: Credentials::read(values.map(HeaderValue::as_bytes)),
            peer: request.extensions().get::<Peer>().cloned(),
        }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, guard: self.clone() }
    }
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send> + Clone + Send + 'static,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let guard = self.guard.clone();
        // The one that is ready is the one that is called.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let attempt = Attempt::of(&request);
        Box::pin(async move {
            match guard.admit(attempt).await {
                Ok(principal) => {
                    principal.map(|principal| request.extensions_mut().insert(principal));
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    #[test]
    fn every_method_of_the_api_has_its_role() {
        let files = FileDescriptorSet::decode(factory_proto::DESCRIPTORS).unwrap().file;
        let known: Vec<&str> = METHODS.iter().flat_map(|(_, methods)| *methods).copied().collect();
        let services = files.iter().filter(|file| file.package() == "factory.v1");
        let services = services.flat_map(|file| &file.service);
        let named = services.flat_map(|service| {
            let path = |method: &str| format!("/factory.v1.{}/{method}", service.name());
            service.method.iter().map(move |method| path(method.name()))
        });
        let named: Vec<String> = named.collect();
        let lacking: Vec<_> = named.iter().filter(|name| !known.contains(&name.as_str())).collect();
        assert!(lacking.is_empty(), "say in METHODS who may call {lacking:?}");
        assert_eq!(named.len(), known.len(), "METHODS has some that are gone");
    }

    #[test]
    fn health_and_reflection_are_for_all_and_what_is_unknown_for_admins() {
        assert_eq!(needed("/grpc.health.v1.Health/Check"), None);
        let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        assert_eq!(needed(reflection), None);
        assert_eq!(needed("/factory.v1.Factory/Watch"), Some(Role::Viewer));
        assert_eq!(needed("/factory.v1.Factory/Delete"), Some(Role::Builder));
        assert_eq!(needed("/factory.v1.Tokens/CreateToken"), Some(Role::Admin));
    }
}
