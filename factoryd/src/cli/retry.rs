//! `factory retry`: try an image again, and follow it to its end.

use super::arguments::RetryArguments;
use super::error::Error;
use super::exit::Exit;
use super::session::Session;
use super::{build, ids, input};
use crate::daemon::Signals;
use factory_proto::factory_v1 as v1;

/// Tries an image again.
pub(super) async fn retry(session: &Session, arguments: RetryArguments) -> Result<Exit, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut client = session.client();
    let image = ids::find(&mut client, &arguments.image).await?;
    let template = arguments.template.as_deref().map(input::text).transpose()?;
    let request = v1::RetryRequest {
        id: image.id,
        from_step: arguments.from.unwrap_or_default(),
        credentials: input::credentials(&arguments.credentials)?,
        parameters_json: input::parameters(&arguments.parameters)?,
        template_xml: template.unwrap_or_default(),
    };
    let retried = client.retry(request).await?.into_inner();
    build::finish(session, &[retried], image.last_cursor, &arguments.follow, &mut signals).await
}
