//! Rounds in which something is asked for, something happens, and somebody is killed at any time.

use super::tally::Victim;
use super::{Full, Torture};
use crate::support::client::{Client, is_settled};
use crate::support::factory::Daemon;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{Image, ImageKind};
use serde_json::{Value, json};
use std::time::Duration;

/// How long to wait for events at most: there may be none.
const EVENTS_WAIT: Duration = Duration::from_millis(500);
/// What plugins do by themselves in a method.
const MISBEHAVIOURS: [&str; 5] = ["kill", "crash", "fork", "fill", "panic"];
const METHODS: [&str; 7] = [
    "CreateBaseImage",
    "ShouldCreateTargetImage",
    "CreateTargetImage",
    "DidCreateTargetImage",
    "PushImageToProvider",
    "SnapshotImageOnProvider",
    "DeleteFromProvider",
];

impl Torture<'_> {
    /// Asks for something, waits until something happens, and kills.
    pub(super) async fn at_random(&mut self, daemon: Daemon) -> Daemon {
        let mut client = daemon.connect().await;
        let full = match self.chance.below(4) {
            0 => Full::Before,
            1 => Full::Throughout,
            _ => Full::Never,
        };
        if full == Full::Before {
            let left = self.chance.below(512 * 1024);
            self.fill(left);
        }
        for _ in 0..=self.chance.below(3) {
            self.ask(&mut client).await;
        }
        self.wait_for_something(&mut client).await;
        let plugin_first = self.chance.one_in(3);
        if plugin_first {
            let victim = if self.chance.one_in(3) { Victim::Init } else { Victim::Plugin };
            self.kill_plugin(&daemon, None, victim);
        }
        if plugin_first && self.chance.one_in(2) {
            self.disk.empty();
            return daemon;
        }
        self.kill_daemon(daemon, None, full).await.0
    }

    async fn ask(&mut self, client: &mut Client) {
        let images = client.images().await;
        let is_target = |image: &&Image| image.kind() == ImageKind::Target;
        let targets: Vec<&Image> = images.iter().filter(is_target).collect();
        let parameters = self.parameters();
        let provider = self.provider();
        let template = Tdl::mock("torture");
        // A refusal is an answer too.
        match self.chance.below(7) {
            0 => _ = client.create_base(&template, &parameters).await,
            1 => _ = client.create_target(&template, "mock", &parameters).await,
            2 | 3 => match self.chance.pick(&targets) {
                None => _ = client.create_target(&template, "mock", &parameters).await,
                Some(target) => {
                    _ = client.create_provider_with(target, &provider, "", &parameters).await;
                }
            },
            4 => _ = client.snapshot(&template, "mock", &provider, &parameters).await,
            5 => {
                let Some(image) = self.chance.pick(&images) else { return };
                _ = client.delete(&image.id).await;
            }
            _ => {
                let Some(image) = self.chance.pick(&images) else { return };
                _ = client.cancel(&image.id).await;
            }
        }
    }

    /// Plugins take their time; one misbehaves somewhere now and then.
    fn parameters(&mut self) -> Value {
        let delay = self.chance.below(60);
        let mut parameters = json!({"mock_steps": 3, "mock_delay_ms": delay});
        if self.chance.one_in(3) {
            parameters["mock_misbehave"] = json!(self.chance.pick(&MISBEHAVIOURS));
            parameters["mock_misbehave_in"] = json!(self.chance.pick(&METHODS));
            parameters["mock_misbehave_attempts"] = json!(1);
        }
        parameters
    }

    /// Lets some events pass, or some time if there are none.
    async fn wait_for_something(&mut self, client: &mut Client) {
        let count = self.chance.below(25);
        let images = client.images().await;
        let Some(image) = images.iter().rev().find(|image| !is_settled(image)) else { return };
        let mut events = client.follow(&image.id, image.last_cursor).await;
        let pass = async {
            for _ in 0..count {
                if !matches!(events.message().await, Ok(Some(_))) {
                    return;
                }
            }
        };
        _ = tokio::time::timeout(EVENTS_WAIT, pass).await;
    }
}
