//! `factory build` and `factory push`: begin images, follow them, say how they ended.

use super::arguments::{BuildArguments, FollowArguments, PushArguments};
use super::display::{self, Display};
use super::error::Error;
use super::exit::Exit;
use super::follow::{Ending, Follow, cancel};
use super::session::{Client, Session};
use super::{ids, input, json, result, template};
use crate::daemon::Signals;
use factory_proto::factory_v1::{
    self as v1, create_provider_image_request::Source as FromTarget,
    create_target_image_request::Source as FromBase,
};
use factory_proto::info::{Info, Kind, Registry};

/// What to build, read and checked as far as it can be without a factory.
pub(super) struct Plan {
    template_xml: String,
    targets: Vec<String>,
    /// Target and provider.
    providers: Vec<(String, String)>,
    credentials: String,
    parameters_json: String,
    follow: FollowArguments,
}

impl Plan {
    /// Reads the files and checks the template and how the options go together.
    pub(super) fn read(arguments: BuildArguments) -> Result<Self, Error> {
        let template_xml = input::text(&arguments.template)?;
        template::parse(&template_xml, &arguments.template)?;
        let mut targets = arguments.targets;
        let mut seen = std::collections::HashSet::new();
        targets.retain(|target| seen.insert(target.clone()));
        if let Some((target, _)) = arguments.providers.iter().find(|(name, _)| !seen.contains(name))
        {
            return Err(Error::Usage(format!(
                "--provider {target}=… pushes the image of a target that is not built; add --target {target}"
            )));
        }
        Ok(Self {
            template_xml,
            targets,
            providers: arguments.providers,
            credentials: input::credentials(&arguments.credentials)?,
            parameters_json: input::parameters(&arguments.parameters)?,
            follow: arguments.follow,
        })
    }
}

/// Builds a base image, target images from it, and pushes those.
pub(super) async fn build(session: &Session, plan: Plan) -> Result<Exit, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut client = session.client();
    served(&mut client, &plan.targets).await?;
    let mut begun = Vec::new();
    if let Err(error) = begin(&mut client, &plan, &mut begun).await {
        undo(&mut client, &begun).await;
        return Err(error);
    }
    finish(session, &begun, 0, &plan.follow, &mut signals).await
}

/// Pushes a target image.
pub(super) async fn push(session: &Session, arguments: PushArguments) -> Result<Exit, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut client = session.client();
    let target = ids::find(&mut client, &arguments.image).await?;
    if target.kind() != v1::ImageKind::Target {
        let kind = json::kind(target.kind());
        return Err(Error::Usage(format!(
            "image {} is a {kind} image, and only target images can be pushed",
            target.id
        )));
    }
    let request = v1::CreateProviderImageRequest {
        target: target.target,
        provider: arguments.provider,
        credentials: input::credentials(&arguments.credentials)?,
        source: Some(FromTarget::TargetImageId(target.id)),
        parameters_json: input::parameters(&arguments.parameters)?,
        ..Default::default()
    };
    let image = client.create_provider_image(request).await?.into_inner();
    finish(session, &[image], 0, &arguments.follow, &mut signals).await
}

/// Refuses targets that nobody serves before anything is begun.
async fn served(client: &mut Client, targets: &[String]) -> Result<(), Error> {
    let plugins = client.list_plugins(v1::ListPluginsRequest {}).await?.into_inner().plugins;
    let infos: Vec<Info> = plugins
        .iter()
        .filter_map(|plugin| Info::parse(&plugin.name, &plugin.info_json).ok())
        .collect();
    let registry = Registry::new(&infos);
    match targets.iter().find(|target| registry.cloud(target).is_none()) {
        None => Ok(()),
        Some(target) => {
            let known = registry.targets(Kind::Cloud).into_iter().flatten().flatten();
            let known: Vec<&str> = known.map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(Error::NoTarget { target: target.clone(), known })
        }
    }
}

/// Begins every image; those that were begun are in `begun` even if one is refused. A parent comes before its children.
async fn begin(client: &mut Client, plan: &Plan, begun: &mut Vec<v1::Image>) -> Result<(), Error> {
    let request = v1::CreateBaseImageRequest {
        template_xml: plan.template_xml.clone(),
        parameters_json: plan.parameters_json.clone(),
        shared_with_targets: plan.targets.clone(),
        ..Default::default()
    };
    let base = client.create_base_image(request).await?.into_inner();
    let base_id = base.id.clone();
    begun.push(base);
    for target in &plan.targets {
        let request = v1::CreateTargetImageRequest {
            target: target.clone(),
            source: Some(FromBase::BaseImageId(base_id.clone())),
            parameters_json: plan.parameters_json.clone(),
            shared_with_targets: plan.targets.clone(),
            ..Default::default()
        };
        let image = client.create_target_image(request).await?.into_inner();
        let target_id = image.id.clone();
        begun.push(image);
        for (_, provider) in plan.providers.iter().filter(|(name, _)| name == target) {
            let request = v1::CreateProviderImageRequest {
                target: target.clone(),
                provider: provider.clone(),
                credentials: plan.credentials.clone(),
                source: Some(FromTarget::TargetImageId(target_id.clone())),
                parameters_json: plan.parameters_json.clone(),
                shared_with_targets: plan.targets.clone(),
                ..Default::default()
            };
            begun.push(client.create_provider_image(request).await?.into_inner());
        }
    }
    Ok(())
}

/// Ends and deletes what was begun before something was refused. What can't be undone is said, and the refusal counts.
async fn undo(client: &mut Client, begun: &[v1::Image]) {
    let ids: Vec<String> = begun.iter().map(|image| image.id.clone()).collect();
    if let Err(error) = try_undo(client, &ids).await {
        display::say(&format!(
            "warning: images {} were begun and could not be taken back: {error}",
            ids.join(", ")
        ));
    }
}

async fn try_undo(client: &mut Client, ids: &[String]) -> Result<(), Error> {
    let Some(base) = ids.first() else { return Ok(()) };
    cancel(client, ids).await?;
    settled(client, ids).await?;
    let request = v1::DeleteRequest { id: base.clone(), cascade: true, ..Default::default() };
    client.delete(request).await?;
    settled(client, ids).await
}

/// Waits until images have ended.
async fn settled(client: &mut Client, ids: &[String]) -> Result<(), Error> {
    let request = v1::WatchRequest {
        image_ids: ids.to_vec(),
        follow: true,
        without_logs: true,
        ..Default::default()
    };
    let mut events = client.watch(request).await?.into_inner();
    while events.message().await?.is_some() {}
    Ok(())
}

/// Follows images to their end, from what happened after a cursor, and says how they ended.
pub(super) async fn finish(
    session: &Session,
    images: &[v1::Image],
    after: u64,
    how: &FollowArguments,
    signals: &mut Signals,
) -> Result<Exit, Error> {
    let mut display = display::choose(how);
    for image in images {
        display.begin(image)?;
    }
    let ids: Vec<String> = images.iter().map(|image| image.id.clone()).collect();
    let ending = follow(session, &ids, after, how, display.as_mut(), signals).await;
    display.end();
    result::report(&mut session.client(), &ids, ending?, how.json).await
}

/// Follows images to their end, from what happened after a cursor.
pub(super) async fn follow(
    session: &Session,
    ids: &[String],
    after: u64,
    how: &FollowArguments,
    display: &mut dyn Display,
    signals: &mut Signals,
) -> Result<Ending, Error> {
    let logs = how.json || how.follow_logs;
    Follow { ids: ids.to_vec(), after, logs, display, signals }.run(session).await
}
