//! What the configuration adds to target images.

use crate::fake::{Script, world};
use factoryd::domain::{EventKind, Status};
use factoryd::pipeline::TargetContent;

const DOCUMENT: &str = "<template_includes>\
    <include target='fake' os='FakeOS'><packages><package name='agent'/></packages></include>\
    <include target='fake'><packages><package name='other'/></packages></include>\
    </template_includes>";

fn configured() -> Script {
    let target_content = Some(TargetContent::parse(DOCUMENT).unwrap());
    Script { target_content, ..Script::default() }
}

#[tokio::test]
async fn the_closest_include_reaches_the_os_plugin_and_a_plugin_that_cannot_add_it_is_a_failure() {
    let world = world(configured()).await;
    let base = world.base().await;
    // The fake plugin has no CreateTargetImage.
    let target = world.target(&base.id, "fake").await;
    let (target, events) = world.settled(&target.id).await;
    assert!(world.calls().contains(&"add agent".to_owned()), "{:?}", world.calls());
    assert!(!world.calls().contains(&"add other".to_owned()));
    assert_eq!(
        (target.status, target.failure.unwrap().reason.as_str()),
        (Status::Failed, "UNSUPPORTED")
    );
    assert!(events.iter().any(|event| matches!(&event.kind,
        EventKind::Log(line) if line.message == "the configuration adds to images for fake: agent")));
}

#[tokio::test]
async fn a_target_that_nothing_is_added_to_is_built_as_ever() {
    let world = world(configured()).await;
    let base = world.base().await;
    let target = world.target(&base.id, "fake2").await;
    let (target, _) = world.settled(&target.id).await;
    assert_eq!(target.status, Status::Complete, "{:?}", target.failure);
}

#[test]
fn a_document_that_is_wrong_anywhere_is_refused_before_it_is_needed() {
    for (document, code) in [
        ("<template/>", "bad-root"),
        (
            "<template_includes><include os='x'><packages><package/></packages></include></template_includes>",
            "missing-attribute",
        ),
        (
            "<template_includes><include><repositories><repository name='a'/></repositories></include></template_includes>",
            "missing-element",
        ),
    ] {
        let problems = TargetContent::parse(document).unwrap_err();
        assert_eq!(problems.0[0].code, code, "{document}");
    }
    assert!(TargetContent::parse("<template_includes>").is_err());
    assert!(TargetContent::parse("<template_includes/>").is_ok());
}
