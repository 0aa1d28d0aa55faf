//! Trying an image again.

use crate::fake::{Script, World, statuses, to_region_1, world};
use factoryd::domain::{Failure, ImageId, Parameters, Secret, Status};
use factoryd::factory::{BaseImageRequest, Error, ProviderSource, RetryRequest};
use std::error::Error as _;
use std::sync::Mutex;

fn crashing(method: &'static str, times: u32) -> Script {
    let crash_in = Some((method, Mutex::new(times)));
    Script { crash_in, customises: true, converts: true, ..Script::default() }
}

impl World {
    async fn times_of(&self, method: &str) -> usize {
        let is_it = |call: &&String| call.split('(').next() == Some(method);
        self.calls().iter().filter(is_it).count()
    }

    async fn base_without_secrets(&self) -> ImageId {
        let template_xml = crate::fake::template("FakeOS").replace("<rootpw>s3cret</rootpw>", "");
        let request = BaseImageRequest { template_xml, parameters: Parameters::default() };
        let id = self.factory.create_base_image(request).await.unwrap().id;
        self.settled(&id).await;
        id
    }

    async fn retry_refused(&self, request: RetryRequest) -> Failure {
        match self.factory.retry(request).await.unwrap_err() {
            Error::Retry(failure) => *failure,
            other => panic!("{other}: {:?}", other.source()),
        }
    }
}

#[tokio::test]
async fn an_image_is_tried_again_from_the_step_that_failed() {
    let world = world(crashing("DidCreateTargetImage", 2)).await;
    let base = world.base_without_secrets().await;
    let target = world.target(&base, "fake").await.id;
    let (failed, _) = world.settled(&target).await;
    assert_eq!(failed.failure.unwrap().reason, Failure::PLUGIN_CRASHED);

    let again = world.factory.retry(RetryRequest::of(target.clone())).await.unwrap();
    assert_eq!((again.status, again.attempt), (Status::Pending, 2));
    let (image, events) = world.settled(&target).await;
    assert_eq!(image.status, Status::Complete, "{:?}", image.failure);
    assert_eq!(image.failure, None);
    use Status::{Building, Complete, Failed, New, Pending};
    assert_eq!(statuses(&events), [New, Pending, Building, Failed, Pending, Building, Complete]);
    for (method, times) in [
        ("ShouldCreateTargetImage", 1),
        ("WillCreateTargetImage", 1),
        ("CreateTargetImage", 1),
        ("DidCreateTargetImage", 3),
    ] {
        assert_eq!(world.times_of(method).await, times, "{method}");
    }
    let refused = world.factory.retry(RetryRequest::of(target)).await.unwrap_err();
    assert!(refused.to_string().ends_with("only what failed can be tried again"), "{refused}");
}

#[tokio::test]
async fn an_image_is_tried_again_from_the_step_that_is_asked_for() {
    let world = world(crashing("DidCreateTargetImage", 2)).await;
    let base = world.base_without_secrets().await;
    let target = world.target(&base, "fake").await.id;
    world.settled(&target).await;
    let from = |step: &str| RetryRequest {
        from_step: Some(step.to_owned()),
        ..RetryRequest::of(target.clone())
    };
    let refused = world.retry_refused(from("create-target-imag")).await;
    assert_eq!(refused.reason, "UNKNOWN_STEP");
    assert!(refused.hint.starts_with("did you mean create-target-image?"), "{}", refused.hint);
    world.factory.retry(from("will-create-target-image")).await.unwrap();
    assert_eq!(world.settled(&target).await.0.status, Status::Complete);
    for (method, times) in
        [("ShouldCreateTargetImage", 1), ("WillCreateTargetImage", 2), ("CreateTargetImage", 2)]
    {
        assert_eq!(world.times_of(method).await, times, "{method}");
    }
}

#[tokio::test]
async fn secrets_that_were_given_by_value_are_given_again() {
    let world = world(crashing("PushImageToProvider", 2)).await;
    let base = world.base_without_secrets().await;
    let target = world.target(&base, "fake").await.id;
    let source = ProviderSource::TargetImage(target);
    let pushed = world.factory.create_provider_image(to_region_1(source, "hunter2")).await.unwrap();
    world.settled(&pushed.id).await;
    let refused = world.retry_refused(RetryRequest::of(pushed.id.clone())).await;
    assert_eq!(refused.reason, Failure::SECRETS_GONE);
    assert!(refused.message.contains("the credentials"), "{refused}");
    let credentials = Secret::new("hunter3");
    let request = RetryRequest { credentials, ..RetryRequest::of(pushed.id.clone()) };
    world.factory.retry(request).await.unwrap();
    assert_eq!(world.settled(&pushed.id).await.0.status, Status::Complete);
    assert!(world.calls().contains(&"PushImageToProvider(region-1, hunter3)".to_owned()));
}

#[tokio::test]
async fn a_template_is_given_again_with_its_password_and_nothing_else_may_differ() {
    let world = world(crashing("CreateBaseImage", 2)).await;
    let base = world.base().await.id;
    world.settled(&base).await;
    let template = crate::fake::template("FakeOS");
    let request = |template: &str, token: &str| RetryRequest {
        template_xml: Some(template.to_owned()),
        parameters: Parameters::parse(&format!("{{{token}}}")).unwrap(),
        ..RetryRequest::of(base.clone())
    };
    let token = r#""token":"hunter2""#;
    let other = template.replace("<version>1<", "<version>2<");
    for (request, reason) in [
        (request(&other, token), "OTHER_TEMPLATE"),
        (request(&template, ""), Failure::SECRETS_GONE),
        (request(&template, r#""size":"2""#), "UNKNOWN_PARAMETER"),
    ] {
        assert_eq!(world.retry_refused(request).await.reason, reason);
    }
    world.factory.retry(request(&template, token)).await.unwrap();
    assert_eq!(world.settled(&base).await.0.status, Status::Complete);
}

#[tokio::test]
async fn an_image_whose_parent_is_not_there_is_not_tried_again() {
    let world = world(crashing("CreateBaseImage", 2)).await;
    let base = world.base().await.id;
    let target = world.target(&base, "fake").await.id;
    world.settled(&target).await;
    let refused = world.retry_refused(RetryRequest::of(target.clone())).await;
    assert_eq!(refused.reason, "PARENT_GONE");
    assert!(refused.hint.contains(&format!("factory retry {base}")), "{}", refused.hint);
}

#[tokio::test]
async fn a_deletion_that_failed_is_tried_again() {
    let world = world(crashing("DeleteFromProvider", 2)).await;
    let base = world.base_without_secrets().await;
    let target = world.target(&base, "fake").await.id;
    let source = ProviderSource::TargetImage(target);
    let pushed = world.factory.create_provider_image(to_region_1(source, "")).await.unwrap().id;
    world.settled(&pushed).await;
    world.factory.delete(world.deletion(&pushed, false)).await.unwrap();
    assert_eq!(world.settled(&pushed).await.0.status, Status::DeleteFailed);
    let again = world.factory.retry(RetryRequest::of(pushed.clone())).await.unwrap();
    assert_eq!(again.status, Status::Deleting);
    assert_eq!(world.settled(&pushed).await.0.status, Status::Deleted);
}
