//! Operations over the real protocol: what a plugin reports, how it ends, and what happens when nobody listens.

use factory_plugin_sdk::harness::{Harness, Outcome, Request, input_image, template};
use factory_plugin_sdk::tool::Tool;
use factory_plugin_sdk::{
    ArtifactFile, BaseRequest, CloudContent, Description, Failure, Fault, Level, Operation,
    OsPlugin, Progress, async_trait, failure_in, proto,
};
use proto::event::Kind;
use std::time::Duration;

const INFO: &str = r#"{"type": "os", "targets": [["Test", null, null]]}"#;

/// Does what the parameter `do` says.
struct Plugin;

#[async_trait]
impl OsPlugin for Plugin {
    fn describe(&self) -> Description {
        Description::from_info("test", INFO).version("1.0.0").operations_max(3)
    }

    async fn create_base_image(
        &self,
        _request: BaseRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let what = operation.parameters().text("do")?.unwrap_or_default();
        match what.as_str() {
            "report" => report(operation).await,
            "fail" => Err(Failure::new(Fault::Quota, "DISK_FULL", "disk is full").retryable()),
            "panic" => panic!("index out of range"),
            "hang" => {
                operation.cancellation().cancelled().await;
                Err(Failure::cancelled())
            }
            "ignore-cancel" => std::future::pending().await,
            "fail-on-cancel" => {
                operation.cancellation().cancelled().await;
                Err(Failure::new(Fault::Plugin, "OOPS", "the clean-up failed"))
            }
            "refuse" => Err(Failure::unimplemented("CreateBaseImage")),
            "flood" => {
                for number in 0..100_000 {
                    operation.log(Level::Debug, "", number.to_string()).await?;
                }
                Ok(())
            }
            "same-role" => {
                std::fs::write(operation.work_dir().join("a"), "a").ok();
                operation.artifact(ArtifactFile::new("disk", "a", "raw")).await?;
                operation.artifact(ArtifactFile::new("disk", "a", "raw")).await
            }
            "resource" => {
                let intent = proto::ResourceIntent { intent_id: "i".into(), ..Default::default() };
                let mut resource = operation.resource(intent).await?;
                resource.created("vol-1").await?;
                resource.deleted().await
            }
            "meter" => {
                Tool::new("sh")
                    .args([
                        "-c",
                        "printf '10%%\\r'; sleep 0.2; printf '90%%\\rdone\\n'; echo bad >&2",
                    ])
                    .run_with(operation, |line| {
                        let percent = line.trim_end_matches('%').parse().ok()?;
                        Some(Progress::phase("copy").percent(percent))
                    })
                    .await
            }
            other => Err(Failure::new(Fault::User, "UNKNOWN", other)),
        }
    }
}

async fn report(operation: &Operation) -> Result<(), Failure> {
    operation.progress(Progress::phase("one").percent(10.0)).await?;
    operation.progress(Progress::phase("two").percent(5.0)).await?;
    operation.log(Level::Info, "tool", "first\nsecond").await?;
    operation.warning("careful", "look").await?;
    operation.property("key", serde_json::json!({"a": [1]})).await?;
    std::fs::write(operation.work_dir().join("body"), operation.image_id()).ok();
    operation.artifact(ArtifactFile::new("disk", "body", "raw").virtual_size(512)).await
}

fn request(what: &str) -> Request {
    Request::base_image(template("Test", "1", "x86_64")).parameter("do", what)
}

#[tokio::test]
async fn everything_that_is_reported_arrives_in_order() {
    let harness = Harness::os(Plugin).await;
    let ended = harness.run(request("report").image_id("image-x")).await;
    assert_eq!(ended.expect_completed().percentages(), [10.0, 10.0]);
    assert_eq!(ended.phases(), ["one", "two"]);
    assert_eq!(ended.log(), "tool: first\ntool: second\n");
    assert_eq!(ended.warnings(), ["careful"]);
    assert_eq!(ended.properties()["key"]["a"][0], 1);
    assert_eq!(ended.artifact("disk").virtual_size, 512);
    assert_eq!(std::fs::read_to_string(ended.artifact_path("disk")).unwrap(), "image-x");
}

#[tokio::test]
async fn a_failure_arrives_as_it_was_made() {
    let ended = Harness::os(Plugin).await.run(request("fail")).await;
    let failure = ended.expect_failed();
    assert_eq!((failure.reason.as_str(), failure.fault()), ("DISK_FULL", Fault::Quota));
    assert!(failure.retry.as_ref().unwrap().retryable);
}

#[tokio::test]
async fn a_panic_fails_its_operation_and_no_other() {
    let harness = Harness::os(Plugin).await;
    let other = harness.start(request("hang")).await;
    let ended = harness.run(request("panic")).await;
    let failure = ended.expect_failed();
    assert_eq!((failure.reason.as_str(), failure.fault()), ("PLUGIN_PANIC", Fault::Plugin));
    assert!(failure.message.contains("index out of range"));
    other.cancel(Duration::from_secs(5)).await;
    assert!(matches!(other.end().await.outcome, Outcome::Cancelled(_)));
}

#[tokio::test]
async fn hanging_up_cancels_nothing_and_calling_again_replays() {
    let harness = Harness::os(Plugin).await;
    let mut running = harness.start(request("hang")).await;
    let state = running.until(|kind| matches!(kind, Kind::State(_))).await.unwrap();
    let again = running.reattach(state.seq).await;
    again.cancel(Duration::from_secs(5)).await;
    let ended = again.end().await;
    assert!(matches!(ended.outcome, Outcome::Cancelled(_)));
    assert_eq!(ended.events[0].seq, state.seq + 1);
}

#[tokio::test]
async fn an_id_in_use_is_refused_for_another_request() {
    let harness = Harness::os(Plugin).await;
    let running = harness.start(request("hang").operation_id("op")).await;
    let other = harness.run(request("report").operation_id("op")).await;
    let Outcome::Refused(status) = &other.outcome else { panic!("{:?}", other.outcome) };
    assert_eq!(status.code(), tonic::Code::AlreadyExists);
    assert_eq!(failure_in(status).unwrap().reason, "OPERATION_ID_REUSED");
    drop(running);
}

#[tokio::test]
async fn an_operation_that_is_not_known_is_not_resumed_in_the_middle() {
    let ended = Harness::os(Plugin).await.run(request("report").after_seq(5)).await;
    let Outcome::Refused(status) = &ended.outcome else { panic!("{:?}", ended.outcome) };
    assert_eq!(status.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_request_that_lacks_what_it_needs_is_refused_with_a_path() {
    let harness = Harness::os(Plugin).await;
    for (mutilate, path) in [
        ((|t| t.os = None) as fn(&mut proto::Template), "template/os"),
        (|t| t.os.as_mut().unwrap().install = None, "template/os/install"),
    ] {
        let mut template = template("Test", "1", "x86_64");
        mutilate(&mut template);
        let ended = harness.run(Request::base_image(template)).await;
        let Outcome::Refused(status) = &ended.outcome else { panic!("{:?}", ended.outcome) };
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(failure_in(status).unwrap().path, path);
    }
}

#[tokio::test]
async fn a_method_whose_capability_is_not_declared_is_unimplemented() {
    let base = input_image(template("Test", "1", "x86_64"), &[]);
    let request = Request::target_image("mock", base, CloudContent::default());
    let ended = Harness::os(Plugin).await.run(request).await;
    let Outcome::Refused(status) = &ended.outcome else { panic!("{:?}", ended.outcome) };
    assert_eq!(status.code(), tonic::Code::Unimplemented);
}

#[tokio::test]
async fn a_method_that_says_it_is_not_there_ends_with_a_status() {
    let ended = Harness::os(Plugin).await.run(request("refuse")).await;
    let Outcome::Refused(status) = &ended.outcome else { panic!("{:?}", ended.outcome) };
    assert_eq!(status.code(), tonic::Code::Unimplemented);
}

#[tokio::test]
async fn cancelling_announces_itself_and_ends_the_operation() {
    let harness = Harness::os(Plugin).await;
    let running = harness.start(request("hang")).await;
    running.cancel(Duration::from_secs(60)).await;
    let ended = running.end().await;
    assert!(matches!(&ended.outcome, Outcome::Cancelled(left) if left.is_empty()));
    let states = ended.events.iter().filter(|e| matches!(e.kind, Some(Kind::State(_)))).count();
    assert_eq!(states, 2, "running and cancelling");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_ignores_its_cancellation_is_aborted_after_the_grace() {
    let harness = Harness::os(Plugin).await;
    let running = harness.start(request("ignore-cancel")).await;
    running.cancel(Duration::from_secs(30)).await;
    running.cancel(Duration::from_secs(3)).await;
    running.cancel(Duration::from_secs(60)).await;
    let before = tokio::time::Instant::now();
    assert!(matches!(running.end().await.outcome, Outcome::Cancelled(_)));
    let took = before.elapsed();
    assert!((2..5).contains(&took.as_secs()), "the shortest grace counts, took {took:?}");
}

#[tokio::test]
async fn a_failure_after_the_cancellation_is_a_cancellation_that_says_why() {
    let harness = Harness::os(Plugin).await;
    let running = harness.start(request("fail-on-cancel")).await;
    running.cancel(Duration::from_secs(60)).await;
    let ended = running.end().await;
    assert!(matches!(ended.outcome, Outcome::Cancelled(_)));
    assert!(ended.log().contains("the clean-up failed"));
}

#[tokio::test]
async fn a_flood_against_a_reader_that_stalls_loses_nothing() {
    let harness = Harness::os(Plugin).await;
    let running = harness.start(request("flood")).await;
    // The reader does not read while the whole flood is written.
    while !harness.operations().await[0].ended {
        tokio::task::yield_now().await;
    }
    let ended = running.end().await;
    let lines = ended.expect_completed().log().lines().count();
    assert_eq!(lines, 100_000);
}

#[tokio::test]
async fn an_operation_is_forgotten_once_its_last_event_is_acknowledged() {
    let harness = Harness::os(Plugin).await;
    let running = harness.start(request("hang")).await;
    assert_eq!(harness.operations().await[0].method, "CreateBaseImage");
    running.cancel(Duration::ZERO).await;
    running.end().await;
    while !harness.operations().await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn more_operations_than_the_plugin_can_run_are_refused() {
    let harness = Harness::os(Plugin).await;
    let mut running = Vec::new();
    for _ in 0..3 {
        running.push(harness.start(request("hang")).await);
    }
    let ended = harness.run(request("report")).await;
    let Outcome::Refused(status) = &ended.outcome else { panic!("{:?}", ended.outcome) };
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert!(failure_in(status).unwrap().retry.unwrap().retryable);
}

#[tokio::test]
async fn a_role_is_announced_once() {
    let ended = Harness::os(Plugin).await.run(request("same-role")).await;
    assert_eq!(ended.expect_failed().reason, "ARTIFACT_ROLE_REPEATED");
}

#[tokio::test]
async fn a_resource_is_created_after_its_intent_is_durable() {
    let ended = Harness::os(Plugin).await.run(request("resource")).await;
    ended.expect_completed();
    let kinds: Vec<_> = ended.events.iter().filter_map(|event| event.kind.as_ref()).collect();
    let at = kinds.iter().position(|kind| matches!(kind, Kind::ResourceIntent(_))).unwrap();
    assert!(matches!(kinds[at + 1], Kind::ResourceCreated(_)));
    assert!(matches!(kinds[at + 2], Kind::ResourceDeleted(_)));
}

#[tokio::test]
async fn a_tools_progress_meter_becomes_progress_and_not_log() {
    let ended = Harness::os(Plugin).await.run(request("meter")).await;
    let percentages = ended.expect_completed().percentages();
    assert_eq!(percentages, [10.0, 90.0]);
    let log = ended.log();
    let mut lines: Vec<_> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["sh: bad", "sh: done"]);
}
