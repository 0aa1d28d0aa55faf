//! Images that are on their way to a step, in which they wait to be interrupted.

use super::Torture;
use super::chance::Chance;
use super::tally::Victim;
use crate::support::client::{Client, is_settled};
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::event::Kind;
use factory_proto::factory_v1::{Image, ImageKind, ImageStatus};
use factoryd::domain::StepName;
use serde_json::{Value, json};
use std::time::Duration;
use tonic::Status;

/// How long an image may take to get to a step, on a busy machine.
const BEGIN_DEADLINE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How long to wait for a plugin to say that it is at a point. Not every one says so.
const POINT_WAIT: Duration = Duration::from_millis(150);
/// How far a step gets that nothing holds.
const WALK: Duration = Duration::from_millis(60);

const PUSH_POINTS: [&str; 9] = [
    "",
    "intent:upload",
    "create:upload",
    "confirm:upload",
    "delete:upload",
    "deleted:upload",
    "intent:image",
    "create:image",
    "confirm:image",
];
const SNAPSHOT_POINTS: [&str; 9] = [
    "",
    "intent:key",
    "create:key",
    "confirm:volume",
    "intent:instance",
    "create:instance",
    "create:image",
    "delete:instance",
    "deleted:key",
];
const DELETE_POINTS: [&str; 3] = ["", "delete:provider-image", "deleted:provider-image"];

/// An image that goes to a step.
pub(super) struct Bait {
    pub(super) image: String,
    pub(super) step: StepName,
    /// The plugin waits in the step, or the server of contents does.
    pub(super) is_held: bool,
    /// Where in the step.
    point: &'static str,
}

impl Torture<'_> {
    /// Starts an image that gets to a step, and has an interruption there to wait for.
    ///
    /// # Errors
    /// If the daemon refuses: the disk is full, or what it is made from is being deleted.
    pub(super) async fn lure(
        &mut self,
        client: &mut Client,
        step: StepName,
        victim: Victim,
    ) -> Result<Bait, Status> {
        let points: &[&str] = match step {
            StepName::PushImageToProvider => &PUSH_POINTS,
            StepName::SnapshotImageOnProvider => &SNAPSHOT_POINTS,
            StepName::DeleteFromProvider => &DELETE_POINTS,
            _ => &[""],
        };
        let point = self.chance.pick(points).copied().unwrap_or_default();
        // What is not held may be through before a plugin is found.
        let walks = victim == Victim::Daemon && self.chance.one_in(4);
        let is_held = !walks || step == StepName::FetchContents;
        let parameters = if is_held { held(step, point) } else { walking(&mut self.chance, WALK) };
        let image = self.start(client, step, &parameters).await?.id;
        Ok(Bait { image, step, is_held, point })
    }

    async fn start(
        &mut self,
        client: &mut Client,
        step: StepName,
        parameters: &Value,
    ) -> Result<Image, Status> {
        let plain = Tdl::mock("torture");
        match step {
            StepName::FetchContents => {
                let url = self.contents.url();
                let file = format!("<file name='/etc/motd' type='url'>{url}</file>");
                let template = plain.section(&format!("<files>{file}</files>"));
                self.base(client).await?;
                client.create_base(&template, &json!({})).await
            }
            StepName::CreateBaseImage => client.create_base(&plain, parameters).await,
            StepName::ShouldCreateTargetImage
            | StepName::WillCreateTargetImage
            | StepName::CreateTargetImage
            | StepName::DidCreateTargetImage => {
                client.create_target(&plain, "mock", parameters).await
            }
            StepName::KeepFiles => {
                // So that there is time to stop the daemon before it comes to the step.
                let slow = json!({"mock_steps": 1, "mock_delay_ms": 30});
                client.create_target(&plain, "mock", &slow).await
            }
            StepName::PushImageToProvider => self.push(client, parameters).await,
            StepName::SnapshotImageOnProvider => {
                client.snapshot(&plain, "mock", &self.provider(), parameters).await
            }
            StepName::DeleteFromProvider => {
                let pushed = self.push(client, parameters).await?;
                client.ended(&pushed.id).await;
                client.delete(&pushed.id).await
            }
            StepName::RemoveBodies => self.base(client).await,
        }
    }

    async fn base(&self, client: &mut Client) -> Result<Image, Status> {
        let base = client.create_base(&Tdl::mock("torture"), &json!({})).await?;
        Ok(client.ended(&base.id).await)
    }

    async fn push(&mut self, client: &mut Client, parameters: &Value) -> Result<Image, Status> {
        let of = |image: &&Image| {
            image.kind() == ImageKind::Target && image.status() == ImageStatus::Complete
        };
        let images = client.images().await;
        let targets: Vec<&Image> = images.iter().filter(of).collect();
        let target = match self.chance.pick(&targets) {
            Some(target) => (*target).clone(),
            None => {
                let template = Tdl::mock("torture");
                let target = client.create_target(&template, "mock", &json!({})).await?;
                client.ended(&target.id).await
            }
        };
        client.create_provider_with(&target, &self.provider(), "", parameters).await
    }

    /// Waits until an image is in its step, and tells whether it ever was.
    pub(super) async fn reach(&mut self, client: &mut Client, bait: &Bait) -> bool {
        let deadline = tokio::time::Instant::now() + BEGIN_DEADLINE;
        loop {
            let steps = client.steps(&bait.image).await;
            let mut begun = steps.iter().filter(|step| step.name == bait.step.as_str());
            if begun.any(|step| step.state == "begun") {
                break;
            }
            let image = client.image(&bait.image).await;
            if is_settled(&image) {
                return false;
            }
            assert!(tokio::time::Instant::now() < deadline, "not in {}: {image:#?}", bait.step);
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if !bait.point.is_empty() && bait.is_held {
            let said = tokio::time::timeout(POINT_WAIT, said(client, bait));
            _ = said.await;
        } else if !bait.is_held {
            tokio::time::sleep(self.chance.time(WALK)).await;
        }
        true
    }
}

/// Waits until a plugin says that it is at the point where it waits.
async fn said(client: &mut Client, bait: &Bait) {
    let mut events = client.follow(&bait.image, 0).await;
    let line = format!("at {}", bait.point);
    while let Ok(Some(event)) = events.message().await {
        if matches!(&event.kind, Some(Kind::Log(log)) if log.message == line) {
            return;
        }
    }
}

/// The parameters of an image that waits in a step, the first time.
fn held(step: StepName, point: &str) -> Value {
    let mut parameters = json!({
        "mock_steps": 2,
        "mock_misbehave": "hang",
        "mock_misbehave_in": method(step),
        "mock_misbehave_attempts": 1,
    });
    if !point.is_empty() {
        parameters["mock_misbehave_at"] = json!(point);
    }
    parameters
}

/// The parameters of an image whose plugins take their time.
fn walking(chance: &mut Chance, at_most: Duration) -> Value {
    json!({"mock_steps": 3, "mock_delay_ms": chance.time(at_most).as_millis()})
}

/// Answers the contract's method that a step calls.
fn method(step: StepName) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    step.as_str().split('-').map(capital).collect()
}
