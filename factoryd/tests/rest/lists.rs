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
async fn a_list_without_a_limit_has_everything_however_long_it_is() {
    let server = Server::start(Script::default()).await;
    let mut made = Vec::new();
    for _ in 0..2001 {
        made.push(server.refuse_base().await.id.to_string());
    }
    for (path, expected) in [
        ("/base_images", &made[..]),
        ("/base_images?offset=1", &made[1..]),
        ("/base_images?offset=1001", &made[1001..]),
        ("/base_images?offset=2001", &[]),
        ("/base_images?limit=1000&offset=1000", &made[1000..2000]),
    ] {
        let reply = server.get(path).await;
        assert_eq!(reply.header("x-total-count"), Some("2001"), "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        let page = reply.json();
        let images = page["base_images"].as_array().unwrap();
        let listed: Vec<_> = images.iter().map(|it| text(&it["base_image"]["id"])).collect();
        assert!(listed == expected, "{path}: {} images", listed.len());
    }
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
