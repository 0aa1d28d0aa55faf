//! `parameters.callbacks`, as clients of Image Factory send them.

use crate::client::Server;
use crate::fake::{Script, template};
use serde_json::{Value, json};

fn base(callbacks: &Value) -> Value {
    let parameters = json!({ "callbacks": callbacks, "size": "1" });
    json!({ "base_image": { "template": template("FakeOS"), "parameters": parameters } })
}

#[tokio::test]
async fn callbacks_are_taken_from_json_and_forms_and_are_no_parameter_any_more() {
    let server = Server::start(Script::default()).await;
    let url = "http://127.0.0.1:9/hook";
    let reply = server.post("/base_images", &base(&json!([url, "debug"]))).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(reply.json()["base_image"]["parameters"], json!({ "size": "1" }));
    let parameters = json!({ "callbacks": json!([url]).to_string() }).to_string();
    let pairs = [("template", template("FakeOS")), ("parameters", parameters)];
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let form = pairs.map(|(name, value)| format!("{name}={}", encoded(&value))).join("&");
    let form_type = ["Content-Type: application/x-www-form-urlencoded"];
    let reply = server.send("POST /imagefactory/base_images", &form_type, form.as_bytes()).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(reply.json()["base_image"]["parameters"], json!({}));
}

#[tokio::test]
async fn a_callback_that_can_never_be_called_is_400_and_creates_nothing() {
    let server = Server::start(Script::default()).await;
    for callbacks in [
        json!(["http://169.254.169.254/latest"]),
        json!(["http://me:s3cret@localhost/"]),
        json!(["ftp://example.org/"]),
        json!([1]),
        json!({}),
    ] {
        let reply = server.post("/base_images", &base(&callbacks)).await;
        assert_eq!(reply.status, 400, "{callbacks}: {reply:?}");
        assert!(!reply.text().contains("s3cret"), "{reply:?}");
        let mut broken = base(&callbacks);
        broken["base_image"]["template"] = "<template/>".into();
        let reply = server.post("/base_images", &broken).await;
        assert_eq!(reply.status, 400, "it is no failed image: {callbacks}");
    }
    assert_eq!(server.count().await, 0);
}
