//! Callbacks: every change of status is told, in order, to who asked for it.

use crate::fake::{self, Script, World, template, world};
use crate::receiver::{Delivery, Receiver};
use factoryd::callbacks::sign;
use factoryd::domain::{Event, EventKind, ImageId, Kind, Parameters, Secret, Status};
use factoryd::factory::{
    BaseImageRequest, Error, RefusedRequest, TargetImageRequest, TargetSource,
};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A world whose callbacks are delivered.
async fn telling(script: Script) -> (World, JoinSet<()>) {
    let mut world = world(script).await;
    let mut task = JoinSet::new();
    task.spawn(world.callbacks.take().unwrap().run(CancellationToken::new()));
    (world, task)
}

fn calling(urls: &[String]) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.0.insert("callbacks".into(), json!(urls));
    parameters
}

fn base(urls: &[String]) -> BaseImageRequest {
    BaseImageRequest { template_xml: template("FakeOS"), parameters: calling(urls) }
}

fn news(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(Delivery::news).collect()
}

/// Waits until a notice or line of the factory's own about callbacks is recorded with an image.
async fn told(world: &World, id: &ImageId, words: &str) -> Vec<Event> {
    loop {
        let (_, events) = world.settled(id).await;
        let found = events.iter().any(|event| match &event.kind {
            EventKind::Warning(notice) => notice.message.contains(words),
            EventKind::Log(line) => line.message.contains(words),
            _ => false,
        });
        if found {
            return events;
        }
        world.store.cursor().changed().await;
    }
}

#[tokio::test]
async fn a_cascade_tells_of_all_its_images_as_they_were_and_signs_it() {
    let (world, _task) = telling(Script::default()).await;
    let mut receiver = Receiver::start(&[]).await;
    let url = format!("http://me:s3cret@127.0.0.1:{}/hook", receiver.port);
    let request = TargetImageRequest {
        target: "fake".into(),
        source: TargetSource::Template(template("FakeOS")),
        parameters: calling(&[url.clone(), url, "debug".into()]),
    };
    let target = world.factory.create_target_image(request).await.unwrap();
    let (target, _) = world.settled(&target.id).await;
    let deliveries = receiver.deliveries(6).await;
    for (key, statuses) in [
        ("base_image", ["PENDING", "BUILDING", "COMPLETE"]),
        ("target_image", ["PENDING", "BUILDING", "COMPLETE"]),
    ] {
        let of_kind = news(&deliveries).into_iter().filter(|news| news.starts_with(key));
        let expected = statuses.map(|status| format!("{key} {status}"));
        assert_eq!(of_kind.collect::<Vec<_>>(), expected);
    }
    for delivery in &deliveries {
        let (key, image) = delivery.image();
        let mut names: Vec<&str> = image.as_object().unwrap().keys().map(String::as_str).collect();
        names.retain(|name| *name != "target");
        let all =
            "_type id status percent_complete status_detail template icicle parameters properties";
        assert_eq!(names.join(" "), all);
        assert_eq!(image["parameters"], json!({}), "callbacks are no parameter any more");
        let complete = image["status"] == "COMPLETE";
        assert_eq!(image["percent_complete"] == 100, complete, "{key} as it was then: {image}");
        assert!(delivery.head.starts_with("put /hook http/1.1\r\n"), "{}", delivery.head);
        assert_eq!(delivery.header("content-type"), Some("application/json"));
        // The head is in lower case: `me:s3cret`.
        assert_eq!(delivery.header("authorization"), Some("basic bwu6cznjcmv0"));
        let signature = delivery.header("factory-signature").unwrap();
        let time =
            signature.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
        assert_eq!(signature, sign(&Secret::new("shared"), time, &delivery.body));
        assert_ne!(signature, sign(&Secret::new("wrong"), time, &delivery.body));
        let cursor = delivery.header("factory-event-cursor").unwrap();
        assert!(delivery.header("factory-delivery").unwrap().ends_with(&format!(".{cursor}")));
    }
    assert_eq!(target.parameters.0.len(), 0);
    assert!(!fake::contents(world.root.path()).contains("s3cret@"), "credentials are stored");
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_and_later_ones_wait_for_it() {
    let (world, _task) = telling(Script::default()).await;
    let mut receiver = Receiver::start(&[204, 500]).await;
    let url = format!("http://127.0.0.1:{}/?token=s3cret", receiver.port);
    let image = world.factory.create_base_image(base(&[url])).await.unwrap();
    let deliveries = receiver.deliveries(4).await;
    let told_of =
        ["PENDING", "BUILDING", "BUILDING", "COMPLETE"].map(|it| format!("base_image {it}"));
    assert_eq!(news(&deliveries), told_of);
    let id = |index: usize| deliveries[index].header("factory-delivery");
    assert_eq!(id(1), id(2), "a repeated delivery can be known");
    assert_ne!(id(2), id(3));
    assert_eq!(deliveries[1].body, deliveries[2].body);
    let events = told(&world, &image.id, "was delivered at try 2").await;
    let warnings = events.iter().filter(|event| matches!(event.kind, EventKind::Warning(_)));
    assert_eq!(warnings.count(), 1);
    let shown = format!("{events:?}");
    assert!(shown.contains("fails and is tried for 3 days: the receiver answers 500"), "{shown}");
    assert!(!shown.contains("token"), "{shown}");
}

#[tokio::test]
async fn one_receiver_that_wants_no_more_does_not_concern_another() {
    let (world, _task) = telling(Script::default()).await;
    let (gone, mut there) = (Receiver::start(&[410]).await, Receiver::start(&[]).await);
    let urls = [gone.port, there.port].map(|port| format!("http://127.0.0.1:{port}/"));
    let image = world.factory.create_base_image(base(&urls)).await.unwrap();
    assert_eq!(there.deliveries(3).await.len(), 3);
    told(&world, &image.id, "is not wanted any more (410)").await;
    assert_eq!(news(&gone.so_far()), ["base_image PENDING"]);
}

#[tokio::test]
async fn a_deletion_and_a_refused_image_are_told_of_too() {
    let (world, _task) = telling(Script::default()).await;
    let mut receiver = Receiver::start(&[]).await;
    let url = format!("http://127.0.0.1:{}/", receiver.port);
    let image = world.base().await;
    world.settled(&image.id).await;
    let mut request = world.deletion(&image.id, false);
    request.parameters = calling(std::slice::from_ref(&url));
    world.factory.delete(request).await.unwrap();
    receiver.deliveries(2).await;
    let refused = RefusedRequest {
        kind: Kind::Base,
        template_xml: "<template/>".into(),
        parent: None,
        target: None,
        provider: None,
        snapshot: false,
        callbacks: vec![Secret::new(url)],
    };
    let invalid = world.factory.create_base_image(base(&[])).await.map(drop);
    assert!(invalid.is_ok());
    let refusal = BaseImageRequest { template_xml: "<template/>".into(), parameters: calling(&[]) };
    let refusal = world.factory.create_base_image(refusal).await.unwrap_err();
    world.factory.record_refused(refused, refusal).await.unwrap();
    let all = receiver.deliveries(3).await;
    assert_eq!(news(&all), ["base_image DELETING", "base_image DELETED", "base_image FAILED"]);
}

#[tokio::test]
async fn what_can_be_told_of_a_callback_before_refuses_the_request() {
    let (world, _task) = telling(Script::default()).await;
    for callbacks in [
        json!(["http://127.0.0.1/", "http://10.0.0.1/"]),
        json!(["http://localhost/"]),
        json!(["file:///etc/passwd"]),
        json!({"url": "http://127.0.0.1/"}),
    ] {
        let mut request = base(&[]);
        request.parameters.0.insert("callbacks".into(), callbacks.clone());
        let refused = world.factory.create_base_image(request).await;
        let Err(Error::Callback(failure)) = refused else { panic!("{callbacks}: {refused:?}") };
        assert_eq!(failure.reason, "CALLBACK_REFUSED");
    }
    assert_eq!(world.all().await.len(), 0);
    let image = world.base().await;
    let (image, _) = world.settled(&image.id).await;
    assert_eq!(image.status, Status::Complete);
}
