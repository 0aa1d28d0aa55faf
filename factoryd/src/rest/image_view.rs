//! Images as Image Factory shows them.

use super::address::word;
use crate::domain::{Failure, Image, ImageId, Kind, Status};
use serde_json::{Map, Value, json};

/// An image as the answer to its creation.
pub(super) fn created(image: &Image, href: &str) -> Value {
    let mut members = members(image, href);
    let parent = json!(image.parent.as_ref().map(ImageId::as_str));
    match image.kind {
        Kind::Base => {}
        Kind::Target => _ = members.insert("base_image_id".to_owned(), parent),
        Kind::Provider => _ = members.insert("target_image_id".to_owned(), parent),
    }
    wrapped(image.kind, members)
}

/// An image as it is now, with `family`: what was made from it, and what it was made from.
pub(super) fn shown(image: &Image, href: &str, origin: &str, children: &[ImageId]) -> Value {
    let mut members = members(image, href);
    let parent = |kind| match &image.parent {
        Some(id) => reference(kind, id, &address(origin, kind, id)),
        None => Value::Null,
    };
    match image.kind {
        Kind::Base => {
            let listed = listed(Kind::Target, children, &collection(origin, Kind::Target));
            members.insert("target_images".to_owned(), listed);
        }
        Kind::Target => {
            members.insert("base_image".to_owned(), parent(Kind::Base));
            let listed = listed(Kind::Provider, children, &collection(origin, Kind::Provider));
            members.insert("provider_images".to_owned(), listed);
        }
        Kind::Provider => _ = members.insert("target_image".to_owned(), parent(Kind::Target)),
    }
    wrapped(image.kind, members)
}

/// An image as callbacks tell of it: without an address, for there is none that every receiver could use.
pub(super) fn told(image: &Image) -> Value {
    let mut members = members(image, "");
    members.shift_remove("href");
    wrapped(image.kind, members)
}

/// A collection: where each image is, and nothing more.
pub(super) fn listed(kind: Kind, images: &[ImageId], address: &str) -> Value {
    let entries = images.iter().map(|id| entry(kind, id, address));
    json!({ word(kind).collection: entries.collect::<Vec<_>>() })
}

/// An image of a collection.
pub(super) fn entry(kind: Kind, id: &ImageId, address: &str) -> Value {
    json!({ word(kind).key: reference(kind, id, &format!("{address}/{id}")) })
}

fn wrapped(kind: Kind, members: Map<String, Value>) -> Value {
    json!({ word(kind).key: members })
}

fn reference(kind: Kind, id: &ImageId, href: &str) -> Value {
    json!({ "_type": word(kind).type_name, "id": id.as_str(), "href": href })
}

fn collection(origin: &str, kind: Kind) -> String {
    format!("{origin}/imagefactory/{}", word(kind).collection)
}

fn address(origin: &str, kind: Kind, id: &ImageId) -> String {
    format!("{}/{id}", collection(origin, kind))
}

fn members(image: &Image, href: &str) -> Map<String, Value> {
    let known = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| _ = members.insert(name.to_owned(), value);
    put("_type", word(image.kind).type_name.into());
    put("id", image.id.as_str().into());
    put("href", href.into());
    put("status", image.status.as_str().into());
    put("percent_complete", percent(image.percent));
    put("status_detail", json!({ "activity": activity(image), "error": error(image) }));
    put("template", known(&image.template_xml));
    put("icicle", image.icicle_xml.as_deref().map_or(Value::Null, Value::from));
    put("parameters", Value::Object(image.parameters.0.clone()));
    put("properties", Value::Object(image.properties.0.clone()));
    if image.kind != Kind::Base {
        put("target", json!(image.target));
    }
    if image.kind == Kind::Provider {
        put("provider", json!(image.provider));
        put("identifier_on_provider", known(&image.identifiers.identifier_on_provider));
        put("provider_account_identifier", known(&image.identifiers.provider_account_identifier));
    }
    members
}

/// A whole number, as clients expect; 100 only at the end.
fn percent(percent: f64) -> Value {
    // From 0 to 100 by the rules of the domain.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let whole = percent.floor() as u64;
    Value::from(whole)
}

/// What is being done, or Image Factory's words for what was.
fn activity(image: &Image) -> String {
    if !image.activity.is_empty() {
        return image.activity.clone();
    }
    let kind = match image.kind {
        Kind::Base => "Base",
        Kind::Target => "Target",
        Kind::Provider => "Provider",
    };
    match image.status {
        Status::New => "Initializing image prior to Cloud/OS customization".to_owned(),
        Status::Pending => "Waiting for its turn".to_owned(),
        Status::Building => "Building".to_owned(),
        Status::Complete => format!("{kind} Image build complete"),
        Status::Failed => format!("{kind} Image build failed with exception."),
        Status::Deleting => "Deleting image.".to_owned(),
        Status::Deleted => "Image deleted.".to_owned(),
        Status::DeleteFailed => "Failed to delete image.".to_owned(),
    }
}

fn error(image: &Image) -> Value {
    image.failure.as_ref().map_or(Value::Null, |failure| Value::from(explained(failure)))
}

/// A failure in lines: what, what to do, more.
fn explained(failure: &Failure) -> String {
    let mut text = failure.to_string();
    for more in [&failure.hint, &failure.detail] {
        if !more.is_empty() {
            text.push('\n');
            text.push_str(more);
        }
    }
    text
}
