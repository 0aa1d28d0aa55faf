//! Stores that earlier versions wrote.
//!
//! `fixtures/v1.sql` is what schema 1 held, as text. It is never changed: stores like it exist.

use super::*;
use crate::store::{EventQuery, ImageFilter, LedgerFilter, Page};
use sqlx::{ConnectOptions, Connection};

async fn restore(root: &Path, dump: &'static str) {
    let options = crate::store::schema::options(&root.join("factory.db")).foreign_keys(false);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_store_of_schema_1_can_be_read_and_written() {
    let directory = tempfile::tempdir().unwrap();
    restore(directory.path(), include_str!("../fixtures/v1.sql")).await;
    let store = open(directory.path()).await;

    let images = store.images(&ImageFilter::default(), &Page::default()).await.unwrap().items;
    assert_eq!(images.iter().map(|image| &image.id).collect::<Vec<_>>(), [&id(1), &id(2)]);
    let events = store.events(&EventQuery::default()).await.unwrap();
    let expected = every_kind(store.root());
    let told: Vec<_> = events[2..].iter().map(|event| (event.time, event.kind.clone())).collect();
    assert_eq!(told, expected);
    let mut image = Image {
        target: Some("docker".to_owned()),
        kind: Kind::Target,
        parent: Some(id(1)),
        ..image(2)
    };
    events[1..].iter().for_each(|event| image.apply(event).unwrap());
    assert_eq!(images[1], image);
    let open = store.ledger(&LedgerFilter::default()).await.unwrap();
    let open: Vec<_> = open.iter().map(|it| (it.image.clone(), it.kept)).collect();
    assert_eq!(open, [(id(2), false)]);
    assert_eq!(store.abandoned().await.unwrap().len(), 1);
    let next = store.append(&id(1), vec![log("x")]).await.unwrap();
    assert_eq!(next[0].cursor, 15);
}
