//! Torture: the real daemon and its plugins are killed again and again, on a small file system that fills up, and afterwards
//! nothing is stuck, nothing is left in the cloud, and no process, mount, socket or file is left.
//!
//! ```text
//! cargo test --test e2e torture                             some kills
//! TORTURE_KILLS=1000 cargo test --test e2e torture          as many (`make torture`)
//! TORTURE_SEED=7 …                                          asks for the same things and aims at the same places again
//! ```

use crate::support::client::Client;
use crate::support::factory::{Daemon, Sandbox};
use crate::support::leftovers::files_in;
use crate::support::small_disk::{SmallDisk, on_small_disk};
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{Image, ImageStatus};
use factoryd::domain::StepState;
use factoryd::store::{ImageFilter, Options, Page, Store};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KILLS: u64 = 30;
const DISK: u64 = 96 * 1024 * 1024;
/// How long a killed daemon's processes may live on.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(5);
/// How long everything may take to come to rest.
const REST_DEADLINE: Duration = Duration::from_secs(180);
const METHODS: [&str; 7] = [
    "CreateBaseImage",
    "ShouldCreateTargetImage",
    "CreateTargetImage",
    "DidCreateTargetImage",
    "PushImageToProvider",
    "SnapshotImageOnProvider",
    "DeleteFromProvider",
];

#[test]
fn torture_leaves_nothing_stuck_and_nothing_behind() {
    on_small_disk("torture::torture_leaves_nothing_stuck_and_nothing_behind", DISK, |disk| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(Torture::new(disk).run());
    });
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Chance (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % end
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let len = from.len() as u64;
        if len == 0 { None } else { from.get(usize::try_from(self.below(len)).unwrap()) }
    }
}

/// What was done to the factory.
#[derive(Debug, Default)]
struct Tally {
    daemons: u64,
    plugins: u64,
    full: u64,
    /// In which steps images were when their daemon was killed.
    steps: BTreeMap<String, u64>,
}

struct Torture<'a> {
    disk: &'a SmallDisk,
    sandbox: Sandbox,
    cloud: PathBuf,
    chance: Chance,
    tally: Tally,
}

impl<'a> Torture<'a> {
    fn new(disk: &'a SmallDisk) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed = number("TORTURE_SEED").unwrap_or(now.as_secs());
        println!("TORTURE_SEED={seed}");
        let sandbox = Sandbox::in_directory(disk.path());
        let cloud = sandbox.path().join("cloud");
        std::fs::create_dir(&cloud).unwrap();
        Self { disk, sandbox, cloud, chance: Chance(seed), tally: Tally::default() }
    }

    async fn run(mut self) {
        let kills = number("TORTURE_KILLS").unwrap_or(KILLS);
        let mut daemon = self.sandbox.daemon();
        while self.tally.daemons + self.tally.plugins < kills {
            daemon = self.round(daemon).await;
        }
        self.rest(daemon).await;
    }

    /// Asks for something, waits until something happens, and kills.
    async fn round(&mut self, daemon: Daemon) -> Daemon {
        let mut client = daemon.connect().await;
        self.tidy(&mut client).await;
        let is_full = self.chance.below(5) == 0;
        if is_full {
            self.disk.fill(self.chance.below(512 * 1024));
            self.tally.full += 1;
        }
        for _ in 0..=self.chance.below(3) {
            self.ask(&mut client).await;
        }
        self.wait_for_something(&mut client).await;
        let plugin_first = self.chance.below(3) == 0;
        if plugin_first {
            self.kill_plugin(&daemon);
        }
        if plugin_first && self.chance.below(2) == 0 {
            if is_full {
                self.disk.empty();
            }
            return daemon;
        }
        self.kill_daemon(daemon, is_full).await
    }

    /// Keeps the disk from filling up for good.
    async fn tidy(&mut self, client: &mut Client) {
        let images = client.images().await;
        let settled = images.iter().filter(|image| is_settled(image));
        let old: Vec<&Image> = settled.collect();
        if 40 < old.len() {
            for image in old.iter().rev() {
                _ = client.delete(&image.id).await;
            }
        }
    }

    async fn ask(&mut self, client: &mut Client) {
        let images = client.images().await;
        let targets: Vec<&Image> = images
            .iter()
            .filter(|image| image.kind() == factory_proto::factory_v1::ImageKind::Target)
            .collect();
        let parameters = self.parameters();
        let provider = json!({"directory": self.cloud}).to_string();
        // A refusal is an answer too.
        match self.chance.below(7) {
            0 => _ = client.create_base(&Tdl::mock("torture"), &parameters).await,
            1 => _ = client.create_target(&Tdl::mock("torture"), "mock", &parameters).await,
            2 | 3 => {
                let Some(target) = self.chance.pick(&targets) else {
                    _ = client.create_target(&Tdl::mock("torture"), "mock", &parameters).await;
                    return;
                };
                _ = client.create_provider_with(target, &provider, "", &parameters).await;
            }
            4 => _ = client.snapshot(&Tdl::mock("torture"), "mock", &provider, &parameters).await,
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

    /// Plugins take their time; one kills itself somewhere now and then.
    fn parameters(&mut self) -> Value {
        let delay = self.chance.below(60);
        let mut parameters = json!({"mock_steps": 3, "mock_delay_ms": delay});
        if self.chance.below(3) == 0 {
            let method = self.chance.pick(&METHODS).copied();
            parameters["mock_misbehave"] = json!("kill");
            parameters["mock_misbehave_in"] = json!(method);
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
        _ = tokio::time::timeout(Duration::from_millis(700), pass).await;
    }

    fn kill_plugin(&mut self, daemon: &Daemon) {
        let members = daemon.brood().members();
        let plugins = members.iter().filter(|line| line.contains("factory-plugin-"));
        let plugins: Vec<&String> = plugins.collect();
        let Some(plugin) = self.chance.pick(&plugins) else { return };
        let pid = plugin.split_once(' ').and_then(|(pid, _)| Pid::from_raw(pid.parse().ok()?));
        // It may have ended by itself.
        if pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok()) {
            self.tally.plugins += 1;
        }
    }

    async fn kill_daemon(&mut self, daemon: Daemon, is_full: bool) -> Daemon {
        let brood = daemon.kill();
        self.tally.daemons += 1;
        assert_eq!(brood.survivors(ORPHAN_DEADLINE), Vec::<String>::new());
        if is_full {
            self.disk.empty();
        }
        self.count_steps().await;
        self.sandbox.daemon()
    }

    /// Looks into the journal of the dead for the steps that were under way.
    async fn count_steps(&mut self) {
        let store = Store::open(Options { root: self.sandbox.store() }).await.unwrap();
        let images = store.images(&ImageFilter::default(), &Page::default()).await.unwrap().items;
        for image in images.iter().filter(|image| !image.status.is_settled()) {
            let steps = store.steps(&image.id).await.unwrap();
            let begun = steps.iter().find(|step| step.state == StepState::Begun);
            let step = begun.map_or_else(
                || format!("{} {}", image.kind, image.status),
                |step| step.name.to_string(),
            );
            *self.tally.steps.entry(step).or_default() += 1;
        }
        store.close().await;
    }

    /// Lets everything come to rest, and counts what is left.
    async fn rest(mut self, daemon: Daemon) {
        let daemon = self.kill_daemon(daemon, false).await;
        let mut client = daemon.connect().await;
        settle(&mut client).await;
        self.assert_cloud(&mut client).await;
        for _ in 0..3 {
            for image in client.images().await.iter().rev() {
                _ = client.delete(&image.id).await;
            }
            settle(&mut client).await;
        }
        self.assert_cloud(&mut client).await;
        let left: Vec<Image> = client.images().await;
        assert!(left.is_empty(), "images that can't be deleted: {left:#?}");
        let ended = daemon.stop();
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(self.sandbox.left_behind(&ended), Vec::<String>::new());
        assert_eq!(files_in(&self.sandbox.store().join("images")), Vec::<PathBuf>::new());
        assert_eq!(self.things(), Vec::<String>::new());
        let Tally { daemons, plugins, full, steps } = &self.tally;
        println!(
            "{} kills: {daemons} of daemons, {plugins} of plugins; the disk was full {full} times",
            daemons + plugins
        );
        println!("0 stuck, 0 leaked, 0 left behind; killed in {steps:#?}");
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

fn is_settled(image: &Image) -> bool {
    use ImageStatus::{Complete, Deleted, Deletefailed, Failed};
    [Complete, Failed, Deleted, Deletefailed].contains(&image.status())
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
