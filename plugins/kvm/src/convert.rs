//! Making the target's disk: by `qemu-img`, or without copying where nothing has to change.

use crate::problem::io_failure;
use crate::settings::{Compression, Format, Settings};
use factory_plugin_sdk::proto::Artifact;
use factory_plugin_sdk::tool::Tool;
use factory_plugin_sdk::{Failure, Fault, Operation, Progress};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const PHASE: &str = "make disk";

/// What `qemu-img info` says of a disk.
#[derive(Debug, Deserialize)]
struct Info {
    #[serde(rename = "virtual-size")]
    virtual_size: u64,
}

/// Makes the disk `output` of an artifact. Answers the size that a guest sees, in bytes.
///
/// # Errors
/// If `qemu-img` is missing or fails, or the disk can't be written.
pub async fn convert(
    input: &Artifact,
    settings: &Settings,
    output: &Path,
    operation: &Operation,
) -> Result<u64, Failure> {
    if is_unchanged(input, settings) {
        link_or_copy(Path::new(&input.path), output, operation).await?;
    } else {
        let arguments = arguments(input, settings, output);
        let tool = Tool::new("qemu-img").package("qemu-utils").args(arguments);
        tool.run_with(operation, |line| percent(line).map(progress))
            .await
            .map_err(|failure| failure.step("convert the disk"))?;
    }
    virtual_size(output, settings.format, operation).await
}

/// Says whether the disk needs no conversion.
pub fn is_unchanged(input: &Artifact, settings: &Settings) -> bool {
    input.format == "raw" && settings.format == Format::Raw
}

/// Copies a file so that holes stay holes and, where the file system can, no block is copied.
///
/// # Errors
/// If `cp` fails.
pub async fn copy(from: &Path, to: &Path, operation: &Operation) -> Result<(), Failure> {
    let copy = Tool::new("cp").package("coreutils").args(["--reflink=auto", "--sparse=auto", "--"]);
    copy.arg(from).arg(to).run(operation).await
}

/// Gives an unchanged disk a second name, for neither is ever written to; copies it where that can't be.
async fn link_or_copy(from: &Path, to: &Path, operation: &Operation) -> Result<(), Failure> {
    operation.progress(progress(0.0)).await?;
    let from = tokio::fs::canonicalize(from).await.map_err(|cause| {
        io_failure(format!("can't read the base image's disk {}", from.display()), &cause)
    })?;
    match tokio::fs::hard_link(&from, to).await {
        Ok(()) => Ok(()),
        Err(_) => copy(&from, to, operation).await,
    }
}

async fn virtual_size(disk: &Path, format: Format, operation: &Operation) -> Result<u64, Failure> {
    let tool = Tool::new("qemu-img").package("qemu-utils");
    let tool = tool.args(["info", "--output=json", "-f", format.as_str()]).arg(disk);
    let output = tool.output(operation).await?;
    let info: Info = serde_json::from_slice(&output.stdout).map_err(|cause| {
        Failure::new(Fault::Plugin, "TOOL_OUTPUT", format!("qemu-img info can't be read: {cause}"))
    })?;
    Ok(info.virtual_size)
}

fn arguments(input: &Artifact, settings: &Settings, output: &Path) -> Vec<PathBuf> {
    let mut words = vec!["convert", "-p", "-f", &input.format, "-O", settings.format.as_str()];
    let option;
    if let Some(compression) = settings.compression {
        option = compression_option(compression);
        // Out of order, by as many coroutines as there may be: compressing is what takes time.
        words.extend(["-c", "-W", "-m", "16", "-o", &option]);
    }
    let paths = [PathBuf::from(&input.path), output.to_owned()];
    words.into_iter().map(PathBuf::from).chain(paths).collect()
}

fn compression_option(compression: Compression) -> String {
    format!("compression_type={}", compression.as_str())
}

fn progress(percent: f64) -> Progress {
    Progress::phase(PHASE).percent(percent * 0.95)
}

/// Reads `qemu-img`'s progress meter: `    (12.50/100%)`.
fn percent(line: &str) -> Option<f64> {
    line.trim().strip_prefix('(')?.strip_suffix("/100%)")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_meter_is_read() {
        assert_eq!(percent("    (12.50/100%)"), Some(12.5));
        assert_eq!(percent("(100.00/100%)"), Some(100.0));
        assert_eq!(percent("qemu-img: error"), None);
        assert_eq!(percent("(x/100%)"), None);
    }
}
