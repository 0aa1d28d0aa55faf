//! Images as Image Factory prints them.

use super::super::{json, words};
use factory_proto::factory_v1 as v1;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// An image's metadata, with the keys of Image Factory's.
pub(super) fn metadata(image: &v1::Image) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| _ = object.insert(name.to_owned(), value);
    put("identifier", json!(image.id));
    put("data", image.artifacts.first().map(|body| json!(body.path)).unwrap_or_default());
    put("template", known(&image.template_xml));
    put("icicle", known(&image.icicle_xml));
    put("status_detail", json!({"activity": activity(image), "error": error(image)}));
    put("status", json!(json::status(image.status())));
    put("percent_complete", percent(image.percent_complete));
    put("parameters", parsed(&image.parameters_json));
    put("properties", parsed(&image.properties_json));
    match image.kind() {
        v1::ImageKind::Target => {
            put("base_image_id", known(&image.parent_id));
            put("target", known(&image.target));
        }
        v1::ImageKind::Provider => {
            put("target_image_id", known(&image.parent_id));
            put("target", known(&image.target));
            put("provider", known(&image.provider));
            put("identifier_on_provider", known(&image.identifier_on_provider));
            put("provider_account_identifier", known(&image.provider_account_identifier));
        }
        _ => {}
    }
    object
}

/// The name of an image's type, which Image Factory's files have and its output has not.
pub(super) fn type_name(image: &v1::Image) -> &'static str {
    match image.kind() {
        v1::ImageKind::Target => "TargetImage",
        v1::ImageKind::Provider => "ProviderImage",
        _ => "BaseImage",
    }
}

/// The block that ends the output of a build.
pub(super) fn final_block(image: &v1::Image, verb: &str) -> String {
    let mut text = String::from("============ Final Image Details ============\n");
    let body = image.artifacts.first().map_or("", |body| body.path.as_str());
    let _ = writeln!(text, "UUID: {}\nType: {verb}\nImage filename: {body}", image.id);
    if image.status() == v1::ImageStatus::Complete {
        if image.kind() == v1::ImageKind::Provider {
            let known = words::printable(&image.identifier_on_provider);
            let _ = writeln!(text, "Image ID on provider: {known}");
        }
        text.push_str("Image build completed SUCCESSFULLY!\n");
    } else {
        let why = error(image);
        let why = why.as_str().map_or_else(|| activity(image), str::to_owned);
        let _ = writeln!(text, "Image build FAILED with error: {}", words::printable_lines(&why));
    }
    text
}

/// Why an image failed, in lines: what, what to do, more.
pub(super) fn error(image: &v1::Image) -> Value {
    let Some(error) = &image.error else { return Value::Null };
    let lines = [&error.message, &error.hint, &error.detail];
    let lines: Vec<&str> =
        lines.into_iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    json!(lines.join("\n"))
}

fn activity(image: &v1::Image) -> String {
    if !image.activity.is_empty() {
        return image.activity.clone();
    }
    let kind = match image.kind() {
        v1::ImageKind::Target => "Target",
        v1::ImageKind::Provider => "Provider",
        _ => "Base",
    };
    match image.status() {
        v1::ImageStatus::Complete => format!("{kind} Image build complete"),
        v1::ImageStatus::Failed => format!("{kind} Image build failed with exception."),
        v1::ImageStatus::Deleting => "Deleting image.".to_owned(),
        v1::ImageStatus::Deleted => "Image deleted.".to_owned(),
        v1::ImageStatus::Deletefailed => "Failed to delete image.".to_owned(),
        _ => "Initializing image prior to Cloud/OS customization".to_owned(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
fn percent(percent: f64) -> Value {
    json!(percent.clamp(0.0, 100.0).floor() as u64)
}

fn known(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(kind: v1::ImageKind, status: v1::ImageStatus) -> v1::Image {
        let artifacts = vec![v1::Artifact { path: "/s/disk.raw".into(), ..Default::default() }];
        let (kind, status) = (kind.into(), status.into());
        v1::Image { id: "0192".into(), kind, status, artifacts, ..Default::default() }
    }

    #[test]
    fn metadata_have_image_factorys_keys() {
        let base = image(v1::ImageKind::Base, v1::ImageStatus::Complete);
        assert_eq!(
            Value::Object(metadata(&base)).to_string(),
            r#"{"identifier":"0192","data":"/s/disk.raw","template":null,"icicle":null,"status_detail":{"activity":"Base Image build complete","error":null},"status":"COMPLETE","percent_complete":0,"parameters":{},"properties":{}}"#
        );
        let provider = v1::Image {
            parent_id: "0191".into(),
            target: "ec2".into(),
            identifier_on_provider: "ami-1".into(),
            ..image(v1::ImageKind::Provider, v1::ImageStatus::Complete)
        };
        let object = metadata(&provider);
        let more: Vec<&String> = object.keys().skip(9).collect();
        let expected = [
            "target_image_id",
            "target",
            "provider",
            "identifier_on_provider",
            "provider_account_identifier",
        ];
        assert_eq!(more, expected);
        assert_eq!(
            (&object["target_image_id"], &object["provider"]),
            (&json!("0191"), &Value::Null)
        );
    }

    #[test]
    fn the_final_block_says_how_it_went() {
        let mut provider = image(v1::ImageKind::Provider, v1::ImageStatus::Complete);
        provider.identifier_on_provider = "ami-1".into();
        assert_eq!(
            final_block(&provider, "provider_image"),
            "\
============ Final Image Details ============
UUID: 0192
Type: provider_image
Image filename: /s/disk.raw
Image ID on provider: ami-1
Image build completed SUCCESSFULLY!
"
        );
        let mut base = image(v1::ImageKind::Base, v1::ImageStatus::Failed);
        let (message, detail) = ("no space".into(), "line\n\u{1b}[2J".into());
        base.error = Some(v1::Error { message, detail, ..Default::default() });
        let block = final_block(&base, "base_image");
        assert!(
            block.ends_with("Image build FAILED with error: no space\nline\n\u{fffd}[2J\n"),
            "{block}"
        );
    }
}
