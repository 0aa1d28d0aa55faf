//! The end of a run: the faults have ended, all comes to rest, and is deleted.

use crate::promises::Record;
use crate::readers::Reader;
use crate::site::Site;
use crate::story::deletion;
use factoryd::domain::{Secret, Status};
use factoryd::factory::{CheckOptions, Factory, ReapRequest, Severity};
use factoryd::store::{EventQuery, ImageFilter, LedgerFilter, Page, Store};
use std::sync::Arc;
use std::time::Duration;

/// How long things may take to come to rest, at 0.3 seconds a look.
const LOOKS_MAX: u32 = 1000;
const LOOK: Duration = Duration::from_millis(300);

/// Waits until all is at rest, checks, deletes everything and checks again.
pub(crate) async fn rest(site: &Site, readers: &[Arc<Reader>], factory: &Factory, store: &Store) {
    Rest { site, readers, factory, store }.come().await;
}

/// Sees that whatever a factory left that died beside this one is gone on with.
pub(crate) async fn nothing_is_stuck(site: &Site, store: &Store) {
    settle(store).await;
    let record = Record::read(store).await;
    site.promises(&record).nothing_is_stuck();
}

async fn settle(store: &Store) {
    for _ in 0..LOOKS_MAX {
        let images = store.images(&ImageFilter::default(), &Page::default()).await.unwrap();
        if images.items.iter().all(|image| image.status.is_settled()) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

struct Rest<'a> {
    site: &'a Site,
    readers: &'a [Arc<Reader>],
    factory: &'a Factory,
    store: &'a Store,
}

impl Rest<'_> {
    /// Waits until all is at rest, checks, deletes everything and checks again.
    async fn come(&self) {
        settle(self.store).await;
        self.settle_ledger().await;
        self.catch_up().await;
        let record = Record::read(self.store).await;
        self.site.promises(&record).check(self.readers, &self.site.story.granted());
        self.store_is_sound().await;
        self.delete_all().await;
        self.settle_ledger().await;
        self.catch_up().await;
        let record = Record::read(self.store).await;
        self.site.promises(&record).nothing_is_left();
        self.store_is_sound().await;
        self.site.promises(&record).check(self.readers, &self.site.story.granted());
    }

    /// Gives credentials for what waits for some, and waits until nothing is left over.
    async fn settle_ledger(&self) {
        let credentials = Secret::new("secret:key");
        let request = ReapRequest { numbers: Vec::new(), image: None, credentials };
        self.factory.reap(request).await.unwrap();
        let mut left = Vec::new();
        for _ in 0..LOOKS_MAX {
            left = self.store.ledger(&LedgerFilter::default()).await.unwrap();
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.site.machine.wrong(format!("the ledger is not settled: {left:?}"));
    }

    /// Waits until all readers have seen all that is for them.
    async fn catch_up(&self) {
        let query = |logs| EventQuery { limit: usize::MAX, logs, ..EventQuery::default() };
        for reader in self.readers {
            let all = self.store.events(&query(reader.logs)).await.unwrap();
            let last = all.last().map_or(0, |event| event.cursor);
            let mut looks = 0..LOOKS_MAX;
            while reader.cursor() < last && looks.next().is_some() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if reader.cursor() < last {
                let (seen, number) = (reader.cursor(), reader.number);
                self.site
                    .machine
                    .wrong(format!("reader {number} does not get beyond {seen} of {last}"));
            }
        }
    }

    /// Lets the store be checked, with all digests.
    async fn store_is_sound(&self) {
        let options = CheckOptions { repair: false, digests: true };
        let checked = self.site.machine.drive(self.store.check(options)).unwrap();
        let bad = checked.findings.iter().filter(|found| found.severity == Severity::Error);
        for found in bad {
            self.site.machine.wrong(format!("the store is not sound: {}", found.message));
        }
    }

    async fn delete_all(&self) {
        let images =
            self.store.images(&ImageFilter::default(), &Page::default()).await.unwrap().items;
        let deleted = |id| images.iter().all(|image| image.id != id);
        let roots = images.iter().filter(|image| image.parent.clone().is_none_or(deleted));
        for image in roots {
            if let Err(error) = self.factory.delete(deletion(image.id.clone(), true)).await {
                let status: Status = image.status;
                self.site
                    .machine
                    .wrong(format!("image {}, {status}, can't be deleted: {error}", image.id));
            }
        }
        settle(self.store).await;
    }
}
