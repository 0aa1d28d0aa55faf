//! Requests that no honest client sends. Each gets its status; nothing is created, nothing hangs.

use crate::client::{Reply, Server};
use crate::fake::Script;
use factoryd::rest::Options;
use serde_json::json;
use std::time::Duration;

const JSON: &str = "Content-Type: application/json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const PARTS: &str = "Content-Type: multipart/form-data; boundary=XX";

async fn post(server: &Server, header: &str, body: &[u8]) -> Reply {
    server.send("POST /imagefactory/base_images", &[header], body).await
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_400_and_create_nothing() {
    let server = Server::start(Script::default()).await;
    let deep = |open: &str| format!("{{\"base_image\":{}", open.repeat(100_000));
    let deep_form = format!("template=x&parameters={}", "[".repeat(100_000));
    let crowded = "a=1&".repeat(1000);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        (JSON, b"{\"base_image\":{\"template\":\"\xff\xfe\"}}".to_vec()),
        (JSON, b"\x00".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":\"\\ud800\"}}".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":\"x\"}} more".to_vec()),
        (JSON, b"null".to_vec()),
        (JSON, b"\"base_image\"".to_vec()),
        (JSON, b"{\"base_image\":[1]}".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":1}}".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":[\"x\"]}}".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":\"x\",\"parameters\":[]}}".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":\"x\",\"parameters\":\"{}\"}}".to_vec()),
        (JSON, b"{\"base_image\":{\"template\":\"x\",\"parameters\":{\"n\":1e999}}}".to_vec()),
        (JSON, deep("[").into_bytes()),
        (JSON, deep("{\"a\":").into_bytes()),
        (FORM, b"template=%ff".to_vec()),
        (FORM, b"template=\xff".to_vec()),
        (FORM, b"template=x&parameters=1".to_vec()),
        (FORM, b"template=x&parameters={".to_vec()),
        (FORM, deep_form.into_bytes()),
        (FORM, crowded.into_bytes()),
        (FORM, b"&&&".to_vec()),
        (PARTS, b"no parts at all".to_vec()),
        (PARTS, b"--XX\r\nContent-Disposition: form-data; name=\"template\"\r\n\r\nx".to_vec()),
        (PARTS, b"--XX\r\n\r\n\xff\r\n--XX--\r\n".to_vec()),
        ("Content-Type: multipart/form-data", b"--XX--".to_vec()),
        ("X-Nothing: 1", b"{}".to_vec()),
    ];
    for (header, body) in bodies {
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = post(&server, header, &body).await;
        assert_eq!(reply.status, 400, "{header}: {start}: {}", reply.text());
        assert!(reply.body.len() < 1000, "{header}: {start}");
    }
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn what_cannot_be_read_by_its_type_is_415() {
    let server = Server::start(Script::default()).await;
    for types in [
        vec!["Content-Type: text/xml"],
        vec!["Content-Type: text/plain"],
        vec!["Content-Type: nonsense"],
        vec![JSON, "Content-Encoding: gzip"],
    ] {
        let reply = server.send("POST /imagefactory/base_images", &types, b"{}").await;
        assert_eq!(reply.status, 415, "{types:?}");
    }
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn ten_megabytes_are_read_and_refused_and_twenty_are_not_read() {
    let server = Server::start(Script::default()).await;
    let junk = format!("{{\"junk\":\"{}\"}}", "x".repeat(10_000_000));
    let reply = post(&server, JSON, junk.as_bytes()).await;
    assert_eq!((reply.status, reply.text().as_str()), (400, "base_image not found in request."));
    assert_eq!(server.count().await, 0);
    let announced = format!(
        "POST /imagefactory/base_images HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nContent-Length: 20000000\r\n\
         Connection: close\r\n\r\n{{"
    );
    let reply = Reply::parse(&server.raw(announced.as_bytes()).await);
    assert_eq!(reply.status, 413, "what is too large by its own account is not waited for");
    let large = format!("{{\"base_image\":{{\"template\":\"{}\"}}}}", "x".repeat(10_000_000));
    assert_eq!(post(&server, JSON, large.as_bytes()).await.status, 202);
    let kept = server.world.all().await;
    assert_eq!((kept.len(), kept[0].template_xml.len()), (1, 0), "no valid template is as long");
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let server = Server::start(Script::default()).await;
    for (path, status) in [
        ("/imagefactory/base_images/..", 404),
        ("/imagefactory/base_images/../../etc/passwd", 404),
        ("/imagefactory/base_images/%2e%2e%2f%2e%2e%2fetc%2fpasswd/raw_image", 404),
        ("/imagefactory/base_images/%00", 404),
        ("/imagefactory/base_images/%ff", 400),
        ("/imagefactory/plugins/..%2f..", 404),
        ("/imagefactory/base_images//raw_image", 404),
        ("//imagefactory/base_images", 404),
        ("/", 404),
        ("/imagefactory/base_images?limit=%ff", 400),
        ("/imagefactory/base_images?offset=-1", 400),
        ("/imagefactory/base_images?limit=1e3", 400),
    ] {
        let reply = server.send(&format!("GET {path}"), &[], b"").await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"), "{path}");
    }
    let long = format!("GET /imagefactory/base_images/{}", "x".repeat(20_000));
    let reply = server.send(&long, &[], b"").await;
    assert_eq!(reply.status, 404);
    assert!(reply.body.len() < 300, "it is not repeated at length");
}

#[tokio::test]
async fn names_with_a_nul_are_refused() {
    let server = Server::start(Script::default()).await;
    let id = server.world.base().await.id;
    let target = json!({ "target_image": { "target": "a\0b", "base_image_id": id.as_str() } });
    assert_eq!(server.post("/target_images", &target).await.status, 400);
    let push =
        json!({ "provider_image": { "provider": "a\0b", "credentials": "c", "target": "fake" } });
    assert_eq!(server.post("/provider_images", &push).await.status, 400);
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn only_this_machine_may_call_and_no_page_of_elsewhere() {
    let server = Server::start(Script::default()).await;
    let ask = async |host: &str, more: &str| {
        let request = format!(
            "POST /imagefactory/base_images HTTP/1.1\r\nHost: {host}\r\n{more}{FORM}\r\nContent-Length: 10\r\n\
             Connection: close\r\n\r\ntemplate=x"
        );
        Reply::parse(&server.raw(request.as_bytes()).await).status
    };
    assert_eq!(ask("rebound.example.org:8075", "").await, 421);
    assert_eq!(ask("localhost", "Origin: http://example.org\r\n").await, 403);
    assert_eq!(ask("localhost", "Origin: null\r\n").await, 403);
    assert_eq!(server.count().await, 0);
    assert_eq!(ask("localhost:1", "Origin: http://localhost:1\r\n").await, 202);
}

#[tokio::test]
async fn requests_that_are_no_http_are_answered_or_dropped() {
    let server = Server::start(Script::default()).await;
    let many = format!("GET /imagefactory HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
    let requests: [(&[u8], &str); 5] = [
        (b"nonsense\r\n\r\n", "400"),
        (b"GET /imagefactory HTTP/1.1\r\nbad header\r\n\r\n", "400"),
        (b"POST /imagefactory/base_images HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"),
        (b"GET /\xff HTTP/1.1\r\nConnection: close\r\n\r\n", "40"),
        (many.as_bytes(), "431"),
    ];
    for (request, status) in requests {
        let answer = String::from_utf8_lossy(&server.raw(request).await).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert_eq!(server.get("").await.status, 200, "others are still served");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_dropped() {
    let options = Options { header_deadline: Duration::from_millis(50), connections_max: 1 };
    let server = Server::start_with(Script::default(), options).await;
    assert_eq!(server.raw(b"").await, b"");
    assert_eq!(server.raw(b"GET /imagefactory HTTP/1.1\r\nHost: loc").await, b"");
    assert_eq!(server.get("").await.status, 200, "its place is free again");
}
