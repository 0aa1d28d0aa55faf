//! From a plugin that somebody else started, such as a debugger, to one that has said what it is.

use super::Instance;
use super::body::{Body, Foreign};
use super::health;
use super::launch::{Greeted, described};
use crate::domain::Failure;
use crate::plugin::channel;
use crate::plugin::failure::StartError;
use crate::plugin::options::Options;
use crate::plugin::reattach::AttachError;
use crate::sandbox::{Mode, Profile};
use factory_proto::info::Info;
use factory_proto::reattach::Reattach;
use std::sync::Arc;

/// What attaching to a plugin needs to know.
pub(in crate::plugin) struct Attach<'a> {
    pub(in crate::plugin) info: &'a Info,
    pub(in crate::plugin) name: &'a str,
    pub(in crate::plugin) to: Result<Reattach, AttachError>,
    pub(in crate::plugin) options: &'a Options,
}

impl Instance {
    /// Attaches to a plugin that runs already. It is not confined, and it is nobody's here: it is never ended.
    pub(in crate::plugin) async fn attach(attach: Attach<'_>) -> Result<Arc<Self>, Failure> {
        let Attach { info, name, to, options } = attach;
        let refused = |error: StartError| error.into_failure(name, String::new());
        let to = to.map_err(|error| refused(StartError::Attach(error)))?;
        let greeted = greet(info, name, &to, options).await.map_err(refused)?;
        let foreign = Foreign::new(to.pid);
        let watch = foreign.watch();
        let open = vec!["it was started by somebody else: nothing is kept from it".to_owned()];
        let sandbox = Profile { mode: Mode::Off, open, ..Profile::default() };
        let instance = Self::new(name, Body::Foreign(foreign), greeted, sandbox, options);
        instance.spawn(watch);
        tracing::warn!(
            plugin = name,
            pid = to.pid,
            "attached to a plugin that runs already: no sandbox, no limits"
        );
        Ok(instance)
    }
}

async fn greet(
    info: &Info,
    name: &str,
    to: &Reattach,
    options: &Options,
) -> Result<Greeted, StartError> {
    let timing = &options.timing;
    let channel = channel::connect(&to.address(), None, timing.call_timeout).await;
    let channel = channel.map_err(StartError::Connect)?;
    health::check(&channel, timing.call_timeout).await.map_err(StartError::Health)?;
    let (description, said) = described(name, info.kind, options, &channel).await?;
    Ok(Greeted { channel, description, said })
}
