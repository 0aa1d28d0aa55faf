//! Following images.

use crate::client::{Reply, Server};
use crate::fake::Script;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

fn cursors(page: &Value) -> Vec<u64> {
    page["events"].as_array().unwrap().iter().map(|e| e["cursor"].as_u64().unwrap()).collect()
}

async fn page(server: &Server, id: &str, query: &str) -> Value {
    let reply = server.get(&format!("/base_images/{id}/events?{query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

async fn stream(server: &Server, id: &str, headers: &[&str]) -> Reply {
    let headers = [headers, &["Accept: text/event-stream"]].concat();
    server.send(&format!("GET /imagefactory/base_images/{id}/events"), &headers, b"").await
}

#[tokio::test]
async fn pages_of_events_join_without_a_gap() {
    let server = Server::start(Script::default()).await;
    let id = server.world.base().await.id;
    let (_, events) = server.world.settled(&id).await;
    let all: Vec<u64> = events.iter().map(|event| event.cursor).collect();
    let (mut read, mut next, mut settled) = (Vec::new(), 0, false);
    while !settled {
        let page = page(&server, id.as_str(), &format!("after={next}&limit=2")).await;
        read.extend(cursors(&page));
        next = page["next"].as_u64().unwrap();
        settled = page["settled"].as_bool().unwrap();
    }
    assert_eq!(read, all);
    let first = page(&server, id.as_str(), "limit=1").await["events"][0].clone();
    let expected = json!({ "type": "status", "from": "NEW", "to": "NEW", "error": null });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&first[key], value, "{first}");
    }
}

#[tokio::test]
async fn a_long_poll_waits_for_the_next_event() {
    let go_on = Arc::new(Notify::new());
    let script = Script { hold_base: Some(go_on.clone()), ..Script::default() };
    let server = Server::start(script).await;
    let id = server.world.base().await.id;
    server.world.until(&id, factoryd::domain::Status::Building).await;
    let now = page(&server, id.as_str(), "after=0&wait=1").await;
    assert_eq!(now["settled"], false, "what there is comes at once");
    go_on.notify_one();
    let mut page = now;
    while page["settled"] == false {
        let query = format!("after={}&wait=20", page["next"]);
        page = self::page(&server, id.as_str(), &query).await;
    }
    let after = format!("after={}&wait=20", page["next"]);
    let end = self::page(&server, id.as_str(), &after).await;
    assert_eq!((end["events"].clone(), end["settled"].clone()), (json!([]), json!(true)));
}

#[tokio::test]
async fn a_stream_has_every_event_and_ends_with_the_image() {
    let server = Server::start(Script::default()).await;
    let id = server.world.base().await.id;
    let reply = stream(&server, id.as_str(), &[]).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
    let (_, events) = server.world.settled(&id).await;
    let text = reply.text();
    let ids: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .map(|id| id.parse().unwrap())
        .collect();
    assert_eq!(ids, events.iter().map(|event| event.cursor).collect::<Vec<_>>());
    assert!(text.ends_with("event: end\ndata: {}\n\n"), "{text}");
    assert!(text.contains("\"to\":\"COMPLETE\""), "{text}");
}

#[tokio::test]
async fn a_browser_that_comes_back_gets_the_rest_and_then_nothing() {
    let server = Server::start(Script::default()).await;
    let id = server.world.base().await.id;
    let (image, events) = server.world.settled(&id).await;
    let seen = format!("Last-Event-ID: {}", events[events.len() - 2].cursor);
    let rest = stream(&server, id.as_str(), &[&seen]).await;
    assert_eq!(rest.text().matches("id: ").count(), 1);
    let all = format!("Last-Event-ID: {}", image.last_cursor);
    assert_eq!(stream(&server, id.as_str(), &[&all]).await.status, 204);
}

#[tokio::test]
async fn the_end_of_the_server_sends_watchers_home() {
    let hold = Script { hold_base: Some(Arc::new(Notify::new())), ..Script::default() };
    let mut server = Server::start(hold).await;
    let id = server.world.base().await.id;
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET /imagefactory/base_images/{id}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.read_exact(&mut [0; 9]).await.unwrap();
    server.stop.cancel();
    let mut rest = String::new();
    connection.read_to_string(&mut rest).await.unwrap();
    assert!(!rest.contains("event: end"), "the image has not ended: {rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "the answer is whole: {rest}");
    server.tasks.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_cancelled_build_ends_failed() {
    let hold = Script { hold_base: Some(Arc::new(Notify::new())), ..Script::default() };
    let server = Server::start(hold).await;
    let id = server.world.base().await.id;
    server.world.until(&id, factoryd::domain::Status::Building).await;
    let reply = server.post(&format!("/base_images/{id}/cancel"), &json!({})).await;
    assert_eq!((reply.status, reply.id().as_str()), (202, id.as_str()));
    server.world.settled(&id).await;
    let image = server.get(&format!("/base_images/{id}")).await.json();
    assert_eq!(image["base_image"]["status"], "FAILED");
    assert_eq!(image["base_image"]["status_detail"]["error"], "cancelled");
    let wrong = server.post(&format!("/target_images/{id}/cancel"), &json!({})).await;
    assert_eq!(wrong.status, 404);
}
