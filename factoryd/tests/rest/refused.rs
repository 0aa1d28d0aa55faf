//! Requests that are accepted and fail, as clients of Image Factory rely on.

use crate::client::Server;
use crate::fake::{Script, contents, template};
use factoryd::domain::ImageId;
use serde_json::{Value, json};

async fn failed(server: &Server, path: &str, body: &Value) -> Value {
    let reply = server.post(path, body).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let image = server.get(&format!("{path}/{}", reply.id())).await.json();
    let image = image.as_object().unwrap().values().next().unwrap().clone();
    assert_eq!(image["status"], "FAILED", "{image}");
    image
}

#[tokio::test]
async fn a_bad_template_says_where_it_is_bad_at_the_image() {
    let server = Server::start(Script::default()).await;
    let body = json!({ "base_image": { "template": "<template>\n  <name>x</nome>\n</template>" } });
    let image = failed(&server, "/base_images", &body).await;
    let error = image["status_detail"]["error"].as_str().unwrap();
    assert!(error.starts_with("the template is not valid\nline 2, column 10"), "{error}");
    assert_eq!(image["status_detail"]["activity"], "Base Image build failed with exception.");
    assert_eq!(server.world.calls(), [""; 0], "no plugin was asked");
}

#[tokio::test]
async fn nothing_of_a_refused_request_that_may_be_secret_is_kept() {
    let server = Server::start(Script::default()).await;
    let template = template("NoSuchOS").replace("s3cret", "rootpw-secret");
    let body = json!({ "base_image": { "template": template, "parameters": { "token": "parameter-secret" } } });
    failed(&server, "/base_images", &body).await;
    let cut = &template[..template.len() - 20];
    failed(&server, "/base_images", &json!({ "base_image": { "template": cut } })).await;
    let push = json!({ "provider_image": { "provider": "p", "credentials": "account-secret", "target": "nowhere",
        "template": template } });
    failed(&server, "/provider_images", &push).await;
    let kept = contents(server.world.root.path());
    for secret in ["rootpw-secret", "parameter-secret", "account-secret"] {
        assert!(!kept.contains(secret), "{secret} is in the store");
    }
}

#[tokio::test]
async fn a_snapshot_that_the_plugin_cannot_make_fails_at_the_image() {
    let server = Server::start(Script::default()).await;
    let push = json!({ "provider_image": { "provider": "p", "credentials": "c", "target": "fake",
        "template": template("FakeOS"), "parameters": { "snapshot": true } } });
    let image = failed(&server, "/provider_images", &push).await;
    let error = image["status_detail"]["error"].as_str().unwrap();
    assert!(error.starts_with("plugin fake-cloud can't snapshot"), "{error}");
    let mut both = push.clone();
    both["provider_image"]["parameters"] = json!({});
    both["provider_image"]["target_image_id"] = json!("0192f3a4-5b6c-7d8e-9f01-23456789abcd");
    assert_eq!(server.post("/provider_images", &both).await.status, 400);
    let mut nothing = push;
    nothing["provider_image"]["template"] = Value::Null;
    assert_eq!(server.post("/provider_images", &nothing).await.status, 400);
    assert_eq!(server.count().await, 1);
}

#[tokio::test]
async fn a_refused_image_can_be_deleted_and_leaves_its_record() {
    let server = Server::start(Script::default()).await;
    for template in ["x".to_owned(), template("NoSuchOS")] {
        let body = json!({ "base_image": { "template": template } });
        let image = failed(&server, "/base_images", &body).await;
        let id = image["id"].as_str().unwrap();
        let reply = server.send(&format!("DELETE /imagefactory/base_images/{id}"), &[], b"").await;
        assert_eq!(reply.status, 204);
        let (kept, _) = server.world.settled(&ImageId::parse(id).unwrap()).await;
        assert_eq!(kept.status.as_str(), "DELETED");
        assert_eq!(server.get(&format!("/base_images/{id}")).await.status, 404);
    }
}
