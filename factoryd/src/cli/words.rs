//! Images, sizes and failures in words for a person.

use super::json;
use factory_proto::factory_v1 as v1;
use indicatif::HumanBytes;
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;

/// How many digits of an id are shown where there is little room.
const SHORT_ID_LEN: usize = 8;

/// `base`, `target docker`, `provider docker at registry`.
pub(super) fn label(image: &v1::Image) -> String {
    match image.kind() {
        v1::ImageKind::Target => format!("target {}", image.target),
        v1::ImageKind::Provider => {
            format!("provider {} at {}", image.target, one_line(&image.provider, 40))
        }
        kind => json::kind(kind).to_owned(),
    }
}

/// The beginning of an id.
pub(super) fn short(id: &str) -> &str {
    id.get(..SHORT_ID_LEN).unwrap_or(id)
}

/// Where, what to do, and the detail of a failure: indented lines after its message.
pub(super) fn explanation(error: &v1::Error) -> String {
    let mut text = String::new();
    if !error.path.is_empty() {
        let _ = writeln!(text, "  at: {}", error.path);
    }
    if !error.hint.is_empty() {
        let _ = writeln!(text, "  hint: {}", error.hint);
    }
    for line in error.detail.lines() {
        let _ = writeln!(text, "  | {line}");
    }
    text
}

/// The size of a file as it is here and as a guest or a reader sees it: `612.00 MiB of 4.00 GiB`.
pub(super) fn size(artifact: &v1::Artifact) -> String {
    // The blocks on disk, if the file is on this machine: an image is sparse.
    let allocated = std::fs::metadata(&artifact.path).map(|file| file.blocks() * 512);
    let stored = allocated.unwrap_or(artifact.size).min(artifact.size);
    let seen = artifact.size.max(artifact.virtual_size);
    if stored == seen {
        return HumanBytes(seen).to_string();
    }
    format!("{} of {}", HumanBytes(stored), HumanBytes(seen))
}

/// How far something countable is: `12.00 MiB of 40.00 MiB`, `3 of 9 packages`, or nothing.
pub(super) fn amount(progress: &v1::Progress) -> String {
    let number = |number: u64| match progress.unit.as_str() {
        "bytes" => HumanBytes(number).to_string(),
        _ => number.to_string(),
    };
    let unit = match progress.unit.as_str() {
        "bytes" | "" => String::new(),
        unit => format!(" {unit}"),
    };
    match (progress.current, progress.total) {
        (0, 0) => String::new(),
        (current, 0) => format!("{}{unit}", number(current)),
        (current, total) => format!("{} of {}{unit}", number(current), number(total)),
    }
}

/// How to run an image: its property `run_command`, with `{role}` replaced by the path of that file.
pub(super) fn run_command(image: &v1::Image) -> Option<String> {
    let properties: serde_json::Value = serde_json::from_str(&image.properties_json).ok()?;
    let mut command = properties.get("run_command")?.as_str()?.to_owned();
    for artifact in &image.artifacts {
        command = command.replace(&format!("{{{}}}", artifact.role), &quoted(&artifact.path));
    }
    Some(command)
}

/// The first line of a text, cut at a number of characters.
pub(super) fn one_line(text: &str, len_max: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut cut: String = line.chars().take(len_max).collect();
    if cut.len() < text.trim_end().len() {
        cut.push('…');
    }
    cut
}

/// Text from elsewhere must not move the cursor or clear the screen.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// The same for a text of several lines.
pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_command_names_the_files_and_survives_a_shell() {
        let artifact = v1::Artifact {
            role: "disk".into(),
            path: "/var/lib/my images/disk.qcow2".into(),
            ..Default::default()
        };
        let image = v1::Image {
            properties_json: r#"{"run_command":"qemu-system-x86_64 -hda {disk}"}"#.into(),
            artifacts: vec![artifact],
            ..Default::default()
        };
        let command = run_command(&image).unwrap();
        assert_eq!(command, "qemu-system-x86_64 -hda '/var/lib/my images/disk.qcow2'");
        assert_eq!(run_command(&v1::Image::default()), None);
    }

    #[test]
    fn an_explanation_says_where_what_to_do_and_the_last_words() {
        let error = v1::Error {
            message: "package nginx-nosuch does not exist".into(),
            hint: "check the spelling".into(),
            path: "packages[3]".into(),
            detail: "E: Unable to locate package\nE: bye".into(),
            ..Default::default()
        };
        assert_eq!(
            explanation(&error),
            "  at: packages[3]\n  hint: check the spelling\n  | E: Unable to locate package\n  | E: bye\n"
        );
    }

    #[test]
    fn amounts_read_as_bytes_or_things() {
        let bytes =
            v1::Progress { current: 1024, total: 4096, unit: "bytes".into(), ..Default::default() };
        assert_eq!(amount(&bytes), "1.00 KiB of 4.00 KiB");
        let things =
            v1::Progress { current: 3, total: 9, unit: "packages".into(), ..Default::default() };
        assert_eq!(amount(&things), "3 of 9 packages");
        assert_eq!(amount(&v1::Progress::default()), "");
    }

    #[test]
    fn a_label_tells_the_images_of_one_build_apart() {
        let target = v1::Image {
            kind: v1::ImageKind::Target.into(),
            target: "docker".into(),
            ..Default::default()
        };
        assert_eq!(label(&target), "target docker");
    }

    #[test]
    fn long_or_hostile_text_stays_on_its_line() {
        assert_eq!(one_line("abc\ndef", 10), "abc…");
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
