//! `cancel` and `delete`: ask for an end, and wait for it.

use super::arguments::{CancelArguments, DeleteArguments};
use super::display::{print, say};
use super::error::Error;
use super::exit::Exit;
use super::follow::Follow;
use super::json;
use super::lines::Lines;
use super::pages::Pages;
use super::result::failure;
use super::session::{Client, Session};
use super::{ids, input};
use crate::daemon::Signals;
use factory_proto::factory_v1::{self as v1, ImageStatus};
use std::collections::HashSet;

/// Cancels a build and waits until it is cleaned up.
pub(super) async fn cancel(session: &Session, arguments: &CancelArguments) -> Result<Exit, Error> {
    let mut client = session.client();
    let image = ids::find(&mut client, &arguments.image).await?;
    client.cancel(v1::CancelRequest { id: image.id.clone() }).await?;
    for image in wait(session, &[image]).await? {
        print(&format!("{} {}\n", image.id, json::status(image.status())))?;
    }
    Ok(Exit::Done)
}

/// Deletes images and waits until they are gone.
pub(super) async fn delete(session: &Session, arguments: &DeleteArguments) -> Result<Exit, Error> {
    let mut client = session.client();
    let images = ids::find_all(&mut client, &arguments.images).await?;
    let credentials = input::credentials(&arguments.credentials)?;
    let mut done: HashSet<String> = HashSet::new();
    let mut exit = Exit::Done;
    for image in images {
        // An earlier one of the list took it along.
        if done.contains(&image.id) {
            continue;
        }
        let family = family(&mut client, image.clone(), arguments.cascade).await?;
        let request = v1::DeleteRequest {
            id: image.id,
            credentials: credentials.clone(),
            cascade: arguments.cascade,
            force: arguments.force,
            ..Default::default()
        };
        client.delete(request).await?;
        for image in wait(session, &family).await? {
            print(&format!("{} {}\n", image.id, json::status(image.status())))?;
            if image.status() != ImageStatus::Deleted {
                failure(&image).iter().for_each(|text| say(text.trim_end()));
                exit = Exit::Failed;
            }
            done.insert(image.id);
        }
    }
    Ok(exit)
}

/// Waits until images are deleted whose deletion has begun, and tells of those that stay.
pub(super) async fn all_deleted(session: &Session, ids: Vec<String>) -> Result<Exit, Error> {
    let mut images = Vec::new();
    for id in ids {
        images.push(session.client().get_image(v1::GetImageRequest { id }).await?.into_inner());
    }
    if images.is_empty() {
        return Ok(Exit::Done);
    }
    let mut exit = Exit::Done;
    for image in wait(session, &images).await? {
        if image.status() != ImageStatus::Deleted {
            failure(&image).iter().for_each(|text| say(text.trim_end()));
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

/// Answers an image and, with `cascade`, all that was made from it: they end one by one, and each can fail.
async fn family(
    client: &mut Client,
    image: v1::Image,
    cascade: bool,
) -> Result<Vec<v1::Image>, Error> {
    let mut family = vec![image];
    if cascade {
        let mut next = 0;
        while let Some(parent_id) = family.get(next).map(|image| image.id.clone()) {
            let children = v1::ListImagesRequest { parent_id, ..Default::default() };
            family.extend(Pages::new(client.clone(), children).all().await?);
            next += 1;
        }
    }
    Ok(family)
}

/// Follows images from where they are to their end, and answers them as they are then.
pub(super) async fn wait(session: &Session, images: &[v1::Image]) -> Result<Vec<v1::Image>, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut lines = Lines::to_stderr();
    images.iter().for_each(|image| lines.know(image));
    let follow = Follow {
        ids: images.iter().map(|image| image.id.clone()).collect(),
        after: images.iter().map(|image| image.last_cursor).max().unwrap_or_default(),
        logs: false,
        display: &mut lines,
        signals: &mut signals,
    };
    follow.run(session).await?;
    let mut client = session.client();
    let mut ended = Vec::new();
    for image in images {
        let request = v1::GetImageRequest { id: image.id.clone() };
        ended.push(client.get_image(request).await?.into_inner());
    }
    Ok(ended)
}
