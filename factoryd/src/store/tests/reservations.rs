//! Room that is promised to builds.

use super::*;

#[tokio::test]
async fn what_is_promised_counts_until_the_image_is_settled() {
    let scratch = Scratch::new().await;
    let other = scratch.again().await;
    let (one, two) = (scratch.record(1).await, scratch.record(2).await);
    assert!(scratch.reserve(&one, 5, |promised| promised == 0).await.unwrap());
    assert!(
        scratch.reserve(&one, 7, |promised| promised == 0).await.unwrap(),
        "its own is no other's"
    );
    assert!(!other.reserve(&two, 1, |promised| promised != 7).await.unwrap());
    assert!(other.reserve(&two, 1, |promised| promised == 7).await.unwrap());
    scratch.append(&one, steps(&[Status::New, Status::Failed])).await.unwrap();
    assert!(other.reserve(&two, 1, |promised| promised == 0).await.unwrap());
}

#[tokio::test]
async fn what_was_promised_to_a_process_that_is_dead_is_free() {
    let scratch = Scratch::new().await;
    let (one, two) = (scratch.record(1).await, scratch.record(2).await);
    let other = scratch.again().await;
    assert!(other.reserve(&one, 5, |_| true).await.unwrap());
    drop(other);
    assert!(scratch.reserve(&two, 5, |promised| promised == 0).await.unwrap());
}
