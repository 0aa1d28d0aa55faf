//! A factory that ends at any step, and the next one: each image goes on from its last step, or fails with the reason.

use crate::fake::{Script, World, to_region_1, world, world_at};
use factoryd::domain::{
    Event, EventKind, Failure, Image, ImageId, Parameters, Status, StepName, StepState,
};
use factoryd::factory::{BaseImageRequest, Options, ProviderSource};
use factoryd::store::StepChange;
use std::fs;
use std::sync::Mutex;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Every method of a story, in its order.
const METHODS: [&str; 7] = [
    "CreateBaseImage",
    "ShouldCreateTargetImage",
    "WillCreateTargetImage",
    "CreateTargetImage",
    "DidCreateTargetImage",
    "PushImageToProvider",
    "DeleteFromProvider",
];

const TEMPLATE: &str = "<template><name>plain</name><os><name>FakeOS</name><version>1</version>\
    <arch>x86_64</arch><install type='url'><url>http://example.org/</url></install></os></template>";

fn goes_on() -> Options {
    Options { takes_up: true, ..Options::default() }
}

impl World {
    /// Begins a base image without secrets.
    pub(crate) async fn plain(&self) -> Image {
        let parameters = Parameters::default();
        let request = BaseImageRequest { template_xml: TEMPLATE.into(), parameters };
        self.factory.create_base_image(request).await.unwrap()
    }

    async fn push_plain(&self, target: &ImageId) -> Image {
        let source = ProviderSource::TargetImage(target.clone());
        self.factory.create_provider_image(to_region_1(source, "")).await.unwrap()
    }

    /// Begins a whole story, as far as nothing waits, and answers its images. The last one is being deleted.
    async fn story(&self) -> Vec<ImageId> {
        let base = self.plain().await.id;
        let target = self.target(&base, "fake").await.id;
        let pushed = self.push_plain(&target).await.id;
        if self.script.hold_in == Some("DeleteFromProvider") {
            assert_eq!(self.settled(&pushed).await.0.status, Status::Complete);
            self.factory.delete(self.deletion(&pushed, false)).await.unwrap();
        }
        self.script.held.notified().await;
        vec![base, target, pushed]
    }

    fn times(&self, method: &str) -> usize {
        let is_it = |call: &&String| call.split('(').next() == Some(method);
        self.calls().iter().filter(is_it).count()
    }

    async fn take_over(&self) {
        self.service.as_ref().unwrap().recover().await.unwrap();
    }
}

/// What a factory left that ended in the middle of a method.
struct Left {
    root: TempDir,
    ids: Vec<ImageId>,
    events: Vec<Vec<Event>>,
    times: Vec<usize>,
}

fn killed_in(method: &'static str) -> Left {
    let first = Runtime::new().unwrap();
    let left = first.block_on(async {
        let script =
            Script { hold_in: Some(method), customises: true, converts: true, ..Script::default() };
        let world = world(script).await;
        let ids = world.story().await;
        let mut events = Vec::new();
        for id in &ids {
            events.push(world.events(id).await);
        }
        let times = METHODS.map(|method| world.times(method)).to_vec();
        Left { root: world.root, ids, events, times }
    });
    drop(first);
    left
}

#[test]
fn a_story_goes_on_from_every_step_and_each_method_is_done_once() {
    for (index, method) in METHODS.iter().enumerate() {
        let left = killed_in(method);
        Runtime::new().unwrap().block_on(async {
            let script = Script { customises: true, converts: true, ..Script::default() };
            let next = world_at(script, left.root, goes_on()).await;
            next.take_over().await;
            for (id, before) in left.ids.iter().zip(&left.events) {
                let (image, events) = next.settled(id).await;
                let deleted = *method == "DeleteFromProvider" && Some(id) == left.ids.last();
                let expected = if deleted { Status::Deleted } else { Status::Complete };
                assert_eq!(image.status, expected, "{method}: {:?}", image.failure);
                assert_eq!(events[..before.len()], before[..], "{method}: an event is lost");
                assert!(events.is_sorted_by(|one, next| one.cursor < next.cursor), "{method}");
            }
            // What was interrupted is done again, what was done before is not.
            for (other, name) in METHODS.iter().enumerate() {
                let begun = left.times[other] + next.times(name);
                let deletes = *name == "DeleteFromProvider" && *method != *name;
                let expected = if deletes { 0 } else { 1 + usize::from(other == index) };
                assert_eq!(begun, expected, "{name}, when {method} was interrupted");
            }
            let files = fs::read_dir(next.root.path().join("kept"));
            assert_eq!(files.map_or(0, Iterator::count), 0, "{method}");
            for entry in fs::read_dir(next.root.path().join("work")).unwrap() {
                let owner = entry.unwrap().path();
                assert_eq!(fs::read_dir(owner).unwrap().count(), 0, "{method}");
            }
        });
    }
}

#[test]
fn the_journal_tells_what_was_interrupted() {
    let left = killed_in("WillCreateTargetImage");
    Runtime::new().unwrap().block_on(async {
        let next = world_at(Script::default(), left.root, goes_on()).await;
        next.take_over().await;
        let (_, events) = next.settled(&left.ids[1]).await;
        let told = events.iter().find_map(|event| match &event.kind {
            EventKind::Warning(notice) => Some(notice.message.clone()),
            _ => None,
        });
        let expected =
            "the factory that worked on the image is gone: will-create-target-image is begun again";
        assert_eq!(told.as_deref(), Some(expected));
        let steps = next.store.steps(&left.ids[1]).await.unwrap();
        let shown: Vec<_> = steps.iter().map(|step| (step.name, step.state, step.tries)).collect();
        assert_eq!(
            shown,
            [
                (StepName::ShouldCreateTargetImage, StepState::Done, 1),
                (StepName::WillCreateTargetImage, StepState::Done, 2),
                (StepName::CreateTargetImage, StepState::Done, 1),
                (StepName::DidCreateTargetImage, StepState::Done, 1),
                (StepName::KeepFiles, StepState::Done, 1),
            ]
        );
    });
}

#[test]
fn a_step_that_ends_the_factory_every_time_fails_in_the_end() {
    let mut left = killed_in("ShouldCreateTargetImage");
    for _ in 0..5 {
        let runtime = Runtime::new().unwrap();
        left.root = runtime.block_on(async {
            let script = Script { hold_in: Some("ShouldCreateTargetImage"), ..Script::default() };
            let next = world_at(script, left.root, goes_on()).await;
            next.take_over().await;
            next.script.held.notified().await;
            next.root
        });
        drop(runtime);
    }
    Runtime::new().unwrap().block_on(async {
        let next = world_at(Script::default(), left.root, goes_on()).await;
        next.take_over().await;
        let (image, _) = next.settled(&left.ids[1]).await;
        let failure = image.failure.unwrap();
        assert_eq!(failure.reason, Failure::INTERRUPTED);
        assert_eq!(
            failure.to_string(),
            "should-create-target-image: the factory ended 6 times in the middle of it"
        );
        let (child, _) = next.settled(&left.ids[2]).await;
        assert_eq!(child.failure.unwrap().reason, "PARENT_FAILED");
    });
}

#[test]
fn what_needs_secrets_that_are_gone_fails_and_says_so() {
    let first = Runtime::new().unwrap();
    let (root, base) = first.block_on(async {
        let script = Script { hold_in: Some("CreateBaseImage"), ..Script::default() };
        let world = world(script).await;
        let base = world.base().await;
        world.script.held.notified().await;
        (world.root, base.id)
    });
    drop(first);
    Runtime::new().unwrap().block_on(async {
        let next = world_at(Script::default(), root, goes_on()).await;
        next.take_over().await;
        let (image, _) = next.settled(&base).await;
        let failure = image.failure.unwrap();
        assert_eq!(failure.reason, Failure::SECRETS_GONE);
        assert!(
            failure.message.starts_with("parameter token, secrets in the template"),
            "{failure}"
        );
        assert!(failure.hint.contains(&format!("factory retry {base}")), "{}", failure.hint);
        assert!(next.calls().is_empty(), "{:?}", next.calls());
    });
}

#[test]
fn a_cancellation_that_nobody_heard_is_heard_by_the_next_factory() {
    let left = killed_in("WillCreateTargetImage");
    Runtime::new().unwrap().block_on(async {
        let script = Script { hold_in: Some("WillCreateTargetImage"), ..Script::default() };
        let next = world_at(script, left.root, goes_on()).await;
        next.store.request_cancel(&left.ids[1]).await.unwrap();
        next.take_over().await;
        let (image, _) = next.settled(&left.ids[1]).await;
        assert_eq!(image.failure.unwrap().reason, Failure::CANCELLED);
    });
}

#[test]
fn files_for_a_later_step_are_not_trusted_after_another_start_of_the_machine() {
    let left = killed_in("DidCreateTargetImage");
    Runtime::new().unwrap().block_on(async {
        let script = Script { customises: true, converts: true, ..Script::default() };
        let next = world_at(script, left.root, goes_on()).await;
        assert_eq!(next.store.abandoned().await.unwrap().len(), 2);
        let step = StepName::CreateTargetImage;
        let record = next.store.step_of(&left.ids[1], step).await.unwrap().unwrap();
        let mut result = record.result;
        result.boot = Some("another".into());
        let done = [StepChange::Done(step, result)];
        next.store.advance(&left.ids[1], &done, Vec::new()).await.unwrap();
        let root = next.root;
        drop((next.factory, next.store, next.service, next.callbacks));
        let script = Script { customises: true, converts: true, ..Script::default() };
        let next = world_at(script, root, goes_on()).await;
        next.take_over().await;
        assert_eq!(next.settled(&left.ids[1]).await.0.status, Status::Complete);
        assert_eq!((next.times("WillCreateTargetImage"), next.times("CreateTargetImage")), (0, 1));
    });
}

#[tokio::test]
async fn a_crash_is_forgiven_once_and_every_step_has_its_own_directory() {
    for method in METHODS {
        let crash_in = Some((method, Mutex::new(1)));
        let script = Script { crash_in, customises: true, converts: true, ..Script::default() };
        let world = world(script).await;
        let base = world.plain().await.id;
        let target = world.target(&base, "fake").await.id;
        let pushed = world.push_plain(&target).await.id;
        assert_eq!(world.settled(&pushed).await.0.status, Status::Complete, "{method}");
        world.factory.delete(world.deletion(&pushed, false)).await.unwrap();
        assert_eq!(world.settled(&pushed).await.0.status, Status::Deleted, "{method}");
        for name in METHODS {
            assert_eq!(world.times(name), 1 + usize::from(name == method), "{name} in {method}");
        }
    }
}

#[tokio::test]
async fn a_plugin_that_always_crashes_fails_with_its_last_words_after_the_retries() {
    for retries in [0, 2] {
        let crash_in = Some(("CreateBaseImage", Mutex::new(9)));
        let options = Options { retries, ..Options::default() };
        let script = Script { crash_in, ..Script::default() };
        let world = world_at(script, TempDir::new().unwrap(), options).await;
        let base = world.plain().await;
        let (image, events) = world.settled(&base.id).await;
        let failure = image.failure.unwrap();
        assert_eq!(failure.reason, Failure::PLUGIN_CRASHED);
        assert_eq!(failure.detail, "last words");
        assert_eq!(world.times("CreateBaseImage"), retries as usize + 1);
        let warnings = events.iter().filter(|event| matches!(event.kind, EventKind::Warning(_)));
        assert_eq!(warnings.count(), retries as usize);
    }
}
