//! `images`, `delete`, `plugins` in Image Factory's forms.

use super::super::display::{print, say};
use super::super::end;
use super::super::error::Error;
use super::super::exit::Exit;
use super::super::pages::Pages;
use super::super::session::Session;
use super::super::table::table;
use super::super::words::{one_line, printable, printable_lines};
use super::super::{ids, input, json, plugins as plugin_list};
use super::arguments::{DeleteArguments, ImagesArguments, Options, Output, PluginsArguments};
use super::build::provider_definition;
use super::view;
use factory_proto::factory_v1::{self as v1, ImageStatus};
use serde_json::{Map, Value, json};

/// Prints the images whose metadata are as a specification says.
pub(super) async fn images(
    session: &Session,
    arguments: &ImagesArguments,
    options: &Options,
) -> Result<Exit, Error> {
    let spec: Map<String, Value> = serde_json::from_str(&arguments.spec).map_err(|error| {
        Error::Usage(format!(
            "FETCH_SPEC is no JSON object ({error}); such as {{\"type\": \"BaseImage\"}}"
        ))
    })?;
    let deleted = spec.get("status").and_then(Value::as_str) == Some("DELETED");
    let request = v1::ListImagesRequest { deleted, ..Default::default() };
    let mut pages = Pages::new(session.client(), request);
    let mut found = Vec::new();
    while let Some(images) = pages.next().await? {
        found.extend(images.into_iter().filter(|image| matches(image, &spec)));
    }
    match options.output {
        Output::Log => print(&rows(&found))?,
        Output::Json => print(&format!("{:#}\n", document(&found)))?,
    }
    Ok(Exit::Done)
}

/// Deletes an image, and says how that went.
pub(super) async fn delete(
    session: &Session,
    arguments: &DeleteArguments,
    options: &Options,
) -> Result<Exit, Error> {
    let mut client = session.client();
    let provider =
        arguments.provider.as_deref().map_or_else(|| Ok(String::new()), provider_definition)?;
    let credentials =
        arguments.credentials.as_deref().map_or_else(|| Ok(String::new()), input::secret)?;
    let parameters = arguments.parameters.read()?;
    let image = ids::find(&mut client, &arguments.image).await?;
    if let Some(target) = arguments.target.as_deref().filter(|target| *target != image.target) {
        say(&format!(
            "warning: image {} was made for target {}, not {target}",
            image.id, image.target
        ));
    }
    let request = v1::DeleteRequest {
        id: image.id.clone(),
        credentials: credentials.trim_end().to_owned(),
        provider,
        parameters_json: Value::Object(parameters).to_string(),
        ..Default::default()
    };
    client.delete(request).await?;
    let ended = end::wait(session, &[image]).await?;
    let deleted = ended.iter().all(|image| image.status() == ImageStatus::Deleted);
    for image in &ended {
        print(&match options.output {
            Output::Json => format!("{:#}\n", Value::Object(view::metadata(image))),
            Output::Log if deleted => format!("Image {} deleted SUCCESSFULLY!\n", image.id),
            Output::Log => {
                let why = view::error(image);
                let why = printable_lines(why.as_str().unwrap_or_default());
                format!("Deletion of image {} FAILED with error: {why}\n", image.id)
            }
        })?;
    }
    Ok(if deleted { Exit::Done } else { Exit::Failed })
}

/// Prints what plugins say of themselves, by their names.
pub(super) async fn plugins(
    session: &Session,
    arguments: &PluginsArguments,
    options: &Options,
) -> Result<Exit, Error> {
    let request = v1::ListPluginsRequest {};
    let mut plugins = session.client().list_plugins(request).await?.into_inner().plugins;
    if let Some(name) = &arguments.id {
        plugins.retain(|plugin| plugin.name == *name);
        if plugins.is_empty() {
            return Err(Error::Usage(format!("there is no plugin {name}")));
        }
    }
    match (options.output, &arguments.id) {
        (Output::Log, _) => print(&plugin_list::plugin_table(&plugins))?,
        (Output::Json, Some(_)) => {
            let info = plugins.first().map(information).unwrap_or_default();
            print(&format!("{info:#}\n"))?;
        }
        (Output::Json, None) => {
            let all = plugins.iter().map(|plugin| (plugin.name.clone(), information(plugin)));
            print(&format!("{:#}\n", Value::Object(all.collect())))?;
        }
    }
    Ok(Exit::Done)
}

/// Its `.info`, or what is wrong with it in Image Factory's form.
fn information(plugin: &v1::Plugin) -> Value {
    match serde_json::from_str(&plugin.info_json) {
        Ok(info) if plugin.error.is_empty() => info,
        _ => json!({"ERROR": plugin.error}),
    }
}

/// Tells whether an image has every key with exactly the value.
fn matches(image: &v1::Image, spec: &Map<String, Value>) -> bool {
    let mut metadata = view::metadata(image);
    metadata.insert("type".to_owned(), json!(view::type_name(image)));
    spec.iter().all(|(key, value)| metadata.get(key) == Some(value))
}

/// One image as it is, many in a list, none as an empty object.
fn document(images: &[v1::Image]) -> Value {
    match images {
        [] => json!({}),
        [one] => Value::Object(view::metadata(one)),
        many => {
            let all: Vec<Value> =
                many.iter().map(|image| Value::Object(view::metadata(image))).collect();
            json!({ "images": all })
        }
    }
}

fn rows(images: &[v1::Image]) -> String {
    let row = |image: &v1::Image| {
        [
            image.id.clone(),
            view::type_name(image).to_owned(),
            image.target.clone(),
            printable(&one_line(&image.name, 40)),
            json::status(image.status()).to_owned(),
        ]
    };
    let rows: Vec<_> = images.iter().map(row).collect();
    table(["UUID", "TYPE", "TARGET", "NAME", "STATUS"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, target: &str) -> v1::Image {
        v1::Image {
            id: id.into(),
            kind: v1::ImageKind::Target.into(),
            status: ImageStatus::Complete.into(),
            target: target.into(),
            percent_complete: 100.0,
            ..Default::default()
        }
    }

    #[test]
    fn a_specification_is_all_of_its_keys_exactly() {
        let image = image("1", "mock");
        for (spec, expected) in [
            (json!({}), true),
            (json!({"type": "TargetImage", "target": "mock"}), true),
            (json!({"percent_complete": 100}), true),
            (json!({"percent_complete": "100"}), false),
            (json!({"type": "BaseImage"}), false),
            (json!({"provider": null}), false),
        ] {
            assert_eq!(matches(&image, spec.as_object().unwrap()), expected, "{spec}");
        }
    }

    #[test]
    fn the_form_depends_on_how_many_there_are() {
        assert_eq!(document(&[]), json!({}));
        assert_eq!(document(&[image("1", "a")])["identifier"], "1");
        let two = document(&[image("1", "a"), image("2", "b")]);
        assert_eq!(two["images"][1]["identifier"], "2");
    }
}
