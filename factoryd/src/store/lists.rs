//! Lists of images: by what they are, page by page, oldest first. No list is read at once whose length nobody chose.

use super::image_row::{self, image_id};
use super::{Error, Store};
use crate::domain::{Image, ImageId, Kind, Status};
use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite};

/// A page of whole images ends after so many bytes of templates and the like.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which images to list. The default is all but the deleted ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// In this status only; asking for deleted ones includes them.
    pub status: Option<Status>,
    /// Made from this image only.
    pub parent: Option<ImageId>,
    /// For this target only.
    pub target: Option<String>,
    /// At this provider only.
    pub provider: Option<String>,
    /// With this name only.
    pub name: Option<String>,
    /// Whose ids begin like this only.
    pub id_prefix: Option<String>,
    /// Deleted ones too.
    pub include_deleted: bool,
}

/// Which part of a list. The default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What comes after this image. This costs the same wherever it is.
    pub after: Option<ImageId>,
    /// Leave out so many of those.
    pub offset: usize,
    /// Answer so many at most.
    pub limit: Option<usize>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The images.
    pub items: Vec<T>,
    /// Whether the list goes on after them.
    pub more: bool,
}

impl Store {
    /// Lists images. A page with a limit also ends after about 4 MiB of text.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn images(&self, filter: &ImageFilter, page: &Page) -> Result<Listed<Image>, Error> {
        self.call("images", self.list_images(filter, page)).await
    }

    async fn list_images(&self, filter: &ImageFilter, page: &Page) -> Result<Listed<Image>, Error> {
        let mut query = select(image_row::SELECT_WHOLE, filter, page);
        let mut reader = self.reader().await?;
        let mut rows = query.build().fetch(&mut *reader);
        let mut listed = Listed { items: Vec::new(), more: false };
        let mut len = 0;
        while let Some(row) = rows.try_next().await.map_err(self.failed("list images"))? {
            let full = page.limit.is_some_and(|limit| {
                limit <= listed.items.len() || PAGE_BYTES_MAX < len && !listed.items.is_empty()
            });
            if full {
                listed.more = true;
                break;
            }
            let image = self.whole_image(&row)?;
            len += image.template_xml.len() + image.icicle_xml.as_ref().map_or(0, String::len);
            listed.items.push(image);
        }
        Ok(listed)
    }

    /// Lists images by their ids alone.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn image_ids(
        &self,
        filter: &ImageFilter,
        page: &Page,
    ) -> Result<Listed<ImageId>, Error> {
        self.call("image_ids", self.list_ids(filter, page)).await
    }

    async fn list_ids(&self, filter: &ImageFilter, page: &Page) -> Result<Listed<ImageId>, Error> {
        let mut query = select("SELECT i.id FROM images i", filter, page);
        let rows = query.build().fetch_all(&mut *self.reader().await?).await;
        let rows = rows.map_err(self.failed("list ids"))?;
        let ids = rows.iter().map(|row| {
            let text: &str = row.try_get(0).map_err(self.failed("read an id"))?;
            image_id(text).map_err(|damage| self.damaged(&damage))
        });
        let mut items = ids.collect::<Result<Vec<_>, _>>()?;
        let more = page.limit.is_some_and(|limit| limit < items.len());
        items.truncate(page.limit.unwrap_or(usize::MAX));
        Ok(Listed { items, more })
    }

    /// Counts images.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn count_images(&self, filter: &ImageFilter) -> Result<usize, Error> {
        self.call("count_images", self.count(filter)).await
    }

    async fn count(&self, filter: &ImageFilter) -> Result<usize, Error> {
        let mut query = QueryBuilder::new("SELECT count(*) FROM images i");
        push_conditions(&mut query, filter);
        let count = query.build_query_scalar::<i64>().fetch_one(&mut *self.reader().await?).await;
        let count = count.map_err(self.failed("count images"))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }
}

/// Selects a page, and one row more, if there is one.
pub(super) fn select(
    columns: &'static str,
    filter: &ImageFilter,
    page: &Page,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(columns);
    push_conditions(&mut query, filter);
    if let Some(after) = &page.after {
        query.push(" AND i.number > (SELECT number FROM images WHERE id = ");
        query.push_bind(after.as_str().to_owned()).push(")");
    }
    let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    // To SQLite, -1 is no limit.
    let limit = page.limit.map_or(-1, |limit| signed(limit.saturating_add(1)));
    query.push(" ORDER BY i.number LIMIT ").push_bind(limit);
    query.push(" OFFSET ").push_bind(signed(page.offset));
    query
}

fn push_conditions(query: &mut QueryBuilder<Sqlite>, filter: &ImageFilter) {
    query.push(" WHERE true");
    if let Some(status) = filter.status {
        query.push(" AND i.status = ").push_bind(status.as_str());
    } else if !filter.include_deleted {
        // Not bound, so that the planner can see that this is what the index is about.
        query.push(" AND i.status <> '").push(Status::Deleted.as_str()).push("'");
    }
    if let Some(prefix) = &filter.id_prefix {
        query.push(" AND i.id >= ").push_bind(prefix.clone());
        // Behind every digit.
        query.push(" AND i.id < ").push_bind(format!("{prefix}~"));
    }
    // Of two indexes, that of the kind is the worse; the plus keeps the planner from it.
    let narrow = filter.parent.is_some() || filter.name.is_some() || filter.id_prefix.is_some();
    let kind = if narrow { " AND +i.kind = " } else { " AND i.kind = " };
    let texts = [
        (kind, filter.kind.map(Kind::as_str)),
        (" AND i.parent = ", filter.parent.as_ref().map(ImageId::as_str)),
        (" AND i.target = ", filter.target.as_deref()),
        (" AND i.provider = ", filter.provider.as_deref()),
        (" AND i.name = ", filter.name.as_deref()),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            query.push(condition).push_bind(value.to_owned());
        }
    }
}
