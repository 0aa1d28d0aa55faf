//! The plugin through the real protocol.

use factory_plugin_@MODULE@::@TYPE@;
use factory_plugin_sdk::harness::{Harness, Request, input_image, template};
use serde_json::json;

#[tokio::test]
async fn an_image_that_is_pushed_is_there_until_it_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    std::fs::write(&disk, "a disk").unwrap();
    let image = input_image(template("Any", "1", "x86_64"), &[("disk", &disk, "raw")]);
    let provider = json!({"directory": directory.path()}).to_string();

    let harness = Harness::cloud(@TYPE@).await;
    let push = Request::push("@NAME@", &provider, "", image.clone());
    let pushed = harness.run(push).await;
    let identifiers = pushed.expect_completed().identifiers().unwrap().clone();
    let there = directory.path().join(format!("{}.raw", identifiers.identifier_on_provider));
    assert_eq!(std::fs::read(&there).unwrap(), b"a disk");

    let delete = Request::delete("@NAME@", &provider, "", identifiers, image);
    harness.run(delete).await.expect_completed();
    assert!(!there.exists());
}
