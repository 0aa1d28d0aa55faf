//! `log` and `watch`: what happened, and what happens.

use super::arguments::{LogVerbArguments, WatchArguments};
use super::display::{Display, JsonLines};
use super::error::Error;
use super::exit::Exit;
use super::ids;
use super::lines::Lines;
use super::pages::Pages;
use super::session::Session;
use crate::daemon::Signals;
use factory_proto::factory_v1 as v1;

/// Prints an image's log.
pub(super) async fn log(session: &Session, arguments: &LogVerbArguments) -> Result<Exit, Error> {
    let image = ids::find(&mut session.client(), &arguments.image).await?;
    let request = v1::WatchRequest {
        image_ids: vec![image.id.clone()],
        follow: arguments.follow,
        ..Default::default()
    };
    print(session, request, &[image], arguments.json).await
}

/// Prints what happens to some images, or to all.
pub(super) async fn watch(session: &Session, arguments: &WatchArguments) -> Result<Exit, Error> {
    let mut client = session.client();
    let images = if arguments.images.is_empty() {
        let request = v1::ListImagesRequest { deleted: true, ..Default::default() };
        Pages::new(client.clone(), request).all().await?
    } else {
        ids::find_all(&mut client, &arguments.images).await?
    };
    let named = images.iter().take(if arguments.images.is_empty() { 0 } else { usize::MAX });
    let request = v1::WatchRequest {
        image_ids: named.map(|image| image.id.clone()).collect(),
        after: arguments.after,
        follow: !arguments.no_follow,
        without_logs: false,
    };
    print(session, request, &images, arguments.json).await
}

/// Prints events until there are no more, or a signal comes: that is the usual end, and ends nothing else.
async fn print(
    session: &Session,
    request: v1::WatchRequest,
    known: &[v1::Image],
    as_json: bool,
) -> Result<Exit, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut lines = Lines::to_stdout();
    known.iter().for_each(|image| lines.know(image));
    let mut display: Box<dyn Display> = if as_json { Box::new(JsonLines) } else { Box::new(lines) };
    let mut events = session.client().watch(request).await?.into_inner();
    loop {
        tokio::select! {
            event = events.message() => match event? {
                Some(event) => display.event(&event)?,
                None => return Ok(Exit::Done),
            },
            _ = signals.next() => return Ok(Exit::Done),
        }
    }
}
