//! What is left once everything has come to rest: nothing.

use super::Torture;
use crate::support::client::{Client, is_settled};
use crate::support::factory::Daemon;
use crate::support::leftovers::{everything_in, files_in};
use crate::support::program::Ended;
use factory_proto::factory_v1::{Image, ImageStatus};
use std::path::PathBuf;
use std::time::Duration;

/// How long everything may take to come to rest.
const REST_DEADLINE: Duration = Duration::from_secs(180);
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);
/// Why an image may fail here. All else is a mistake of the factory's.
const REASONS: [&str; 8] = [
    "CANCELLED",
    "INTERRUPTED",
    "MOCK_WRITE",
    "NO_SPACE",
    "PARENT_FAILED",
    "PLUGIN_CRASHED",
    "PLUGIN_PANIC",
    // It was killed while it started.
    "PLUGIN_START_FAILED",
];

impl Torture<'_> {
    /// Lets everything come to rest, counts what is left, and prints what was done.
    pub(super) async fn rest(mut self, daemon: Daemon) {
        let mut client = daemon.connect().await;
        settle(&mut client).await;
        self.assert_cloud(&mut client).await;
        let mut check = self.sandbox.factory();
        Ended::of(check.args(["--server", daemon.address(), "fsck"]), COMMAND_DEADLINE).succeeded();
        for _ in 0..3 {
            self.delete_all(&mut client).await;
            settle(&mut client).await;
        }
        self.assert_cloud(&mut client).await;
        let left: Vec<Image> = client.images().await;
        assert!(left.is_empty(), "images that can't be deleted: {left:#?}");
        println!("{}", self.tally);
        let ended = daemon.stop();
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(self.sandbox.left_behind(&ended), Vec::<String>::new());
        let store = self.sandbox.store();
        for directory in ["images", "kept", "work", "owners"] {
            assert_eq!(everything_in(&store.join(directory)), Vec::<PathBuf>::new());
        }
        assert_eq!(self.things(), Vec::<String>::new());
        assert!(self.mistakes.is_empty(), "{:#?}", self.mistakes);
        println!("0 stuck, 0 leaked, 0 left behind");
        self.tally.assert_everywhere();
    }

    /// Asks for everything to be deleted, children first, and notes why images failed.
    pub(super) async fn delete_all(&mut self, client: &mut Client) {
        for image in client.images().await.iter().rev().filter(|image| is_settled(image)) {
            // What is refused is asked for again.
            if client.delete(&image.id).await.is_ok() && image.status() == ImageStatus::Failed {
                let reason = image.error.as_ref().map(|error| error.reason.clone());
                let reason = reason.unwrap_or_default();
                if !REASONS.contains(&reason.as_str()) {
                    self.mistakes.push(image.clone());
                }
                *self.tally.reasons.entry(reason).or_default() += 1;
            }
        }
    }

    /// Lists what is in the cloud. A file that is hidden was never made a resource: who wrote it was killed before.
    fn things(&self) -> Vec<String> {
        let names = files_in(&self.cloud).into_iter();
        let names = names.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// What is in the cloud is what complete images own, once the ledger is settled.
    async fn assert_cloud(&self, client: &mut Client) {
        let deadline = tokio::time::Instant::now() + REST_DEADLINE;
        loop {
            let left = client.resources(false).await;
            if left.is_empty() {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "left over: {left:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut owned: Vec<String> =
            client.resources(true).await.into_iter().map(|it| it.resource_id).collect();
        let mut there = self.things();
        owned.sort();
        there.sort();
        assert_eq!(there, owned, "what is in the cloud, and what complete images own");
    }
}

/// Waits until no image is being worked on.
async fn settle(client: &mut Client) {
    let deadline = tokio::time::Instant::now() + REST_DEADLINE;
    loop {
        let images = client.images().await;
        let stuck: Vec<&Image> = images.iter().filter(|image| !is_settled(image)).collect();
        if stuck.is_empty() {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "stuck: {stuck:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
