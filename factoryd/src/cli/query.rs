//! `images`, `show`: what is there.

use super::arguments::{ImagesArguments, KindWord, ShowArguments, StatusWord};
use super::display::print;
use super::error::Error;
use super::exit::Exit;
use super::pages::Pages;
use super::session::Session;
use super::table::table;
use super::words::{explanation, one_line, printable, run_command, size};
use super::{ids, json, lines};
use factory_proto::factory_v1::{self as v1, ImageStatus};
use serde_json::Value;
use std::fmt::Write;

/// Lists images.
pub(super) async fn images(session: &Session, arguments: &ImagesArguments) -> Result<Exit, Error> {
    let request = v1::ListImagesRequest {
        kind: arguments.kind.map(kind).unwrap_or_default().into(),
        status: arguments.status.map(status).unwrap_or_default().into(),
        deleted: arguments.all || matches!(arguments.status, Some(StatusWord::Deleted)),
        ..Default::default()
    };
    let mut pages = Pages::new(session.client(), request);
    if arguments.json {
        print_array(pages).await?;
    } else {
        let mut rows = Vec::new();
        while let Some(images) = pages.next().await? {
            rows.extend(images.iter().map(image_row));
        }
        print(&table(["ID", "KIND", "FOR", "NAME", "STATUS", "SIZE", "CREATED"], &rows))?;
    }
    Ok(Exit::Done)
}

/// Prints images as one JSON array, each when it comes.
async fn print_array(mut pages: Pages) -> Result<(), Error> {
    let mut separator = "[\n";
    while let Some(images) = pages.next().await? {
        for image in &images {
            let object = format!("{:#}", json::image(image)).replace('\n', "\n  ");
            print(&format!("{separator}  {object}"))?;
            separator = ",\n";
        }
    }
    print(if separator == ",\n" { "\n]\n" } else { "[]\n" })
}

/// Shows one image.
pub(super) async fn show(session: &Session, arguments: &ShowArguments) -> Result<Exit, Error> {
    let image = ids::find(&mut session.client(), &arguments.image).await?;
    if arguments.json {
        print(&format!("{:#}\n", json::image(&image)))?;
    } else {
        let request = v1::ListStepsRequest { id: image.id.clone() };
        let steps = session.client().list_steps(request).await?.into_inner().steps;
        print(&(details(&image) + &journal(&steps)))?;
    }
    Ok(Exit::Done)
}

fn image_row(image: &v1::Image) -> [String; 7] {
    let whom = match image.provider.as_str() {
        "" => image.target.clone(),
        provider => format!("{} at {}", image.target, one_line(provider, 40)),
    };
    let status = match image.status() {
        ImageStatus::Building => format!("BUILDING {:.0} %", image.percent_complete),
        status => json::status(status).to_owned(),
    };
    [
        image.id.clone(),
        json::kind(image.kind()).to_owned(),
        whom,
        printable(&one_line(&image.name, 40)),
        status,
        image.artifacts.first().map(size).unwrap_or_default(),
        image.created.as_ref().map(lines::to_the_second).unwrap_or_default(),
    ]
}

fn details(image: &v1::Image) -> String {
    let mut text = String::new();
    let status = json::status(image.status());
    let lines = [
        ("id", image.id.clone()),
        ("kind", json::kind(image.kind()).to_owned()),
        ("name", printable(&image.name)),
        (
            "status",
            format!("{status} {:.0} % {}", image.percent_complete, printable(&image.activity)),
        ),
        ("made from", image.parent_id.clone()),
        ("target", image.target.clone()),
        ("provider", image.provider.clone()),
        ("known there as", image.identifier_on_provider.clone()),
        ("account", image.provider_account_identifier.clone()),
        ("created", image.created.as_ref().map(lines::to_the_second).unwrap_or_default()),
        ("changed", image.updated.as_ref().map(lines::to_the_second).unwrap_or_default()),
        ("events up to", image.last_cursor.to_string()),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<15} {}", value.trim_end());
    }
    for artifact in &image.artifacts {
        let _ = writeln!(text, "{:<15} {}", artifact.role, artifact.path);
        let _ = writeln!(
            text,
            "{:<15} {}, {}, sha256 {}",
            "",
            artifact.format,
            size(artifact),
            artifact.sha256
        );
    }
    if let Some(command) = run_command(image) {
        let _ = writeln!(text, "{:<15} {}", "run", printable(&command));
    }
    for (title, json) in
        [("parameter", &image.parameters_json), ("property", &image.properties_json)]
    {
        text.push_str(&values(title, json));
    }
    if let Some(error) = &image.error {
        let _ =
            write!(text, "{:<15} {}\n{}", "error", printable(&error.message), explanation(error));
    }
    text
}

/// A line for each step that was begun.
fn journal(steps: &[v1::Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let when = step.ended.as_ref().or(step.begun.as_ref());
        let when = when.map(lines::to_the_second).unwrap_or_default();
        let tries = if step.tries == 1 { String::new() } else { format!(", try {}", step.tries) };
        let _ = writeln!(text, "{:<15} {:<26} {} {when}{tries}", "step", step.name, step.state);
    }
    text
}

fn values(title: &str, json: &str) -> String {
    let Ok(Value::Object(values)) = serde_json::from_str(json) else { return String::new() };
    let words = values.iter().filter(|(name, _)| *name != "run_command").map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{title:<15} {name} = {}\n", printable(&one_line(&value, 200)))
    });
    words.collect()
}

fn kind(word: KindWord) -> v1::ImageKind {
    match word {
        KindWord::Base => v1::ImageKind::Base,
        KindWord::Target => v1::ImageKind::Target,
        KindWord::Provider => v1::ImageKind::Provider,
    }
}

fn status(word: StatusWord) -> ImageStatus {
    match word {
        StatusWord::New => ImageStatus::New,
        StatusWord::Pending => ImageStatus::Pending,
        StatusWord::Building => ImageStatus::Building,
        StatusWord::Complete => ImageStatus::Complete,
        StatusWord::Failed => ImageStatus::Failed,
        StatusWord::Deleting => ImageStatus::Deleting,
        StatusWord::Deleted => ImageStatus::Deleted,
        StatusWord::DeleteFailed => ImageStatus::Deletefailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_leave_out_what_is_not_there() {
        let image = v1::Image {
            id: "0192".into(),
            kind: v1::ImageKind::Base.into(),
            status: ImageStatus::Complete.into(),
            percent_complete: 100.0,
            name: "web".into(),
            properties_json: r#"{"size":"4","tags":["a"]}"#.into(),
            last_cursor: 7,
            ..Default::default()
        };
        assert_eq!(
            details(&image),
            "\
id              0192
kind            base
name            web
status          COMPLETE 100 %
events up to    7
property        size = 4
property        tags = [\"a\"]
"
        );
    }
}
