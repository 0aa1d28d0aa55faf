//! Lists, page by page.

use crate::client::Server;
use crate::fake::Script;
use serde_json::Value;

#[tokio::test]
async fn pages_are_found_by_following_links() {
    let server = Server::start(Script::default()).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(server.world.base().await.id.to_string());
    }
    let mut listed = Vec::new();
    let mut next = Some("/imagefactory/base_images?name=t&limit=2".to_owned());
    while let Some(path) = next {
        let reply = server.send(&format!("GET {path}"), &[], b"").await;
        assert_eq!((reply.status, reply.header("x-total-count")), (200, Some("5")));
        let page = reply.json();
        let images = page["base_images"].as_array().unwrap();
        listed.extend(images.iter().map(|image| text(&image["base_image"]["id"])));
        let origin = format!("<http://{}", server.address);
        next = reply.header("link").map(|link| {
            link.strip_prefix(&origin).unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
    }
    assert_eq!(listed, made);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
