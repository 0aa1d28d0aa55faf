//! Making images: Image Factory's sequences, and what is refused.

use crate::fake::{Script, contents, statuses, template, world};
use factoryd::domain::{EventKind, Fault, Kind, Parameters, Status};
use factoryd::factory::{BaseImageRequest, Error, TargetImageRequest, TargetSource};
use factoryd::tdl;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use tokio::sync::Notify;

#[tokio::test]
async fn a_base_image_is_built_and_every_step_is_recorded() {
    let world = world(Script::default()).await;
    let (image, events) = world.settled(&world.base().await.id).await;
    assert_eq!((image.status, image.percent), (Status::Complete, 100.0));
    let roles: Vec<&str> = image.artifacts.iter().map(|a| a.role.as_str()).collect();
    assert_eq!(roles, ["disk", "rootfs"]);
    assert_eq!(std::fs::read_to_string(&image.artifacts[0].path).unwrap(), "base disk");
    let entered = statuses(&events);
    assert!(entered.ends_with(&[Status::Pending, Status::Building, Status::Complete]));
}

#[tokio::test]
async fn percent_never_falls_and_ends_at_100() {
    let world = world(Script::default()).await;
    let (_, events) = world.settled(&world.base().await.id).await;
    let percents: Vec<f64> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Progress(progress) => Some(progress.percent),
            _ => None,
        })
        .collect();
    assert!(percents.is_sorted(), "{percents:?}");
    assert_eq!(percents.last(), Some(&100.0));
}

#[tokio::test]
async fn secrets_are_not_in_the_store() {
    let world = world(Script::default()).await;
    let (image, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&image.id, "fake").await.id).await;
    let (pushed, _) = world.settled(&world.push(&target.id).await.id).await;
    assert_eq!(pushed.status, Status::Complete);
    let everything = contents(world.root.path());
    assert!(everything.contains("FakeOS"), "the store is readable here");
    assert!(!everything.contains("hunter2") && !everything.contains("s3cret"));
}

#[tokio::test]
async fn a_target_is_made_in_image_factorys_order() {
    let world = world(Script { converts: true, ..Script::default() }).await;
    let base = world.base().await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    assert_eq!(target.status, Status::Complete, "{:?}", target.failure);
    assert_eq!(
        world.calls(),
        [
            "CreateBaseImage(t)",
            "ShouldCreateTargetImage",
            "WillCreateTargetImage",
            "CreateTargetImage(fake, 0 commands)",
            "DidCreateTargetImage(disk+rootfs)"
        ]
    );
    assert_eq!(target.artifacts.len(), 1, "only what Did announced");
    assert_eq!(target.artifacts[0].role, "archive");
}

#[tokio::test]
async fn a_cloud_plugin_that_says_no_ends_the_sequence_there() {
    let world = world(Script { should_not: true, ..Script::default() }).await;
    let base = world.base().await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    assert_eq!(target.status, Status::Complete);
    assert_eq!(world.calls().last().unwrap(), "ShouldCreateTargetImage");
}

#[tokio::test]
async fn a_target_that_nobody_changes_shares_the_files_of_its_base() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    let inode = |path| std::fs::metadata(path).unwrap().ino();
    assert_eq!(target.artifacts.len(), 2);
    assert_eq!(inode(&base.artifacts[0].path), inode(&target.artifacts[0].path));
    assert_eq!(base.artifacts[0].sha256, target.artifacts[0].sha256);
}

#[tokio::test]
async fn two_targets_wait_for_one_base_that_is_built_once() {
    let hold = Arc::new(Notify::new());
    let world = world(Script { hold_base: Some(hold.clone()), ..Script::default() }).await;
    let base = world.base().await;
    world.until(&base.id, Status::Building).await;
    let first = world.target(&base.id, "fake").await;
    let second = world.target(&base.id, "fake2").await;
    world.until(&first.id, Status::Pending).await;
    world.until(&second.id, Status::Pending).await;
    hold.notify_one();
    assert_eq!(world.settled(&first.id).await.0.status, Status::Complete);
    assert_eq!(world.settled(&second.id).await.0.status, Status::Complete);
    let bases = world.calls().iter().filter(|call| call.starts_with("CreateBase")).count();
    assert_eq!(bases, 1);
}

#[tokio::test]
async fn a_child_fails_with_the_reason_of_its_parent() {
    let world = world(Script { fail_base: true, ..Script::default() }).await;
    let base = world.base().await;
    let (failed, _) = world.settled(&base.id).await;
    let failure = failed.failure.unwrap();
    assert_eq!((failure.reason.as_str(), failure.fault), ("PACKAGE_NOT_FOUND", Fault::User));
    let request = TargetImageRequest {
        target: "fake".into(),
        source: TargetSource::Template(template("FakeOS")),
        parameters: Parameters::default(),
    };
    let target = world.factory.create_target_image(request).await.unwrap();
    let (target, events) = world.settled(&target.id).await;
    let failure = target.failure.unwrap();
    assert_eq!(failure.reason, "PARENT_FAILED");
    assert!(failure.detail.contains("no such package"), "{failure:?}");
    assert!(!statuses(&events).contains(&Status::Building));
}

#[tokio::test]
async fn no_more_is_built_at_once_than_allowed() {
    let hold = Arc::new(Notify::new());
    let world = world(Script { hold_base: Some(hold.clone()), ..Script::default() }).await;
    let mut images = Vec::new();
    for _ in 0..5 {
        images.push(world.base().await);
    }
    world.until(&images[0].id, Status::Pending).await;
    for image in &images {
        loop {
            hold.notify_one();
            let (now, _) = (world.factory.image(&image.id).await.unwrap(), ());
            if now.status.is_settled() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.script.busy.lock().unwrap().1, 2);
}

#[tokio::test]
async fn a_mistake_in_the_factory_ends_the_image_and_not_the_factory() {
    let world = world(Script { panic_base: true, ..Script::default() }).await;
    let (image, _) = world.settled(&world.base().await.id).await;
    assert_eq!(image.failure.unwrap().reason, "FACTORY_PANIC");
}

#[tokio::test]
async fn what_is_refused_leaves_no_record() {
    let world = world(Script::default()).await;
    let base =
        |xml: String| BaseImageRequest { template_xml: xml, parameters: Parameters::default() };
    let create = |xml| world.factory.create_base_image(base(xml));
    assert!(matches!(create("<nonsense/>".into()).await, Err(Error::Template(_))));
    assert!(matches!(create(template("BeOS")).await, Err(Error::NoDelegate(_))));
    let url = template("FakeOS").replace(
        "</os>",
        "</os><files><file name='/x' type='url'>http://example.org/x</file></files>",
    );
    assert!(matches!(create(url).await, Err(Error::Plugin(_))));
    for (target, source) in [
        ("nowhere", TargetSource::Template(template("FakeOS"))),
        ("fake", TargetSource::Template(template("BeOS"))),
    ] {
        let request =
            TargetImageRequest { target: target.into(), source, parameters: Parameters::default() };
        let refused = world.factory.create_target_image(request).await;
        assert!(matches!(refused, Err(Error::NoDelegate(_))), "{target}");
    }
    assert_eq!(world.all().await, []);
}

#[tokio::test]
async fn a_target_needs_a_base_image_and_not_another_target() {
    let world = world(Script::default()).await;
    let base = world.base().await;
    let target = world.target(&base.id, "fake").await;
    assert_eq!(target.kind, Kind::Target);
    let request = TargetImageRequest {
        target: "fake".into(),
        source: TargetSource::BaseImage(target.id),
        parameters: Parameters::default(),
    };
    let refused = world.factory.create_target_image(request).await.unwrap_err();
    assert!(refused.to_string().ends_with("is a target image, but a base image is needed"));
}

#[tokio::test]
async fn a_root_password_is_required_if_the_factory_is_told_so() {
    let world = world(Script::default()).await;
    let without = template("FakeOS").replace("<rootpw>s3cret</rootpw>", "");
    let request =
        || BaseImageRequest { template_xml: without.clone(), parameters: Parameters::default() };
    let strict = world.factory.clone().with_templates(tdl::Options { require_root_password: true });
    let Err(Error::Template(problems)) = strict.create_base_image(request()).await else {
        panic!("it was accepted");
    };
    assert_eq!(problems.0[0].code, "missing-rootpw");
    assert!(world.factory.create_base_image(request()).await.is_ok());
}
