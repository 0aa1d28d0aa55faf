//! Image Factory's REST API, version 2, and what it lacked. It translates and decides nothing.
//!
//! Addresses, bodies and answers are those of Image Factory 1.1.11, so that its clients need not change:
//!
//! ```text
//! request ─► who calls 401 403 ─► address ─► method 405 ─► Accept 406 ─► body 400 413 415 ─► facade ─► answer
//! ```
//!
//! As there, a create request that is well-formed is answered 202, and what is wrong with its content (the template, an
//! operating system or target that nobody serves) is found at the image, which is then FAILED. Where this differs:
//! * What is unknown is 404, a body that can't be read 400; both were 500 there in places. XML is no longer spoken.
//! * A message is `text/plain`, for it may quote the request, or a problem document (RFC 9457) for who accepts
//!   `application/problem+json`.
//! * An image from which others were made, or which is being worked on, is not deleted: 409.
//! * A deleted image is 404, as there; `?deleted=true` shows its record.
//!
//! Beyond it: `…/ID/events`, `…/ID/cancel`, `limit`, `offset` and filters on lists, `ETag`, `/imagefactory/openapi.json` and
//! `/imagefactory/docs`, which shows it.
//!
//! **Invariant:** a caller who hangs up ends nothing. Nothing is created for a request that is answered 4xx or 5xx.

mod access;
mod address;
mod body;
mod cancel;
mod create;
mod delete;
mod event_view;
mod events;
mod file;
mod image_view;
mod list;
mod local_only;
mod openapi;
mod plugins;
mod problem;
mod query;
mod range;
mod read;
mod receive;
mod scheme;
mod server;

pub use body::fields;
pub use plugins::{DescribePlugin, ListPlugins, Plugin, Takes};
pub use server::{Options, serve};

use self::access::Gate;
use self::address::{Address, word};
use self::problem::{Problem, Wanted};
use self::query::Query;
use self::receive::Receiver;
use crate::access::Authenticator;
use crate::domain::{Image, ImageId, Kind, Principal, Status};
use crate::factory::{Error, Factory};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

type Answer = Result<Response, Problem>;

/// Answers the body of a callback: the image as it was then.
pub fn callback_body(image: &Image) -> Vec<u8> {
    image_view::told(image).to_string().into_bytes()
}

/// The REST API of a factory. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    factory: Factory,
    plugins: ListPlugins,
    describe: Option<DescribePlugin>,
    stop: CancellationToken,
    receiver: Receiver,
}

/// What handlers need of a request besides its body.
struct Head {
    /// `http://HOST` or `https://HOST`, or nothing if the client did not say.
    origin: String,
    path: String,
    query: Query,
    headers: HeaderMap,
}

impl Api {
    /// Serves a factory until `stop` fires; watchers are then sent home.
    pub fn new(factory: Factory, plugins: ListPlugins, stop: CancellationToken) -> Self {
        Self { factory, plugins, describe: None, stop, receiver: Receiver::default() }
    }

    /// Shows what plugins take.
    pub fn with_description(self, describe: DescribePlugin) -> Self {
        Self { describe: Some(describe), ..self }
    }

    /// Answers the service, for callers whom the authenticator knows. Connections put their
    /// [`Peer`](crate::access::Peer) into the extensions of requests.
    pub fn into_router(self, authenticator: Authenticator) -> Router {
        let guard = axum::middleware::from_fn_with_state(Gate::new(authenticator), access::admit);
        Router::new().fallback(answer).with_state(self).layer(guard)
    }

    async fn dispatch(&self, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let address = Address::parse(parts.uri.path())?;
        let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
        address.require(&method)?;
        problem::require_accept(&parts.headers, &address)?;
        let head = Head {
            origin: origin(&parts),
            path: parts.uri.path().to_owned(),
            query: Query::parse(parts.uri.query().unwrap_or_default())?,
            headers: parts.headers,
        };
        match (method, address) {
            (Method::POST, Address::Images { kind, parents }) => {
                let caller = parts.extensions.get::<Principal>();
                let caller = caller.map_or("", |principal| &principal.name);
                let api = Self { factory: self.factory.clone().called_by(caller), ..self.clone() };
                api.create(&head, kind, parents, body).await
            }
            (Method::POST, Address::Cancel { kind, id }) => self.cancel(&head, kind, &id).await,
            (Method::DELETE, Address::Image { id, .. }) => self.delete(&head, &id, body).await,
            (_, address) => self.get(&head, address).await,
        }
    }

    async fn get(&self, head: &Head, address: Address) -> Answer {
        match address {
            Address::Root => Ok(json_answer(StatusCode::OK, &about())),
            Address::OpenApi => Ok(json_answer(StatusCode::OK, &openapi::document())),
            Address::Docs => Ok(openapi::page()),
            Address::Images { kind, parents } => self.list(head, kind, parents.last()).await,
            Address::Image { kind: Some(kind), id } => self.show(head, kind, &id).await,
            Address::RawImage { id } => self.raw_image(head, &id).await,
            Address::Events { kind, id } => self.events(head, kind, &id).await,
            Address::Plugins => Ok(self.list_plugins(head)),
            Address::Plugin { name } => self.show_plugin(head, &name).await,
            Address::Jeos => Ok(json_answer(StatusCode::OK, &json!({}))),
            Address::NotImplemented => Err(Problem::not_implemented(&head.path)),
            Address::Image { kind: None, .. } | Address::Cancel { .. } => {
                Err(Problem::no_such_address(&head.path))
            }
        }
    }

    /// Answers an image as its collection shows it; a deleted one only if `deleted` are wanted.
    async fn find(&self, kind: Kind, id: &str, deleted: bool) -> Result<Image, Problem> {
        let missing = || Problem::not_found(word(kind).type_name, id);
        let parsed = ImageId::parse(id).map_err(|_| missing())?;
        match self.factory.image(&parsed).await {
            Ok(image) if image.kind != kind => Err(missing()),
            Ok(image) if image.status == Status::Deleted && !deleted => Err(missing()),
            Ok(image) => Ok(image),
            Err(Error::NotFound(_)) => Err(missing()),
            Err(error) => Err(Problem::of(&error)),
        }
    }
}

async fn answer(State(api): State<Api>, request: Request<Body>) -> Response {
    let wanted = Wanted::of(request.headers());
    match api.dispatch(request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(wanted),
    }
}

/// What clients of Image Factory look at to find out whom they talk to.
fn about() -> Value {
    json!({ "name": "imagefactory", "version": env!("CARGO_PKG_VERSION"), "api_version": "2.0" })
}

fn json_answer(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// How the client called this server: `http://HOST` or `https://HOST`; nothing if it did not say.
fn origin(parts: &Parts) -> String {
    let tls = scheme::is_https(&parts.extensions, &parts.headers);
    let scheme = if tls { "https" } else { "http" };
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}
