//! Room on the disk, reserved before a build begins.
//!
//! Disks of images are sparse: a Debian of 2 GiB has some 390 MB of data. So what is reserved is what will probably be
//! allocated, and not the size that a guest sees:
//!
//! | image | estimate |
//! |---|---|
//! | base | what the last complete base image of the same name takes, and a quarter more; else the setting `disk_estimate`. Never more than its template's disk, twice: an installed tree, and the disk made of it |
//! | target | twice what its parent takes: a copy that is worked on, and what it becomes |
//! | push | what its parent takes: a compressed copy at most |
//! | snapshot | nothing: it is made elsewhere |
//!
//! The setting `disk_overcommit` is how many percent of the free space may be promised. What builds have written already is gone
//! from the free space and still promised to them, so that the rule errs by waiting.

use crate::domain::{EventKind, Image, Kind, Progress};
use crate::filesystem::{Bytes, Shortage, Space};
use crate::jobs::{Job, Jobs, LOOK_AGAIN};
use crate::pipeline;
use crate::store::{ImageFilter, Page, Store};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a build waits for room before it fails.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// What builds may take of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskOptions {
    /// How many bytes builds leave free.
    pub free_min: u64,
    /// How many bytes an image takes of which nothing is known; 0: nothing is reserved for it.
    pub estimate: u64,
    /// How many percent of the free space may be promised.
    pub overcommit: u32,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self { free_min: 256 << 20, estimate: 1 << 30, overcommit: 100 }
    }
}

/// What can be done about a need for room.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Go,
    Wait,
    GiveUp,
}

/// Decides by what is needed, what is promised to others and what the file system has.
fn decide(needed: u64, promised: u64, space: &Space, options: &DiskOptions) -> Decision {
    let usable = |bytes: u64| {
        let bytes = bytes.saturating_sub(options.free_min);
        (u128::from(bytes) * u128::from(options.overcommit) / 100) as u64
    };
    if usable(space.total) < needed {
        Decision::GiveUp
    } else if needed <= usable(space.free).saturating_sub(promised) {
        Decision::Go
    } else {
        Decision::Wait
    }
}

impl Jobs {
    /// Reserves room for a job, once there is some. It is the job's until its image is settled.
    ///
    /// # Errors
    /// If there can never be so much, there is none for too long, or the job is cancelled.
    pub(super) async fn room(
        &self,
        job: &Job,
        cancellation: &CancellationToken,
    ) -> pipeline::Result<()> {
        let needed = self.estimate(job).await?;
        if needed == 0 {
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        let mut told = false;
        loop {
            let (decision, space) = self.try_to_reserve(&job.image, needed).await?;
            match decision {
                Decision::Go => return Ok(()),
                Decision::Wait if tokio::time::Instant::now() < deadline => {}
                _ => return Err(shortage(self.0.store.root(), needed, space)),
            }
            if !told {
                self.tell(&job.image, needed, &space).await?;
                told = true;
            }
            let pause = cancellation.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await;
            pause.ok_or_else(|| pipeline::cancelled(&[]))?;
        }
    }

    async fn try_to_reserve(
        &self,
        image: &Image,
        needed: u64,
    ) -> pipeline::Result<(Decision, Space)> {
        let (store, options) = (&self.0.store, self.0.options.disk);
        let space = store.space().map_err(|error| pipeline::store_failed(&error))?;
        let mut decision = Decision::GiveUp;
        store
            .reserve(&image.id, needed, |promised| {
                decision = decide(needed, promised, &space, &options);
                decision == Decision::Go
            })
            .await
            .map_err(|error| pipeline::store_failed(&error))?;
        Ok((decision, space))
    }

    async fn tell(&self, image: &Image, needed: u64, space: &Space) -> pipeline::Result<()> {
        let activity = format!("waiting for {} on {}", Bytes(needed), space.mount.display());
        let progress = Progress { activity, ..Progress::default() };
        let events = vec![(self.0.store.now(), EventKind::Progress(progress))];
        let told = self.0.store.append(&image.id, events).await;
        told.map(drop).map_err(|error| pipeline::store_failed(&error))
    }

    /// Answers how many bytes a job will probably take.
    async fn estimate(&self, job: &Job) -> pipeline::Result<u64> {
        let (store, image) = (&self.0.store, &job.image);
        let parent = match &image.parent {
            Some(parent) => store.image(parent).await,
            None => Ok(None),
        };
        let parent = parent.map_err(|error| pipeline::store_failed(&error))?;
        let of_parent = parent.as_ref().map_or(0, allocated);
        Ok(match image.kind {
            Kind::Base => {
                let last = last_like(store, image).await;
                let last = last.map_err(|error| pipeline::store_failed(&error))?;
                base(
                    last.as_ref().map(allocated),
                    job.template.disk_size_bytes,
                    self.0.options.disk.estimate,
                )
            }
            Kind::Target => of_parent.saturating_mul(2),
            Kind::Provider if image.snapshot => 0,
            Kind::Provider => of_parent,
        })
    }
}

/// Answers how many bytes a base image will probably take.
fn base(last: Option<u64>, disk: Option<u128>, unknown: u64) -> u64 {
    let estimate = last.map_or(unknown, |last| last.saturating_add(last / 4));
    let most =
        disk.map_or(u64::MAX, |disk| u64::try_from(disk).unwrap_or(u64::MAX).saturating_mul(2));
    estimate.min(most)
}

/// Answers how many bytes the files of an image take, without their holes.
fn allocated(image: &Image) -> u64 {
    let blocks = |path: &Path| path.metadata().map_or(0, |found| found.blocks() * 512);
    image.artifacts.iter().map(|artifact| blocks(&artifact.path)).sum()
}

/// Answers the last complete image of the same kind and name.
async fn last_like(store: &Store, image: &Image) -> Result<Option<Image>, crate::store::Error> {
    let filter = ImageFilter {
        kind: Some(image.kind),
        status: Some(crate::domain::Status::Complete),
        name: Some(image.name.clone()),
        ..ImageFilter::default()
    };
    let count = store.count_images(&filter).await?;
    let page = Page { offset: count.saturating_sub(1), limit: Some(1), ..Page::default() };
    Ok(store.images(&filter, &page).await?.items.pop())
}

fn shortage(root: &Path, needed: u64, space: Space) -> Box<crate::domain::Failure> {
    let path = root.to_owned();
    Box::new(Shortage { path, needed, quota: false, space: Some(space) }.failure())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn decided(needed: u64, promised: u64, free: u64, overcommit: u32) -> Decision {
        let space = Space { mount: "/".into(), free: free * GIB, total: 100 * GIB, files: None };
        let options = DiskOptions { free_min: GIB, estimate: GIB, overcommit };
        decide(needed * GIB, promised * GIB, &space, &options)
    }

    #[test]
    fn a_build_begins_if_what_is_free_and_not_promised_is_enough() {
        assert_eq!(decided(4, 0, 5, 100), Decision::Go);
        assert_eq!(decided(4, 1, 5, 100), Decision::Wait, "1 GiB is promised");
        assert_eq!(decided(5, 0, 5, 100), Decision::Wait, "1 GiB stays free");
        assert_eq!(decided(4, 0, 0, 100), Decision::Wait);
        assert_eq!(decided(8, 0, 5, 200), Decision::Go, "twice as much may be promised");
        assert_eq!(decided(2, 0, 5, 50), Decision::Go);
        assert_eq!(decided(3, 0, 5, 50), Decision::Wait);
    }

    #[test]
    fn a_build_that_can_never_fit_is_not_waited_for() {
        assert_eq!(decided(100, 0, 100, 100), Decision::GiveUp);
        assert_eq!(decided(99, 0, 10, 100), Decision::Wait);
    }

    #[test]
    fn a_base_image_takes_what_the_last_one_took_and_never_more_than_its_disk() {
        assert_eq!(base(None, None, GIB), GIB);
        assert_eq!(base(Some(400), None, GIB), 500);
        assert_eq!(base(None, Some(u128::from(GIB / 4)), GIB), GIB / 2);
        assert_eq!(base(None, Some(u128::MAX), GIB), GIB);
        assert_eq!(base(None, None, 0), 0);
    }
}
