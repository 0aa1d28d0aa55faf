//! Images: recorded, listed, changed.

use super::*;
use crate::domain::{Event, IllegalTransition, SecretName, SecretSource, SecretSources};
use crate::store::{Error, EventQuery, ImageFilter};
use futures_util::FutureExt;
use serde_json::json;

#[tokio::test]
async fn every_field_of_an_image_and_every_kind_of_event_survive() {
    let scratch = Scratch::new().await;
    scratch.record(1).await;
    let json = json!({"b": 0.1, "a": {"z": [1, null, "ü"], "y": -1.7976931348623157e308}});
    let parameters = Parameters(json.as_object().unwrap().clone());
    let mut image = Image {
        kind: Kind::Provider,
        percent: 0.1 + 0.2,
        activity: "waiting".to_owned(),
        parent: Some(id(1)),
        target: Some("ec2".to_owned()),
        provider: Some("{\"name\":\"x\"}".to_owned()),
        snapshot: true,
        properties: parameters.clone(),
        parameters,
        secrets: SecretSources {
            credentials: Some(SecretSource::Named(SecretName::parse("prod.x").unwrap())),
            parameters: vec![("token".into(), SecretSource::Request)],
            template: true,
        },
        icicle_xml: Some("<first/>".to_owned()),
        attempt: 3,
        ..image(2)
    };
    let mut events = vec![scratch.insert(&image).await.unwrap()];
    let appended = scratch.append(&image.id, every_kind(scratch.root())).await.unwrap();
    events.extend(appended);
    for event in &events {
        image.apply(event).unwrap();
    }

    let other = scratch.again().await;
    assert_eq!(other.image(&image.id).await.unwrap().as_ref(), Some(&image));
    let query = EventQuery { images: vec![id(2)], ..EventQuery::default() };
    assert_eq!(other.events(&query).await.unwrap(), events);
    assert_eq!(image.artifacts.len(), 2);
    assert_eq!(image.icicle_xml.as_deref(), Some("<icicle/>"));
    assert_eq!(image.failure, Some(failure()));
}

#[tokio::test]
async fn a_new_image_is_told_of() {
    let scratch = Scratch::new().await;
    let mut cursor = scratch.cursor();
    cursor.mark_unchanged();
    let event = scratch.insert(&image(1)).await.unwrap();
    assert_eq!(
        event,
        Event {
            cursor: 1,
            image: id(1),
            time: at(0),
            kind: EventKind::Status { from: Status::New, to: Status::New, failure: None }
        }
    );
    assert_eq!(cursor.changed().now_or_never(), Some(()));
    assert_eq!(scratch.events(&EventQuery::default()).await.unwrap(), [event]);
}

#[tokio::test]
async fn an_image_that_can_not_be_recorded_leaves_nothing() {
    let scratch = Scratch::new().await;
    scratch.record(1).await;
    let duplicate = scratch.insert(&image(1)).await;
    assert!(matches!(duplicate, Err(Error::Duplicate(known)) if known == id(1)));
    let orphan = scratch.insert(&Image { parent: Some(id(9)), ..image(2) }).await;
    assert!(matches!(orphan, Err(Error::UnknownImage(unknown)) if unknown == id(9)));
    let done = scratch.insert(&Image { status: Status::Complete, ..image(3) }).await;
    assert!(matches!(done, Err(Error::Illegal { .. })), "{done:?}");
    assert_eq!(scratch.count_images(&ImageFilter::default()).await.unwrap(), 1);
    assert_eq!(scratch.last_cursor().await.unwrap(), 1);
    scratch.record(4).await;
    assert_eq!(scratch.last_cursor().await.unwrap(), 2);
}

#[tokio::test]
async fn an_illegal_step_is_refused_and_nothing_is_written() {
    use Status::*;
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let before = scratch.image(&image).await.unwrap();
    let events = vec![log("first"), step(New, Pending), step(Pending, Complete)];
    let refused = scratch.append(&image, events).await;
    let Err(Error::Illegal { image: named, source }) = refused else { panic!("{refused:?}") };
    assert_eq!((named, source), (image.clone(), IllegalTransition { from: Pending, to: Complete }));
    assert_eq!(scratch.image(&image).await.unwrap(), before);
    assert_eq!(scratch.events(&EventQuery::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_image_takes_no_events() {
    let scratch = Scratch::new().await;
    let refused = scratch.append(&id(7), vec![log("x")]).await;
    assert!(matches!(refused, Err(Error::UnknownImage(unknown)) if unknown == id(7)));
    assert_eq!(scratch.image(&id(7)).await.unwrap(), None);
    assert!(matches!(scratch.owned_here(&id(7)).await, Err(Error::UnknownImage(_))));
    assert!(matches!(scratch.request_cancel(&id(7)).await, Err(Error::UnknownImage(_))));
}
