//! Entering what events say of resources outside this machine into the ledger.
//!
//! An intent opens an entry; the creation and the deletion with the same id change the newest open one of the operation. An
//! id that is used again, in another step or try, opens another entry: nothing that may still exist is ever overwritten.
//!
//! What lasts belongs to its image once that is complete (`kept`), and is closed with it. All else that is open once nobody
//! works on the image any more is left over: see [`LedgerEntry`](super::LedgerEntry).

use super::image_row::nanoseconds;
use crate::domain::{CloudIdentifiers, Event, EventKind, Image, Resource, ResourceState, Status};
use sqlx::sqlite::SqliteConnection;
use std::time::SystemTime;

/// Enters what the events of the image with this number say of resources; `image` is as it is after them.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    number: i64,
    image: &Image,
    events: &[Event],
) -> Result<(), sqlx::Error> {
    let mut concerned = false;
    for event in events {
        match &event.kind {
            EventKind::Resource(resource) => {
                enter(connection, number, event.time, resource).await?;
                concerned = true;
            }
            EventKind::Status { .. } => concerned = true,
            _ => {}
        }
    }
    if concerned { hand_over(connection, number, image).await } else { Ok(()) }
}

async fn enter(
    connection: &mut SqliteConnection,
    image: i64,
    time: SystemTime,
    resource: &Resource,
) -> Result<(), sqlx::Error> {
    if resource.state != ResourceState::Intent && update(connection, image, resource).await? {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO resources (image, intent, state, kind, description, locator, resource, lasting, plugin,
             operation, declared)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(image)
    .bind(&resource.intent_id)
    .bind(resource.state.as_str())
    .bind(&resource.kind)
    .bind(&resource.description)
    .bind(&resource.locator_json)
    .bind(&resource.resource_id)
    .bind(resource.lasting)
    .bind(&resource.plugin)
    .bind(&resource.operation)
    .bind(nanoseconds(time))
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
        "UPDATE resources SET state = ?, resource = coalesce(nullif(?, ''), resource),
             problem = '', reaper = ''
         WHERE number = (SELECT max(number) FROM resources
             WHERE image = ? AND intent = ? AND operation IN (?, '') AND state <> 'deleted')",
    )
    .bind(resource.state.as_str())
    .bind(&resource.resource_id)
    .bind(image)
    .bind(&resource.intent_id)
    .bind(&resource.operation)
    .execute(connection)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// A complete image owns what its last operation made to last. A deleted one owns nothing: what it owned went with it, or,
/// if it was never known in its account, is left over.
async fn hand_over(
    connection: &mut SqliteConnection,
    number: i64,
    image: &Image,
) -> Result<(), sqlx::Error> {
    let sql = match image.status {
        Status::Complete => {
            "UPDATE resources SET kept = 1 WHERE image = ?1 AND state = 'created' AND lasting = 1 AND kept = 0
                 AND operation = (SELECT operation FROM resources WHERE image = ?1 AND lasting = 1
                     ORDER BY number DESC LIMIT 1)"
        }
        Status::Deleted if image.identifiers == CloudIdentifiers::default() => {
            "UPDATE resources SET kept = 0 WHERE image = ? AND kept = 1"
        }
        Status::Deleted => {
            "UPDATE resources SET kept = 0, state = 'deleted' WHERE image = ? AND kept = 1"
        }
        _ => return Ok(()),
    };
    sqlx::query(sql).bind(number).execute(connection).await.map(drop)
}
