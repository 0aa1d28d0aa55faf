//! Events: cursors, readers, many of them.

use super::*;
use crate::domain::Event;
use crate::store::EventQuery;
use futures_util::FutureExt;
use std::collections::BTreeSet;
use std::task::{Context, Waker};
use std::time::Instant;
use tokio::task::JoinSet;

fn cursors(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.cursor).collect()
}

async fn read(store: &Store, query: EventQuery) -> Vec<u64> {
    cursors(&store.events(&query).await.unwrap())
}

#[tokio::test]
async fn cursors_rise_over_all_images_and_a_reader_gets_exactly_what_came_after() {
    let scratch = Scratch::new().await;
    let (one, two) = (scratch.record(1).await, scratch.record(2).await);
    let first = scratch.append(&one, vec![log("a"), progress(1.0)]).await.unwrap();
    let second = scratch.append(&two, vec![progress(2.0)]).await.unwrap();
    let third = scratch.append(&one, vec![progress(3.0)]).await.unwrap();
    assert_eq!(
        [cursors(&first), cursors(&second), cursors(&third)],
        [vec![3, 4], vec![5], vec![6]]
    );

    let all = EventQuery::default();
    let cases = [
        (all.clone(), vec![1, 2, 3, 4, 5, 6]),
        (EventQuery { after: 4, ..all.clone() }, vec![5, 6]),
        (EventQuery { after: 6, ..all.clone() }, vec![]),
        (EventQuery { after: u64::MAX, ..all.clone() }, vec![]),
        (EventQuery { limit: 2, after: 1, ..all.clone() }, vec![2, 3]),
        (EventQuery { logs: false, ..all.clone() }, vec![1, 2, 4, 5, 6]),
        (EventQuery { images: vec![one.clone()], ..all.clone() }, vec![1, 3, 4, 6]),
        (
            EventQuery { images: vec![one.clone()], after: 3, logs: false, ..all.clone() },
            vec![4, 6],
        ),
        (EventQuery { images: vec![two.clone()], ..all.clone() }, vec![2, 5]),
        (EventQuery { images: vec![two.clone(), one], ..all.clone() }, vec![1, 2, 3, 4, 5, 6]),
        (EventQuery { images: vec![two, id(9)], after: 2, ..all.clone() }, vec![5]),
        (EventQuery { images: vec![id(9)], ..all.clone() }, vec![]),
        (EventQuery { images: vec![id(9), id(8)], ..all }, vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(read(&scratch, query.clone()).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn a_reader_that_comes_after_the_end_misses_nothing() {
    use Status::*;
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let told = scratch.append(&image, steps(&[New, Pending, Building, Complete])).await.unwrap();
    let late = scratch.again().await;
    assert_eq!(late.last_cursor().await.unwrap(), 4);
    let query = EventQuery { images: vec![image], after: 1, ..EventQuery::default() };
    assert_eq!(late.events(&query).await.unwrap(), told);
}

#[tokio::test]
async fn a_cursor_is_never_used_twice() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    scratch.append(&image, vec![log("a"), log("b")]).await.unwrap();
    let mut transaction =
        scratch.inner.writer.begin(crate::store::writer::Durability::Process).await.unwrap();
    sqlx::query("DELETE FROM events").execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    let next = scratch.append(&image, vec![log("c")]).await.unwrap();
    assert_eq!(cursors(&next), [4]);
}

#[tokio::test]
async fn what_another_process_writes_shows_in_the_last_cursor_and_is_no_news() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let other = scratch.again().await;
    let mut news = other.cursor();
    scratch.append(&image, vec![log("a")]).await.unwrap();
    assert_eq!(other.last_cursor().await.unwrap(), 2);
    assert_eq!(news.changed().now_or_never(), None);
    other.insert(&super::image(2)).await.unwrap();
    assert_eq!(news.changed().now_or_never(), Some(()));
    assert_eq!(other.last_cursor().await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_in_two_processes_get_cursors_of_their_own() {
    let scratch = Scratch::new().await;
    let other = scratch.again().await;
    let mut writers = JoinSet::new();
    for number in 0..8 {
        let store = if number % 2 == 0 { scratch.store.clone() } else { other.clone() };
        store.insert(&super::image(number)).await.unwrap();
        let image = id(number);
        writers.spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..25 {
                let events = store.append(&image, vec![log("x"), progress(1.0)]).await.unwrap();
                seen.extend(cursors(&events));
            }
            assert!(seen.is_sorted());
            seen
        });
    }
    let seen: Vec<u64> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 8 * 50);
    assert_eq!(seen.iter().max(), Some(&(8 * 51)));
    let logs = EventQuery { images: vec![id(3)], ..EventQuery::default() };
    assert_eq!(read(&scratch, logs).await.len(), 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_follows_sees_every_event_once_and_in_order() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let (store, mut cursor) = (scratch.store.clone(), scratch.cursor());
    let mut reader = JoinSet::new();
    reader.spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 301 {
            let after = seen.last().copied().unwrap_or(0);
            let news = read(&store, EventQuery { after, limit: 7, ..EventQuery::default() }).await;
            if news.is_empty() {
                cursor.changed().await;
            }
            seen.extend(news);
        }
        seen
    });
    for _ in 0..100 {
        scratch.append(&image, vec![log("a"), log("b"), log("c")]).await.unwrap();
    }
    assert_eq!(reader.join_next().await.unwrap().unwrap(), (1..=301).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_append_whose_caller_goes_away_is_whole_or_absent_and_the_next_works() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    for polls in 0..40 {
        let mut append = Box::pin(scratch.append(&image, vec![log("a"), log("b")]));
        for _ in 0..polls {
            let mut context = Context::from_waker(Waker::noop());
            if append.as_mut().poll(&mut context).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(append);
    }
    scratch.append(&image, vec![log("last"), log("of all")]).await.unwrap();
    let events = scratch.events(&EventQuery { after: 1, ..EventQuery::default() }).await.unwrap();
    assert!(events.len() % 2 == 0, "half of an append was written");
    assert_eq!(cursors(&events), (2..2 + events.len() as u64).collect::<Vec<_>>());
    let image = scratch.image(&image).await.unwrap().unwrap();
    assert_eq!(image.last_cursor, events.last().unwrap().cursor);
}

#[tokio::test]
async fn a_hundred_thousand_lines_of_log_are_no_burden() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let began = Instant::now();
    for batch in 0..100 {
        let mut lines =
            vec![log("a line of log of about the usual length, with a number or two"); 999];
        lines.push(progress(f64::from(batch)));
        scratch.append(&image, lines).await.unwrap();
    }
    let written = began.elapsed();
    let query = EventQuery { images: vec![image.clone()], logs: false, ..EventQuery::default() };
    assert_eq!(read(&scratch, query).await.len(), 101);
    let query = EventQuery { images: vec![image], after: 99_000, ..EventQuery::default() };
    assert_eq!(read(&scratch, query).await.len(), 1000);
    // A tenth of a second for a thousand events would be far too slow, even unoptimised on a busy machine.
    assert!(written.as_secs() < 10, "100 000 events took {written:?}");
}
