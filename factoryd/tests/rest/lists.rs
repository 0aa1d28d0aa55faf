//! Lists, page by page; and what the API says of itself.

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

#[tokio::test]
async fn the_api_describes_itself_to_programs_and_people() {
    let server = Server::start(Script::default()).await;
    let document = server.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let path =
        "/imagefactory/base_images/{base_image_id}/target_images/{target_image_id}/provider_images";
    assert!(document["paths"][path]["post"].is_object());
    let page = server.send("GET /imagefactory/docs", &["Accept: text/html"], b"").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=UTF-8")));
    assert!(page.text().contains("openapi.json"));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
