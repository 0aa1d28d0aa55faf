//! What is left to say when a build is over: its images, how to run them, what failed.

use super::display::{print, say};
use super::error::Error;
use super::exit::Exit;
use super::follow::Ending;
use super::json;
use super::session::Client;
use super::table::table;
use super::words::{explanation, label, printable, run_command, short, size};
use factory_proto::factory_v1::{self as v1, ImageStatus};
use serde_json::json;
use std::fmt::Write;

/// Says how images ended, and answers the exit code for it.
pub(super) async fn report(
    client: &mut Client,
    ids: &[String],
    ending: Ending,
    as_json: bool,
) -> Result<Exit, Error> {
    let mut images = Vec::new();
    for id in ids {
        images.push(client.get_image(v1::GetImageRequest { id: id.clone() }).await?.into_inner());
    }
    if as_json {
        for image in &images {
            print(&format!("{}\n", json!({"image": json::image(image)})))?;
        }
    } else {
        print(&summary(&images))?;
        images.iter().filter_map(failure).for_each(|text| say(&format!("\n{}", text.trim_end())));
    }
    Ok(exit(&images, ending))
}

/// A table of images with their files, and how to run those that say so.
fn summary(images: &[v1::Image]) -> String {
    let rows: Vec<[String; 5]> = images.iter().flat_map(rows).collect();
    let mut text = table(["IMAGE", "ID", "STATUS", "SIZE", "FILE"], &rows);
    for image in images.iter().filter(|image| image.status() == ImageStatus::Complete) {
        if let Some(command) = run_command(image) {
            let _ = write!(text, "\nrun {}:\n  {}\n", label(image), printable(&command));
        }
    }
    text
}

/// One row for each file of an image, at least one.
fn rows(image: &v1::Image) -> Vec<[String; 5]> {
    let status = json::status(image.status()).to_owned();
    let first = [label(image), image.id.clone(), status];
    let place = match image.identifier_on_provider.as_str() {
        "" => String::new(),
        identifier => format!("{identifier} at {}", image.provider),
    };
    let mut files: Vec<[String; 2]> =
        image.artifacts.iter().map(|file| [size(file), file.path.clone()]).collect();
    if files.is_empty() || !place.is_empty() {
        files.insert(0, [String::new(), place]);
    }
    let mut first = Some(first);
    files
        .into_iter()
        .map(|[size, file]| {
            let [label, id, status] = first.take().unwrap_or_default();
            [label, id, status, size, file]
        })
        .collect()
}

/// Why an image failed, with what to do about it; `None` if it did not.
pub(super) fn failure(image: &v1::Image) -> Option<String> {
    let error = image.error.as_ref()?;
    let (label, message) = (label(image), printable(&error.message));
    Some(match error.reason.as_str() {
        CANCELLED if error.detail.is_empty() => format!("{label} was cancelled\n"),
        CANCELLED => format!("{label} was cancelled\n{}", explanation(error)),
        // The parent's own failure is told with the parent.
        PARENT_FAILED => format!("{label} failed: {message}\n"),
        _ => {
            let verb = match image.status() {
                ImageStatus::Deletefailed => "could not be deleted",
                _ => "failed",
            };
            let id = short(&image.id);
            format!("{label} {verb}: {message}\n{}  see `factory log {id}`\n", explanation(error))
        }
    })
}

/// The reason of a build that was cancelled.
const CANCELLED: &str = "CANCELLED";
/// The reason of a build whose parent failed.
const PARENT_FAILED: &str = "PARENT_FAILED";

/// A cancelled build that had ended before anybody heard of it is complete all the same.
fn exit(images: &[v1::Image], ending: Ending) -> Exit {
    let bad = |image: &v1::Image| {
        matches!(image.status(), ImageStatus::Failed | ImageStatus::Deletefailed)
    };
    match (images.iter().any(bad), ending) {
        (false, _) => Exit::Done,
        (true, Ending::Settled) => Exit::Failed,
        (true, Ending::Cancelled) => Exit::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(kind: v1::ImageKind, status: ImageStatus) -> v1::Image {
        let id = "0192f3a4-0000-7000-8000-00000000aaaa".into();
        v1::Image { id, kind: kind.into(), status: status.into(), ..Default::default() }
    }

    #[test]
    fn a_summary_lists_every_file_and_how_to_run_it() {
        let file = |role: &str, virtual_size| v1::Artifact {
            role: role.into(),
            path: format!("/nonexistent/{role}"),
            size: 1 << 20,
            virtual_size,
            ..Default::default()
        };
        let mut base = image(v1::ImageKind::Base, ImageStatus::Complete);
        base.artifacts = vec![file("disk", 4 << 30), file("rootfs", 0)];
        base.properties_json = r#"{"run_command":"qemu {disk}"}"#.into();
        let mut target = image(v1::ImageKind::Target, ImageStatus::Failed);
        target.target = "docker".into();
        assert_eq!(
            summary(&[base, target]),
            "\
IMAGE          ID                                    STATUS    SIZE                  FILE
base           0192f3a4-0000-7000-8000-00000000aaaa  COMPLETE  1.00 MiB of 4.00 GiB  /nonexistent/disk
                                                               1.00 MiB              /nonexistent/rootfs
target docker  0192f3a4-0000-7000-8000-00000000aaaa  FAILED

run base:
  qemu /nonexistent/disk
"
        );
    }

    #[test]
    fn a_failure_says_what_where_what_to_do_and_where_more_is() {
        let mut base = image(v1::ImageKind::Base, ImageStatus::Failed);
        base.error = Some(v1::Error {
            reason: "PACKAGE_NOT_FOUND".into(),
            message: "package nginx-nosuch does not exist in bookworm".into(),
            hint: "check the spelling".into(),
            path: "packages[0]".into(),
            detail: "E: Unable to locate package nginx-nosuch".into(),
            ..Default::default()
        });
        assert_eq!(
            failure(&base).unwrap(),
            "\
base failed: package nginx-nosuch does not exist in bookworm
  at: packages[0]
  hint: check the spelling
  | E: Unable to locate package nginx-nosuch
  see `factory log 0192f3a4`
"
        );
    }

    #[test]
    fn the_exit_code_tells_failure_from_cancellation() {
        let complete = image(v1::ImageKind::Base, ImageStatus::Complete);
        let failed = image(v1::ImageKind::Target, ImageStatus::Failed);
        let both = [complete.clone(), failed];
        assert_eq!(exit(&both, Ending::Settled), Exit::Failed);
        assert_eq!(exit(&both, Ending::Cancelled), Exit::Cancelled);
        assert_eq!(exit(&[complete], Ending::Cancelled), Exit::Done);
    }
}
