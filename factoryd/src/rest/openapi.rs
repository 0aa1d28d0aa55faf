//! The description of this API for programs: OpenAPI 3.1. What is sent and answered is in `openapi.json`; where, is here.
//! Forms are not described: programs that read descriptions write JSON.

use super::address::{Word, word};
use crate::domain::Kind;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

const BASES: &str = "/base_images";
const TARGETS_OF_BASE: &str = "/base_images/{base_image_id}/target_images";
const PROVIDERS_OF_TARGET: &str = "/target_images/{target_image_id}/provider_images";
const PROVIDERS_OF_BOTH: &str =
    "/base_images/{base_image_id}/target_images/{target_image_id}/provider_images";

/// What the page may do: run its own script, and ask this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; frame-ancestors 'none'";

/// Answers a page that shows the document to a person.
pub(super) fn page() -> Response {
    let mut response = Response::new(Body::from(include_str!("docs.html")));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

/// Answers the document.
pub(super) fn document() -> Value {
    let mut document: Value =
        serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["paths"] = Value::Object(paths());
    document
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for (path, item) in [
        ("", json!({ "get": read("About", &[]) })),
        (
            "/openapi.json",
            json!({ "get": { "responses": {
            "200": { "description": "This.", "content": { "application/json": {} } } } } }),
        ),
        ("/plugins", json!({ "get": read("Plugins", &[]) })),
        ("/plugins/{name}", json!({ "parameters": [plugin_name()], "get": read("Plugin", &[]) })),
        ("/jeos", json!({ "get": nothing_there() })),
        ("/jeos/images", json!({ "get": nothing_there() })),
    ] {
        paths.insert(format!("/imagefactory{path}"), item);
    }
    let collections = [
        (Kind::Base, BASES),
        (Kind::Target, "/target_images"),
        (Kind::Target, TARGETS_OF_BASE),
        (Kind::Provider, "/provider_images"),
        (Kind::Provider, PROVIDERS_OF_TARGET),
        (Kind::Provider, PROVIDERS_OF_BOTH),
    ];
    for (kind, path) in collections {
        add_collection(&mut paths, word(kind), path);
    }
    paths
}

fn add_collection(paths: &mut Map<String, Value>, word: &Word, path: &str) {
    let mut parents = Vec::new();
    for name in ["base_image_id", "target_image_id"] {
        if path.contains(name) {
            parents.push(parameter(name));
        }
    }
    let type_name = word.type_name;
    let mut collection = json!({ "parameters": parents, "post": create(word, path) });
    if path != PROVIDERS_OF_BOTH {
        let filters = ["limit", "offset", "status", "target", "provider", "name", "deleted"];
        collection["get"] = read(&format!("{type_name}s"), &filters);
    }
    paths.insert(format!("/imagefactory{path}"), collection);
    parents.push(parameter("id"));
    let own = [
        ("", json!({ "get": show(word), "delete": delete(word) })),
        ("/raw_image", json!({ "get": raw_image() })),
        ("/events", json!({ "get": events() })),
        ("/cancel", json!({ "post": answers("202", &format!("{type_name}Created"), &[]) })),
    ];
    for (below, mut item) in own {
        item["parameters"] = json!(parents);
        paths.insert(format!("/imagefactory{path}/{{id}}{below}"), item);
    }
}

/// Below no other image, a body must say from what the image is made.
fn create(word: &Word, path: &str) -> Value {
    let mut fields = vec![reference("schemas", &format!("{}Fields", word.type_name))];
    if word.kind != Kind::Base && !path.contains('{') {
        fields.push(reference("schemas", &format!("{}Source", word.type_name)));
    }
    let fields = json!({ "allOf": fields });
    let wrapped =
        json!({ "type": "object", "required": [word.key], "properties": { word.key: fields } });
    let mut operation = answers("202", &format!("{}Created", word.type_name), &[]);
    operation["requestBody"] = json!({ "required": true, "content": {
        "application/json": { "schema": wrapped } } });
    operation
}

fn show(word: &Word) -> Value {
    let mut operation = read(word.type_name, &["deleted", "if_none_match"]);
    operation["responses"]["304"] = json!({ "description": "The client has it." });
    operation
}

fn delete(word: &Word) -> Value {
    let account = json!({ "schema": reference("schemas", "Account") });
    json!({
        "parameters": [parameter("cascade")],
        "requestBody": {
            "required": word.kind == Kind::Provider, "content": { "application/json": account }
        },
        "responses": {
            "204": { "description": "It is being deleted." },
            "default": reference("responses", "Problem"),
        },
    })
}

fn raw_image() -> Value {
    let file = json!({ "application/octet-stream": {} });
    json!({
        "parameters": [parameter("range"), parameter("if_none_match")],
        "responses": {
            "200": { "description": "The file.", "content": file },
            "206": { "description": "A part of it.", "content": file },
            "304": { "description": "The client has it." },
            "416": { "description": "There is no such part.", "content": file },
            "default": reference("responses", "Problem"),
        },
    })
}

fn events() -> Value {
    let mut operation = read("Events", &["after", "wait", "limit", "logs"]);
    operation["responses"]["200"]["content"]["text/event-stream"] = json!({});
    operation["responses"]["204"] = json!({ "description": "Nothing more will come." });
    operation
}

fn read(schema: &str, parameters: &[&str]) -> Value {
    answers("200", schema, parameters)
}

fn answers(status: &str, schema: &str, parameters: &[&str]) -> Value {
    let content = json!({ "application/json": { "schema": reference("schemas", schema) } });
    json!({
        "parameters": parameters.iter().map(|name| parameter(name)).collect::<Vec<_>>(),
        "responses": {
            status: { "description": schema, "content": content },
            "default": reference("responses", "Problem"),
        },
    })
}

fn nothing_there() -> Value {
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    json!({ "responses": { "200": { "description": "None.", "content": content } } })
}

fn plugin_name() -> Value {
    json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

fn parameter(name: &str) -> Value {
    reference("parameters", name)
}

fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::*;
    use axum::http::Method;

    const ID: &str = "0192f3a4-5b6c-7d8e-9f01-23456789abcd";

    #[test]
    fn what_is_described_exists_and_nothing_else_does_there() {
        for (path, item) in paths() {
            let path = ["{id}", "{base_image_id}", "{target_image_id}", "{name}"]
                .iter()
                .fold(path, |path, name| path.replace(name, ID));
            let address = Address::parse(&path).unwrap_or_else(|_| panic!("{path}"));
            for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT] {
                let described = item.get(method.as_str().to_lowercase()).is_some();
                assert_eq!(address.require(&method).is_ok(), described, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut left = vec![&document];
        let mut seen = 0;
        while let Some(value) = left.pop() {
            match value {
                Value::Object(members) => left.extend(members.values()),
                Value::Array(items) => left.extend(items),
                Value::String(text) if text.starts_with("#/") => {
                    assert!(document.pointer(&text[1..]).is_some(), "{text}");
                    seen += 1;
                }
                _ => {}
            }
        }
        assert!(50 < seen, "{seen}");
    }
}
