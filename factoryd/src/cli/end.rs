//! `cancel` and `delete`: ask for an end, and wait for it.

use super::arguments::{CancelArguments, DeleteArguments};
use super::display::{Display, print, say};
use super::error::Error;
use super::exit::Exit;
use super::follow::Follow;
use super::json;
use super::lines::Lines;
use super::result::failure;
use super::session::{Client, Session};
use super::{ids, input};
use crate::daemon::Signals;
use factory_proto::factory_v1::{self as v1, ImageStatus};

/// Cancels a build and waits until it is cleaned up.
pub(super) async fn cancel(session: &Session, arguments: &CancelArguments) -> Result<Exit, Error> {
    let mut client = session.client();
    let image = ids::find(&mut client, &arguments.image).await?;
    client.cancel(v1::CancelRequest { id: image.id.clone() }).await?;
    let image = wait(session, &image).await?;
    print(&format!("{} {}\n", image.id, json::status(image.status())))?;
    Ok(Exit::Done)
}

/// Deletes images and waits until they are gone.
pub(super) async fn delete(session: &Session, arguments: &DeleteArguments) -> Result<Exit, Error> {
    let mut client = session.client();
    let images = ids::find_all(&mut client, &arguments.images).await?;
    let credentials = input::credentials(&arguments.credentials)?;
    let mut exit = Exit::Done;
    for image in images {
        let request = v1::DeleteRequest {
            id: image.id.clone(),
            credentials: credentials.clone(),
            cascade: arguments.cascade,
            ..Default::default()
        };
        if gone(&mut client, &image.id).await? {
            // An earlier one of the list took it along.
            continue;
        }
        let image = client.delete(request).await?.into_inner();
        let image = wait(session, &image).await?;
        print(&format!("{} {}\n", image.id, json::status(image.status())))?;
        if image.status() != ImageStatus::Deleted {
            failure(&image).iter().for_each(|text| say(text.trim_end()));
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

async fn gone(client: &mut Client, id: &str) -> Result<bool, Error> {
    Ok(get(client, id).await?.status() == ImageStatus::Deleted)
}

async fn get(client: &mut Client, id: &str) -> Result<v1::Image, Error> {
    Ok(client.get_image(v1::GetImageRequest { id: id.to_owned() }).await?.into_inner())
}

/// Follows an image from where it is to its end, and answers it as it is then.
async fn wait(session: &Session, image: &v1::Image) -> Result<v1::Image, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut lines = Lines::to_stderr();
    lines.begin(image)?;
    let follow = Follow {
        ids: vec![image.id.clone()],
        after: image.last_cursor,
        logs: false,
        display: &mut lines,
        signals: &mut signals,
    };
    follow.run(session).await?;
    get(&mut session.client(), &image.id).await
}
