//! `base_image`, `target_image`, `provider_image`: begin an image, follow it, print it.

use super::super::arguments::FollowArguments;
use super::super::build::follow;
use super::super::display::{self, print};
use super::super::error::Error;
use super::super::exit::Exit;
use super::super::follow::Ending;
use super::super::session::{Client, Session};
use super::super::{ids, input, template};
use super::arguments::{
    BaseImageArguments, Options, Output, ProviderImageArguments, SourceArguments,
    TargetImageArguments,
};
use super::view;
use crate::daemon::Signals;
use factory_proto::factory_v1::{
    self as v1, create_provider_image_request::Source as FromTarget,
    create_target_image_request::Source as FromBase,
};
use serde_json::{Map, Value};
use std::path::Path;

/// An image to be made, with all files read.
pub(super) enum Plan {
    Base(v1::CreateBaseImageRequest),
    Target(v1::CreateTargetImageRequest),
    Provider(v1::CreateProviderImageRequest),
}

/// From what an image is made.
enum Source {
    Id(String),
    Template(String),
}

/// Reads what a base image is made from.
pub(super) fn base(arguments: &BaseImageArguments) -> Result<Plan, Error> {
    Ok(Plan::Base(v1::CreateBaseImageRequest {
        template_xml: template_xml(&arguments.template)?,
        parameters_json: Value::Object(arguments.parameters.read()?).to_string(),
        ..Default::default()
    }))
}

/// Reads what a target image is made from.
pub(super) fn target(arguments: TargetImageArguments) -> Result<Plan, Error> {
    let source = match source(arguments.source)? {
        Source::Id(id) => FromBase::BaseImageId(id),
        Source::Template(xml) => FromBase::TemplateXml(xml),
    };
    Ok(Plan::Target(v1::CreateTargetImageRequest {
        target: arguments.target,
        source: Some(source),
        parameters_json: Value::Object(arguments.parameters.read()?).to_string(),
        ..Default::default()
    }))
}

/// Reads what a provider image is made from.
pub(super) fn provider(arguments: ProviderImageArguments) -> Result<Plan, Error> {
    let mut parameters = arguments.parameters.read()?;
    let snapshot = takes_snapshot(&mut parameters, arguments.snapshot);
    let source = match source(arguments.source)? {
        Source::Id(_) if snapshot => {
            let message = "a snapshot is made from a template: give --template, not --id";
            return Err(Error::Usage(message.to_owned()));
        }
        Source::Id(id) => FromTarget::TargetImageId(id),
        Source::Template(xml) => FromTarget::TemplateXml(xml),
    };
    Ok(Plan::Provider(v1::CreateProviderImageRequest {
        target: arguments.target,
        provider: provider_definition(&arguments.provider)?,
        credentials: input::secret(&arguments.credentials)?.trim_end().to_owned(),
        source: Some(source),
        parameters_json: Value::Object(parameters).to_string(),
        snapshot,
        ..Default::default()
    }))
}

/// Answers a provider: `@` and its name, or what is in a file.
pub(super) fn provider_definition(word: &str) -> Result<String, Error> {
    match word.strip_prefix('@') {
        Some(name) => Ok(name.to_owned()),
        None => Ok(input::text(Path::new(word))?.trim_end().to_owned()),
    }
}

/// Makes the image, and prints it when it is over.
pub(super) async fn run(session: &Session, plan: Plan, options: &Options) -> Result<Exit, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let mut client = session.client();
    let (verb, image) = begin(&mut client, plan).await?;
    let family = family(&mut client, &image).await?;
    let how = FollowArguments { json: false, quiet: false, follow_logs: options.verbose };
    let mut display = display::choose(&how);
    family.iter().try_for_each(|image| display.begin(image))?;
    let ids: Vec<String> = family.into_iter().map(|image| image.id).collect();
    let ending = follow(session, &ids, 0, &how, display.as_mut(), &mut signals).await;
    display.end();
    let ending = ending?;
    let exit = print_image(&mut client, &image.id, verb, options).await?;
    Ok(if ending == Ending::Cancelled && exit != Exit::Done { Exit::Cancelled } else { exit })
}

/// Prints an image that has ended.
pub(super) async fn print_image(
    client: &mut Client,
    id: &str,
    verb: &str,
    options: &Options,
) -> Result<Exit, Error> {
    let image = client.get_image(v1::GetImageRequest { id: id.to_owned() }).await?.into_inner();
    match options.output {
        Output::Log => print(&view::final_block(&image, verb))?,
        Output::Json => print(&format!("{:#}\n", Value::Object(view::metadata(&image))))?,
    }
    Ok(if image.status() == v1::ImageStatus::Complete { Exit::Done } else { Exit::Failed })
}

async fn begin(client: &mut Client, plan: Plan) -> Result<(&'static str, v1::Image), Error> {
    Ok(match plan {
        Plan::Base(request) => {
            ("base_image", client.create_base_image(request).await?.into_inner())
        }
        Plan::Target(mut request) => {
            if let Some(FromBase::BaseImageId(id)) = &mut request.source {
                *id = ids::find(client, id).await?.id;
            }
            ("target_image", client.create_target_image(request).await?.into_inner())
        }
        Plan::Provider(mut request) => {
            if let Some(FromTarget::TargetImageId(id)) = &mut request.source {
                *id = ids::find(client, id).await?.id;
            }
            ("provider_image", client.create_provider_image(request).await?.into_inner())
        }
    })
}

/// Answers an image and what it waits for, parents first.
async fn family(client: &mut Client, image: &v1::Image) -> Result<Vec<v1::Image>, Error> {
    let mut family = vec![image.clone()];
    while let Some(id) =
        family.last().map(|image| image.parent_id.clone()).filter(|id| !id.is_empty())
    {
        let parent = client.get_image(v1::GetImageRequest { id }).await?.into_inner();
        if parent.status() == v1::ImageStatus::Complete {
            break;
        }
        family.push(parent);
    }
    family.reverse();
    Ok(family)
}

fn source(arguments: SourceArguments) -> Result<Source, Error> {
    match (arguments.id, arguments.template) {
        (Some(id), _) => Ok(Source::Id(id)),
        (None, Some(file)) => Ok(Source::Template(template_xml(&file)?)),
        (None, None) => Err(Error::Usage("give --id or --template".to_owned())),
    }
}

/// Reads a template; what is wrong with it is shown in its place.
fn template_xml(file: &Path) -> Result<String, Error> {
    let xml = input::text(file)?;
    template::parse(&xml, file)?;
    Ok(xml)
}

/// Image Factory adds a parameter `snapshot`, unless there is one: that one counts then. It is no plugin's.
fn takes_snapshot(parameters: &mut Map<String, Value>, option: bool) -> bool {
    match parameters.shift_remove("snapshot") {
        None | Some(Value::Null) => option,
        Some(Value::Bool(yes)) => yes,
        Some(Value::String(text)) => {
            !["", "0", "false", "no"].contains(&text.to_ascii_lowercase().as_str())
        }
        Some(other) => other.as_f64() != Some(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_parameter_says_more_than_the_option() {
        for (parameters, option, expected) in [
            (json!({}), true, true),
            (json!({}), false, false),
            (json!({"snapshot": "false"}), true, false),
            (json!({"snapshot": "True"}), false, true),
            (json!({"snapshot": 0}), true, false),
        ] {
            let mut object = parameters.as_object().unwrap().clone();
            assert_eq!(takes_snapshot(&mut object, option), expected, "{parameters}");
            assert!(object.is_empty());
        }
    }

    #[test]
    fn a_provider_is_a_name_or_what_is_in_a_file() {
        assert_eq!(provider_definition("@ec2-us-east-1").unwrap(), "ec2-us-east-1");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "<p/>\n\n").unwrap();
        assert_eq!(provider_definition(file.path().to_str().unwrap()).unwrap(), "<p/>");
        assert!(provider_definition("/no/such").is_err());
    }
}
