//! Torture: the real daemon and its plugins are killed in every step of the journal and at random times, on a small file system that
//! fills up, and afterwards nothing is stuck, nothing is left in the cloud, and no process, mount, socket or file is left.
//!
//! ```text
//! cargo test --test e2e torture                             some kills
//! TORTURE_KILLS=1000 cargo test --test e2e torture          as many (`make torture`)
//! TORTURE_SEED=7 …                                          asks for the same things and aims at the same places again
//! ```
//!
//! | step | how it is met |
//! |---|---|
//! | `fetch-contents` | the server of contents does not answer |
//! | a method of a plugin | the plugin waits in it, before or after what it creates in the cloud; or takes its time |
//! | `keep-files`, `remove-bodies` | the daemon runs for moments at a time, until the journal has the step as begun |

mod aimed;
mod bait;
mod chance;
mod contents;
mod journal;
mod kill;
mod random;
mod rest;
mod slices;
mod tally;

use crate::support::client::Client;
use crate::support::factory::{Daemon, Sandbox};
use crate::support::small_disk::{SmallDisk, on_small_disk};
use chance::{Chance, number};
use contents::Contents;
use factory_proto::factory_v1::Image;
use factoryd::domain::StepName;
use journal::Look;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tally::{Tally, Victim};

const KILLS: u64 = 30;
const DISK: u64 = 96 * 1024 * 1024;
/// How many rounds in which somebody is killed at a random time there are to each in which somebody is killed in a step.
const RANDOM_ROUNDS: usize = 8;
/// How many images there may be before those that are settled are deleted.
const IMAGES_MAX: usize = 40;
/// Contents come from this machine. What builds are expected to take, and to leave, is more than there is.
const FLAGS: [&str; 6] =
    ["--outbound-allow", "127.0.0.1", "--disk-estimate", "0", "--disk-free-min", "0"];
/// How long a killed daemon's processes may live on.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(5);

#[test]
fn torture_leaves_nothing_stuck_and_nothing_behind() {
    on_small_disk("torture::torture_leaves_nothing_stuck_and_nothing_behind", DISK, |disk| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(Torture::new(disk).run());
    });
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Round {
    /// Somebody is killed in this step.
    In(StepName, Victim),
    /// Somebody is killed at a random time.
    Random,
}

/// When the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    Never,
    /// Before the kill.
    Before,
    /// When somebody is killed, and while the next daemon starts.
    Throughout,
}

struct Torture<'a> {
    disk: &'a SmallDisk,
    sandbox: Sandbox,
    cloud: PathBuf,
    contents: Contents,
    chance: Chance,
    tally: Tally,
    /// Images that failed for a reason for which none may.
    mistakes: Vec<Image>,
}

impl<'a> Torture<'a> {
    fn new(disk: &'a SmallDisk) -> Self {
        let sandbox = Sandbox::in_directory(disk.path());
        let cloud = sandbox.path().join("cloud");
        std::fs::create_dir(&cloud).unwrap();
        let (chance, tally) = (Chance::new(), Tally::default());
        Self {
            disk,
            sandbox,
            cloud,
            contents: Contents::serve(),
            chance,
            tally,
            mistakes: Vec::new(),
        }
    }

    async fn run(mut self) {
        let kills = number("TORTURE_KILLS").unwrap_or(KILLS);
        let mut daemon = self.start_daemon();
        while self.tally.kills() < kills {
            for round in self.rounds() {
                daemon = match round {
                    Round::In(step, victim) => self.in_step(daemon, step, victim).await,
                    Round::Random => self.at_random(daemon).await,
                };
                self.tidy(&mut daemon.connect().await).await;
            }
        }
        self.rest(daemon).await;
    }

    /// Answers rounds in which everybody is killed everywhere.
    fn rounds(&mut self) -> Vec<Round> {
        let mut rounds = vec![Round::Random; RANDOM_ROUNDS];
        for step in StepName::ALL {
            let init = if self.chance.one_in(4) { Victim::Init } else { Victim::Plugin };
            rounds.extend([Round::In(step, Victim::Daemon), Round::In(step, init)]);
        }
        self.chance.shuffle(&mut rounds);
        rounds
    }

    /// Keeps the disk from filling up for good.
    async fn tidy(&mut self, client: &mut Client) {
        if IMAGES_MAX < client.images().await.len() {
            self.delete_all(client).await;
        }
    }

    fn start_daemon(&self) -> Daemon {
        self.sandbox.daemon_with(&FLAGS)
    }

    fn provider(&self) -> String {
        json!({"directory": self.cloud}).to_string()
    }

    fn fill(&mut self, left: u64) {
        self.disk.fill(left);
        self.tally.full += 1;
    }

    /// Kills a plugin, of that name if there is one, and counts that. Answers whether there was any.
    fn kill_plugin(&mut self, daemon: &Daemon, step: Option<StepName>, victim: Victim) -> bool {
        let name = match step {
            Some(StepName::CreateBaseImage | StepName::CreateTargetImage) => "mock-os",
            Some(StepName::FetchContents | StepName::KeepFiles | StepName::RemoveBodies) | None => {
                "mock-"
            }
            Some(_) => "mock-cloud",
        };
        let plugins = daemon.plugins(name);
        let plugin = self.chance.pick(&plugins);
        let killed = plugin.is_some_and(|plugin| kill::kill_plugin(*plugin, victim));
        if killed {
            self.tally.count(step, victim);
        }
        killed
    }

    /// Kills the daemon, counts that, and starts the next. A kill in a step is one only if the journal of the dead has the image
    /// there. Answers whether it was.
    async fn kill_daemon(
        &mut self,
        daemon: Daemon,
        aim: Option<(&str, StepName)>,
        full: Full,
    ) -> (Daemon, bool) {
        if full == Full::Throughout {
            self.fill(0);
        }
        let brood = daemon.kill();
        assert_eq!(brood.survivors(ORPHAN_DEADLINE), Vec::<String>::new());
        let hit = match aim {
            Some((image, step)) => self.look().await.is_in(image, step).then_some(step),
            None => None,
        };
        self.tally.count(hit, Victim::Daemon);
        if full != Full::Throughout {
            self.disk.empty();
            return (self.start_daemon(), hit.is_some());
        }
        let next = self.start_daemon();
        self.tally.full_starts += 1;
        self.disk.empty();
        (next, hit.is_some())
    }

    /// Looks into the journal of a daemon that is dead or stopped.
    async fn look(&self) -> Look {
        // On another file system there is room.
        journal::look(&self.sandbox.store(), self.disk.path().parent().unwrap()).await
    }
}
