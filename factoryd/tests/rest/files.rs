//! The files of images: whole, in part, or not at all because the client has them.

use crate::client::Server;
use crate::fake::Script;

async fn with_image() -> (Server, String) {
    let server = Server::start(Script::default()).await;
    let id = server.world.base().await.id;
    server.world.settled(&id).await;
    let line = format!("GET /imagefactory/base_images/{id}/raw_image");
    (server, line)
}

#[tokio::test]
async fn a_file_is_sent_with_its_name_its_tag_and_its_age() {
    let (server, line) = with_image().await;
    let reply = server.send(&line, &["Accept: text/html"], b"").await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "base disk"));
    assert_eq!(reply.header("content-length"), Some("9"));
    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    let name = reply.header("content-disposition").unwrap();
    assert!(name.starts_with("attachment; filename=\"") && name.ends_with(".body\""), "{name}");
    assert_eq!(reply.header("etag").unwrap().len(), 66, "SHA-256 in quotes");
    assert!(reply.header("last-modified").is_some());
}

#[tokio::test]
async fn a_part_of_a_file_is_sent_if_it_exists() {
    let (server, line) = with_image().await;
    let cases = [
        ("bytes=0-3", 206, "base", Some("bytes 0-3/9")),
        ("bytes=5-", 206, "disk", Some("bytes 5-8/9")),
        ("bytes=-4", 206, "disk", Some("bytes 5-8/9")),
        ("bytes=9-", 416, "", Some("bytes */9")),
        ("bytes=0-0,2-2", 200, "base disk", None),
        ("pages=1", 200, "base disk", None),
    ];
    for (range, status, body, content_range) in cases {
        let reply = server.send(&line, &[&format!("Range: {range}")], b"").await;
        assert_eq!((reply.status, reply.text().as_str()), (status, body), "{range}");
        assert_eq!(reply.header("content-range"), content_range, "{range}");
    }
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent() {
    let (server, line) = with_image().await;
    let first = server.send(&line, &[], b"").await;
    let (tag, date) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    for condition in [format!("If-None-Match: {tag}"), format!("If-Modified-Since: {date}")] {
        let reply = server.send(&line, &[&condition], b"").await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{condition}");
        assert_eq!(reply.header("etag"), Some(tag));
    }
    let old = ["Range: bytes=5-", "If-Range: \"another version\""];
    let reply = server.send(&line, &old, b"").await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "base disk"));
}

#[tokio::test]
async fn an_image_is_sent_again_only_if_something_about_it_changed() {
    let (server, line) = with_image().await;
    let line = line.trim_end_matches("/raw_image");
    let first = server.send(line, &[], b"").await;
    let condition = format!("If-None-Match: {}", first.header("etag").unwrap());
    let again = server.send(line, &[&condition], b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let id = factoryd::domain::ImageId::parse(&first.id()).unwrap();
    let target = server.world.target(&id, "fake").await;
    let changed = server.send(line, &[&condition], b"").await;
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains(target.id.as_str()), "it has a child now");
}
