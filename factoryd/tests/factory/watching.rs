//! Following images.

use crate::fake::{Script, world};
use factoryd::domain::Event;
use factoryd::factory::WatchRequest;
use futures_util::TryStreamExt;

#[tokio::test]
async fn a_reader_gets_exactly_what_came_after_its_cursor() {
    let world = world(Script::default()).await;
    let base = world.base().await;
    let (_, all) = world.settled(&base.id).await;
    for (index, event) in all.iter().enumerate() {
        for follow in [true, false] {
            let request = WatchRequest {
                images: vec![base.id.clone()],
                after: event.cursor,
                follow,
                logs: true,
            };
            let rest: Vec<Event> = world.factory.watch(request).try_collect().await.unwrap();
            assert_eq!(rest, all[index + 1..]);
        }
    }
}

#[tokio::test]
async fn cursors_rise_over_all_images() {
    let world = world(Script::default()).await;
    let (first, second) = (world.base().await, world.base().await);
    world.settled(&first.id).await;
    world.settled(&second.id).await;
    let request = WatchRequest { logs: true, ..WatchRequest::default() };
    let all: Vec<Event> = world.factory.watch(request).try_collect().await.unwrap();
    assert!(all.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
    assert!(all.iter().any(|e| e.image == first.id) && all.iter().any(|e| e.image == second.id));
}
