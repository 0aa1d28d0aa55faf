//! Rounds in which somebody is killed in a step.

use super::slices::Slices;
use super::tally::Victim;
use super::{Full, Torture};
use crate::support::client::Client;
use crate::support::factory::Daemon;
use factoryd::domain::{Status, StepName};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often a step is aimed at before the test gives up.
const AIMS_MAX: usize = 30;
/// How many moments a daemon gets to come to a step, and how long each is at most.
const SLICES_MAX: usize = 1_000;
const SLICE: Duration = Duration::from_micros(700);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How an aim went.
enum Aimed {
    /// The step was met.
    Hit(Daemon),
    /// It was not; somebody may have been killed elsewhere.
    Missed(Daemon),
}

impl Torture<'_> {
    /// Kills somebody in a step.
    pub(super) async fn in_step(
        &mut self,
        mut daemon: Daemon,
        step: StepName,
        victim: Victim,
    ) -> Daemon {
        for _ in 0..AIMS_MAX {
            let passes = matches!(step, StepName::KeepFiles | StepName::RemoveBodies);
            let aimed = match passes {
                true => self.passing(daemon, step, victim).await,
                false => self.waiting(daemon, step, victim).await,
            };
            daemon = match aimed {
                Aimed::Hit(daemon) => return daemon,
                Aimed::Missed(daemon) => daemon,
            };
        }
        panic!("{victim:?} was never met in {step}:\n{}", self.tally);
    }

    /// Kills in a step in which somebody waits.
    async fn waiting(&mut self, daemon: Daemon, step: StepName, victim: Victim) -> Aimed {
        let mut client = daemon.connect().await;
        let Ok(bait) = self.lure(&mut client, step, victim).await else {
            return Aimed::Missed(daemon);
        };
        if !self.reach(&mut client, &bait).await {
            return Aimed::Missed(daemon);
        }
        let aimed = self.shoot(daemon, &bait.image, step, victim).await;
        self.contents.release();
        aimed
    }

    /// Kills in a step that the daemon is soon through with.
    async fn passing(&mut self, daemon: Daemon, step: StepName, victim: Victim) -> Aimed {
        let mut client = daemon.connect().await;
        let Ok(bait) = self.lure(&mut client, step, victim).await else {
            return Aimed::Missed(daemon);
        };
        let id = bait.image.clone();
        if step == StepName::KeepFiles {
            made(&mut client, &id).await;
        }
        let (slices, mut requests) = (Slices::of(&daemon), JoinSet::new());
        if step == StepName::RemoveBodies {
            // Its daemon may be killed, or the image be in use.
            requests.spawn(async move { _ = client.delete(&id).await });
        }
        let is_met = self.slice_to(&slices, &bait.image, step).await;
        if !is_met {
            slices.go();
            return Aimed::Missed(daemon);
        }
        let aimed = self.shoot(daemon, &bait.image, step, victim).await;
        if victim != Victim::Daemon {
            slices.go();
        }
        aimed
    }

    /// Lets a stopped daemon run until an image is in a step. Answers whether it ever was.
    async fn slice_to(&mut self, slices: &Slices, image: &str, step: StepName) -> bool {
        for _ in 0..SLICES_MAX {
            slices.run(self.chance.time(SLICE));
            let look = self.look().await;
            if look.is_in(image, step) {
                return true;
            }
            let status = look.status(image);
            let over = match step {
                StepName::RemoveBodies => status.is_none(),
                _ => status.is_none_or(Status::is_settled),
            };
            if over {
                return false;
            }
        }
        false
    }

    async fn shoot(
        &mut self,
        daemon: Daemon,
        image: &str,
        step: StepName,
        victim: Victim,
    ) -> Aimed {
        if victim != Victim::Daemon {
            return match self.kill_plugin(&daemon, Some(step), victim) {
                true => Aimed::Hit(daemon),
                false => Aimed::Missed(daemon),
            };
        }
        let full = if self.chance.one_in(6) { Full::Throughout } else { Full::Never };
        match self.kill_daemon(daemon, Some((image, step)), full).await {
            (daemon, true) => Aimed::Hit(daemon),
            (daemon, false) => Aimed::Missed(daemon),
        }
    }
}

/// Waits until the OS plugin makes a target image, or that has failed.
async fn made(client: &mut Client, id: &str) {
    let making = StepName::CreateTargetImage.as_str();
    while client.image(id).await.error.is_none()
        && !client.steps(id).await.iter().any(|step| step.name == making)
    {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
