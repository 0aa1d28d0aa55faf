//! The ledger: what is in it, what belongs to images, and who settles what is left over.

use super::*;
use crate::store::{LedgerEntry, LedgerFilter, Left, Postponed};
use ResourceState::{Created, Deleted, Intent};
use Status::{Building, Complete, Deleting, Failed, New, Pending};

/// What is said of a resource that lasts or not, in an operation.
fn told(
    state: ResourceState,
    intent: &str,
    lasting: bool,
    operation: &str,
) -> (SystemTime, EventKind) {
    let (time, EventKind::Resource(resource)) = resource(state, intent, "") else { unreachable!() };
    let resource_id = if state == Created { format!("{intent}-1") } else { String::new() };
    let (plugin, operation) = ("cloud".to_owned(), operation.to_owned());
    (time, EventKind::Resource(Resource { resource_id, lasting, plugin, operation, ..resource }))
}

async fn all(store: &Store, kept: bool) -> Vec<LedgerEntry> {
    store.ledger(&LedgerFilter { kept, ..LedgerFilter::default() }).await.unwrap()
}

async fn open(store: &Store) -> Vec<(String, ResourceState)> {
    let entries = all(store, false).await.into_iter();
    entries.map(|entry| (entry.resource.intent_id, entry.resource.state)).collect()
}

fn names(entries: &[LedgerEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.resource.intent_id.as_str()).collect()
}

fn orphans() -> Left {
    Left { orphans: true, ..Left::default() }
}

fn postponed(entry: &LedgerEntry, needs_credentials: bool, next: SystemTime) -> Postponed {
    Postponed { number: entry.number, problem: "busy".to_owned(), needs_credentials, next }
}

impl Scratch {
    /// An image that ends as asked, with an upload and an image in its ledger.
    async fn pushed(&self, number: u32, end: Status) -> ImageId {
        let image = self.record(number).await;
        self.append(&image, steps(&[New, Pending, Building])).await.unwrap();
        let events =
            [("upload", false), ("image", true)].into_iter().flat_map(|(name, lasting)| {
                [told(Intent, name, lasting, "op"), told(Created, name, lasting, "op")]
            });
        self.append(&image, events.collect()).await.unwrap();
        self.append(&image, steps(&[Building, end])).await.unwrap();
        image
    }
}

#[tokio::test]
async fn the_ledger_has_what_is_not_deleted() {
    let scratch = Scratch::new().await;
    let (one, two) = (scratch.record(1).await, scratch.record(2).await);
    let events = vec![
        resource(Intent, "a", ""),
        resource(Intent, "b", ""),
        resource(Created, "a", "vol-1"),
        resource(Deleted, "a", ""),
        // The same name in another step: both may exist.
        resource(Created, "b", "vol-2"),
        resource(Intent, "b", ""),
    ];
    scratch.append(&one, events).await.unwrap();
    scratch.append(&two, vec![resource(Intent, "a", "")]).await.unwrap();

    let of_one = LedgerFilter { image: Some(one.clone()), ..LedgerFilter::default() };
    let open = scratch.again().await.ledger(&of_one).await.unwrap();
    let states: Vec<_> = open
        .iter()
        .map(|it| {
            (it.resource.intent_id.as_str(), it.resource.state, it.resource.resource_id.as_str())
        })
        .collect();
    assert_eq!(states, [("b", Created, "vol-2"), ("b", Intent, "")]);
    assert_eq!(open[0].resource.locator_json, "{\"region\":\"x\"}");
    assert_eq!((open[0].declared, open[0].busy, open[0].kept), (at(4), true, false));
    assert_eq!(all(&scratch, false).await.len(), 3);

    scratch
        .append(&one, vec![resource(Deleted, "b", ""), resource(Deleted, "b", "")])
        .await
        .unwrap();
    assert_eq!(scratch.ledger(&of_one).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_said_in_an_operation_is_of_that_operation() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let events = vec![
        told(Intent, "image", true, "first"),
        told(Intent, "image", true, "second"),
        told(Created, "image", true, "first"),
        told(Deleted, "image", true, "second"),
    ];
    scratch.append(&image, events).await.unwrap();
    let left = all(&scratch, false).await;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].resource.operation.as_str(), left[0].resource.state), ("first", Created));
}

#[tokio::test]
async fn a_complete_image_owns_what_lasts_until_it_is_deleted() {
    let scratch = Scratch::new().await;
    let image = scratch.pushed(1, Complete).await;
    assert_eq!(open(&scratch).await, [("upload".to_owned(), Created)]);
    let kept: Vec<_> = all(&scratch, true).await.into_iter().filter(|entry| entry.kept).collect();
    assert_eq!(names(&kept), ["image"]);

    let known = CloudIdentifiers { identifier_on_provider: "ami".into(), ..Default::default() };
    scratch.append(&image, vec![(at(5), EventKind::CloudIdentifiers(known))]).await.unwrap();
    scratch.append(&image, steps(&[Complete, Deleting, Status::Deleted])).await.unwrap();
    assert_eq!(names(&all(&scratch, true).await), ["upload"]);
}

#[tokio::test]
async fn what_a_deleted_image_owned_that_was_never_known_in_its_account_is_left_over() {
    let scratch = Scratch::new().await;
    let image = scratch.pushed(1, Complete).await;
    scratch.append(&image, steps(&[Complete, Deleting, Status::Deleted])).await.unwrap();
    assert_eq!(names(&all(&scratch, false).await), ["upload", "image"]);
}

#[tokio::test]
async fn only_the_last_operation_of_a_complete_image_made_what_it_owns() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    scratch.append(&image, steps(&[New, Pending, Building])).await.unwrap();
    let events = ["first", "second"].into_iter().flat_map(|operation| {
        [told(Intent, "image", true, operation), told(Created, "image", true, operation)]
    });
    scratch.append(&image, events.collect()).await.unwrap();
    scratch.append(&image, steps(&[Building, Complete])).await.unwrap();
    let left = all(&scratch, false).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].resource.operation, "first");
}

#[tokio::test]
async fn what_is_adopted_later_belongs_to_its_complete_image() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    scratch.append(&image, steps(&[New, Pending, Building])).await.unwrap();
    scratch.append(&image, vec![told(Intent, "image", true, "op")]).await.unwrap();
    scratch.append(&image, steps(&[Building, Complete])).await.unwrap();
    assert_eq!(open(&scratch).await, [("image".to_owned(), Intent)]);
    scratch.append(&image, vec![told(Created, "image", false, "op")]).await.unwrap();
    assert_eq!(open(&scratch).await, []);
}

#[tokio::test]
async fn what_is_left_over_is_claimed_by_one_newest_first_and_only_once_nobody_works_on_the_image()
{
    let scratch = Scratch::new().await;
    let busy = scratch.record(1).await;
    scratch.append(&busy, vec![told(Intent, "busy", false, "op")]).await.unwrap();
    scratch.pushed(2, Failed).await;
    let claimed = scratch.claim_left_over(at(9), &orphans()).await.unwrap();
    assert_eq!(names(&claimed), ["image", "upload"]);
    assert!(claimed.iter().all(|entry| entry.claimed && entry.attempts == 1));
    assert_eq!(scratch.claim_left_over(at(9), &orphans()).await.unwrap(), []);
    assert_eq!(scratch.next_left_over().await.unwrap(), None);

    let again: Vec<_> = claimed.iter().map(|entry| postponed(entry, false, at(20))).collect();
    scratch.postpone(&again).await.unwrap();
    assert_eq!(scratch.next_left_over().await.unwrap(), Some(at(20)));
    assert_eq!(scratch.claim_left_over(at(19), &orphans()).await.unwrap(), []);
    scratch.hasten(&[claimed[0].number]).await.unwrap();
    let hastened = scratch.claim_left_over(at(19), &orphans()).await.unwrap();
    assert_eq!(names(&hastened), ["image"]);
    assert_eq!((hastened[0].attempts, hastened[0].problem.as_str()), (2, "busy"));
}

#[tokio::test]
async fn what_living_processes_left_over_is_theirs_and_what_dead_ones_did_is_anybodys() {
    let scratch = Scratch::new().await;
    let other = scratch.again().await;
    scratch.pushed(1, Failed).await;
    assert_eq!(other.claim_left_over(at(9), &orphans()).await.unwrap(), []);
    let claimed = scratch.claim_left_over(at(9), &orphans()).await.unwrap();
    assert_eq!(claimed.len(), 2);
    // It dies with its claims.
    let Scratch { store, directory: _directory } = scratch;
    drop(store);
    assert_eq!(other.claim_left_over(at(9), &Left::default()).await.unwrap(), []);
    assert_eq!(other.claim_left_over(at(9), &orphans()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_waits_for_credentials_is_claimed_by_who_has_them_alone() {
    let scratch = Scratch::new().await;
    let image = scratch.pushed(1, Failed).await;
    let claimed = scratch.claim_left_over(at(9), &orphans()).await.unwrap();
    let again: Vec<_> = claimed.iter().map(|entry| postponed(entry, true, at(9))).collect();
    scratch.postpone(&again).await.unwrap();
    let waiting = all(&scratch, false).await;
    assert!(waiting.iter().all(|it| it.needs_credentials && it.attempts == 0 && !it.claimed));
    assert_eq!(scratch.next_left_over().await.unwrap(), None);
    assert_eq!(scratch.claim_left_over(at(99), &orphans()).await.unwrap(), []);
    let own = Left { own: vec![image.clone()], ..Left::default() };
    assert_eq!(scratch.claim_left_over(at(99), &own).await.unwrap(), []);
    let keyed = Left { keyed: vec![image], ..Left::default() };
    assert_eq!(scratch.claim_left_over(at(99), &keyed).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_settled_while_it_is_claimed_stays_settled() {
    let scratch = Scratch::new().await;
    let image = scratch.pushed(1, Failed).await;
    let claimed = scratch.claim_left_over(at(9), &orphans()).await.unwrap();
    let gone = ["image", "upload"].map(|name| told(Deleted, name, false, "op"));
    scratch.append(&image, gone.into()).await.unwrap();
    let again: Vec<_> = claimed.iter().map(|entry| postponed(entry, false, at(9))).collect();
    scratch.postpone(&again).await.unwrap();
    assert_eq!(all(&scratch, true).await, []);
}
