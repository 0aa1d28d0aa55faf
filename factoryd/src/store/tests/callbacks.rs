//! Callbacks: what is due, to whom, and who delivers it.

use super::*;
use crate::store::{Callback, CallbackState, NewCallback};

fn new(name: &str, origin: &str) -> NewCallback {
    let origin = format!("http://{origin}");
    let url = format!("{origin}/{name}");
    NewCallback { id: name.to_owned(), url, origin, credentials: false }
}

fn step(from: Status, to: Status) -> (SystemTime, EventKind) {
    (SystemTime::now(), EventKind::Status { from, to, failure: None })
}

async fn due(store: &Store) -> Vec<Callback> {
    store.due_callbacks(SystemTime::now(), 4).await.unwrap()
}

fn names(callbacks: &[Callback]) -> Vec<&str> {
    callbacks.iter().map(|callback| callback.id.as_str()).collect()
}

#[tokio::test]
async fn a_callback_is_due_after_a_change_until_that_is_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let recorded = store.insert_with(&image(1), &[new("a", "x")]).await.unwrap();
    assert_eq!(due(&store).await, [], "that it is recorded is no news");
    store.append(&id(1), vec![log("x")]).await.unwrap();
    assert_eq!(due(&store).await, [], "nor is a line of log");
    let changed = store.append(&id(1), vec![step(Status::New, Status::Pending)]).await.unwrap();
    let [mut one] = due(&store).await.try_into().unwrap();
    assert_eq!((one.delivered, one.state), (recorded.cursor, CallbackState::Active));

    one.next = SystemTime::now() + Duration::from_secs(60);
    (one.attempts, one.failing, one.problem) = (3, Some(UNIX_EPOCH), "no answer".to_owned());
    store.update_callback(&one).await.unwrap();
    assert_eq!(due(&store).await, []);
    assert_eq!(store.next_callback().await.unwrap(), Some(one.next));
    let later = store.due_callbacks(one.next, 4).await.unwrap();
    assert_eq!(later, std::slice::from_ref(&one));

    one.delivered = changed[0].cursor;
    store.update_callback(&one).await.unwrap();
    assert_eq!(store.next_callback().await.unwrap(), None);
    one.state = CallbackState::Done;
    store.update_callback(&one).await.unwrap();
    store.append(&id(1), vec![step(Status::Pending, Status::Building)]).await.unwrap();
    assert_eq!(store.due_callbacks(one.next, 4).await.unwrap(), []);
}

#[tokio::test]
async fn a_busy_origin_does_not_crowd_out_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let callbacks = ["a1", "a2", "a3", "b1"].map(|name| new(name, &name[..1]));
    let change = vec![step(Status::New, Status::Pending)];
    store.insert(&image(1)).await.unwrap();
    store.append_with(&id(1), change, &callbacks).await.unwrap();
    let due = store.due_callbacks(SystemTime::now(), 2).await.unwrap();
    assert_eq!(names(&due), ["a1", "a2", "b1"], "those that came with a change are told of it");
}

#[tokio::test]
async fn callbacks_of_a_dead_process_belong_to_the_one_that_asks_first() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (open(directory.path()).await, open(directory.path()).await);
    first.insert_with(&image(1), &[new("a", "x")]).await.unwrap();
    first.append(&id(1), vec![step(Status::New, Status::Pending)]).await.unwrap();
    second.claim_callbacks().await.unwrap();
    assert_eq!((due(&first).await.len(), due(&second).await.len()), (1, 0), "its owner lives");
    drop(first);
    let third = open(directory.path()).await;
    second.claim_callbacks().await.unwrap();
    third.claim_callbacks().await.unwrap();
    assert_eq!((due(&second).await.len(), due(&third).await.len()), (1, 0));
}
