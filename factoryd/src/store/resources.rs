//! The ledger: what plugins made, or meant to make, outside this machine, and have not deleted.
//!
//! An intent opens an entry; the creation and the deletion with the same id change the newest open one. An id that is used
//! again, in another step or try, opens another entry: nothing that may still exist is ever overwritten.

use super::image_row::{column, image_id};
use super::rows::{Damage, Word};
use super::{Error, Store};
use crate::domain::{Event, EventKind, ImageId, Resource, ResourceState};
use sqlx::QueryBuilder;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

impl Store {
    /// Answers what is not known to be deleted, of one image or of all, in the order in which it was declared.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn open_resources(
        &self,
        image: Option<&ImageId>,
    ) -> Result<Vec<(ImageId, Resource)>, Error> {
        self.call("open_resources", self.read_ledger(image)).await
    }

    async fn read_ledger(
        &self,
        image: Option<&ImageId>,
    ) -> Result<Vec<(ImageId, Resource)>, Error> {
        let mut query = QueryBuilder::new(
            "SELECT i.id, r.state, r.intent, r.kind, r.description, r.locator, r.resource
             FROM resources r JOIN images i ON i.number = r.image WHERE r.state <> 'deleted'",
        );
        if let Some(image) = image {
            query.push(" AND i.id = ").push_bind(image.as_str());
        }
        query.push(" ORDER BY r.number");
        let rows = query.build().fetch_all(&self.inner.readers).await;
        let rows = rows.map_err(self.failed("read the ledger"))?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>();
        entries.map_err(|damage| self.damaged(&damage))
    }
}

/// Enters what the events of an image say of resources.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    image: i64,
    events: &[Event],
) -> Result<(), sqlx::Error> {
    for event in events {
        if let EventKind::Resource(resource) = &event.kind {
            enter(connection, image, resource).await?;
        }
    }
    Ok(())
}

async fn enter(
    connection: &mut SqliteConnection,
    image: i64,
    resource: &Resource,
) -> Result<(), sqlx::Error> {
    if resource.state != ResourceState::Intent && update(connection, image, resource).await? {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO resources (image, intent, state, kind, description, locator, resource)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(image)
    .bind(&resource.intent_id)
    .bind(resource.state.as_str())
    .bind(&resource.kind)
    .bind(&resource.description)
    .bind(&resource.locator_json)
    .bind(&resource.resource_id)
    .execute(connection)
    .await
    .map(drop)
}

/// Changes the newest open entry; answers whether there was one. What the event leaves empty stays.
async fn update(
    connection: &mut SqliteConnection,
    image: i64,
    resource: &Resource,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE resources SET state = ?, resource = coalesce(nullif(?, ''), resource)
         WHERE number = (SELECT max(number) FROM resources WHERE image = ? AND intent = ? AND state <> 'deleted')",
    )
    .bind(resource.state.as_str())
    .bind(&resource.resource_id)
    .bind(image)
    .bind(&resource.intent_id)
    .execute(connection)
    .await?;
    Ok(changed.rows_affected() == 1)
}

fn entry(row: &SqliteRow) -> Result<(ImageId, Resource), Damage> {
    let resource = Resource {
        state: ResourceState::read(column(row, "state")?)?,
        intent_id: column(row, "intent")?,
        kind: column(row, "kind")?,
        description: column(row, "description")?,
        locator_json: column(row, "locator")?,
        resource_id: column(row, "resource")?,
    };
    Ok((image_id(column(row, "id")?)?, resource))
}
