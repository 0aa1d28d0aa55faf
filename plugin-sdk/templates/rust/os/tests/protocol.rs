//! The plugin through the real protocol.

use factory_plugin_@MODULE@::@TYPE@;
use factory_plugin_sdk::harness::{Harness, Request, template};

#[tokio::test]
async fn a_template_becomes_a_disk() {
    let harness = Harness::os(@TYPE@).await;
    let request = Request::base_image(template("@TYPE@", "1", "x86_64"));
    let ended = harness.run(request).await;
    assert_eq!(ended.expect_completed().percentages(), [10.0]);
    assert_eq!(ended.properties()["motd"], "Welcome");
    assert!(ended.artifact("disk").size > 0);
}
