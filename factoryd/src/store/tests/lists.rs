//! Lists: what is in them, page by page, and that they read no more than they show.

use super::{Scratch, id, image, steps};
use crate::domain::{Image, ImageId, Kind, Status};
use crate::store::lists::select;
use crate::store::{ImageFilter, Page};
use sqlx::Row;

fn all() -> ImageFilter {
    ImageFilter { include_deleted: true, ..ImageFilter::default() }
}

async fn ids(scratch: &Scratch, filter: &ImageFilter, page: &Page) -> (Vec<ImageId>, bool) {
    let whole = scratch.images(filter, page).await.unwrap();
    let listed = scratch.image_ids(filter, page).await.unwrap();
    let of_whole: Vec<_> = whole.items.into_iter().map(|image| image.id).collect();
    assert_eq!((&of_whole, whole.more), (&listed.items, listed.more), "{filter:?} {page:?}");
    (listed.items, listed.more)
}

#[tokio::test]
async fn images_are_listed_oldest_first_by_what_they_are() {
    use Status::*;
    let scratch = Scratch::new().await;
    scratch.record(5).await;
    for (number, parent) in [(3, 5), (4, 5), (1, 3)] {
        let parent = Some(id(parent));
        let target = Some(format!("target{number}"));
        let provider = Some("here".to_owned());
        let name = format!("name{number}");
        let image = Image { kind: Kind::Target, parent, target, provider, name, ..image(number) };
        scratch.insert(&image).await.unwrap();
    }
    scratch.append(&id(4), steps(&[New, Failed, Deleting, Deleted])).await.unwrap();
    scratch.append(&id(3), steps(&[New, Pending])).await.unwrap();

    let some = ImageFilter::default();
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (some.clone(), vec![5, 3, 1]),
        (all(), vec![5, 3, 4, 1]),
        (ImageFilter { kind: Some(Kind::Target), ..some.clone() }, vec![3, 1]),
        (ImageFilter { status: Some(Pending), ..some.clone() }, vec![3]),
        (ImageFilter { status: Some(Deleted), ..some.clone() }, vec![4]),
        (ImageFilter { parent: Some(id(5)), ..some.clone() }, vec![3]),
        (ImageFilter { parent: Some(id(5)), ..all() }, vec![3, 4]),
        (ImageFilter { target: text("target3"), ..some.clone() }, vec![3]),
        (ImageFilter { provider: text("here"), ..some.clone() }, vec![3, 1]),
        (ImageFilter { name: text("name1"), ..some.clone() }, vec![1]),
        (ImageFilter { name: text("name"), ..some.clone() }, vec![]),
        (ImageFilter { id_prefix: text(id(3).as_str()), ..some.clone() }, vec![3]),
        (ImageFilter { id_prefix: text("0192f3a4-5b6c"), ..all() }, vec![5, 3, 4, 1]),
        (ImageFilter { id_prefix: text("0192f3a3"), ..some }, vec![]),
    ];
    for (filter, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(scratch.count_images(&filter).await.unwrap(), expected.len(), "{filter:?}");
        assert_eq!(ids(&scratch, &filter, &Page::default()).await, (expected, false), "{filter:?}");
    }
}

#[tokio::test]
async fn pages_meet_without_a_gap() {
    let scratch = Scratch::new().await;
    for number in [5, 1, 4, 2, 3] {
        scratch.record(number).await;
    }
    let page = |after: Option<u32>, offset, limit| Page { after: after.map(id), offset, limit };
    let cases = [
        (page(None, 0, Some(2)), vec![5, 1], true),
        (page(Some(1), 0, Some(2)), vec![4, 2], true),
        (page(Some(2), 0, Some(2)), vec![3], false),
        (page(Some(3), 0, Some(2)), vec![], false),
        (page(None, 3, Some(2)), vec![2, 3], false),
        (page(None, 2, Some(2)), vec![4, 2], true),
        (page(Some(5), 1, None), vec![4, 2, 3], false),
        (page(None, usize::MAX, Some(usize::MAX)), vec![], false),
        (page(Some(9), 0, None), vec![], false),
    ];
    for (page, expected, more) in cases {
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(ids(&scratch, &all(), &page).await, (expected, more), "{page:?}");
    }
}

#[tokio::test]
async fn a_page_of_long_texts_ends_early() {
    let scratch = Scratch::new().await;
    for number in 1..=3 {
        let template_xml = "x".repeat(3 * 1024 * 1024);
        scratch.insert(&Image { template_xml, ..image(number) }).await.unwrap();
    }
    let limited = Page { limit: Some(3), ..Page::default() };
    let listed = scratch.images(&all(), &limited).await.unwrap();
    assert_eq!((listed.items.len(), listed.more), (2, true));
    let listed = scratch.images(&all(), &Page::default()).await.unwrap();
    assert_eq!((listed.items.len(), listed.more), (3, false), "no limit is no limit");
}

/// Answers how SQLite goes about a list.
async fn plan(scratch: &Scratch, filter: &ImageFilter, page: &Page) -> String {
    let mut query = select("EXPLAIN QUERY PLAN SELECT i.id FROM images i", filter, page);
    let rows = query.build().fetch_all(&mut *scratch.reader().await.unwrap()).await.unwrap();
    let details: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    details.join("; ")
}

#[tokio::test]
async fn lists_are_found_by_an_index_in_their_order() {
    let scratch = Scratch::new().await;
    scratch.record(1).await;
    let some = ImageFilter::default();
    let kind = Some(Kind::Base);
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (ImageFilter { kind, ..some.clone() }, "images_kind (kind=?)"),
        (
            ImageFilter { kind, status: Some(Status::Failed), ..some.clone() },
            "images_kind_status (kind=? AND status=?)",
        ),
        (ImageFilter { kind, parent: Some(id(1)), ..some.clone() }, "images_parent (parent=?)"),
        (ImageFilter { kind, name: text("x"), ..some.clone() }, "images_name (name=?)"),
    ];
    for (filter, index) in cases {
        let plan = plan(&scratch, &filter, &Page::default()).await;
        assert!(plan.contains(index), "{filter:?}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "it is sorted: {filter:?}: {plan}");
    }
    let after = Page { after: Some(id(1)), offset: 0, limit: Some(10) };
    let behind = plan(&scratch, &ImageFilter { kind, ..some.clone() }, &after).await;
    assert!(behind.contains("images_kind (kind=? AND rowid>?)"), "{behind}");
    let prefix = ImageFilter { id_prefix: text("0192"), ..some };
    let by_id = plan(&scratch, &prefix, &Page::default()).await;
    assert!(by_id.contains("(id>? AND id<?)"), "{by_id}");
}
