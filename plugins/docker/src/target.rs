//! Making the target image: runs the build off the async threads, reports how far it is, announces the result.

use crate::build::{Build, Built, Error, Pulse};
use crate::compression::Compression;
use crate::problem::{self, chain};
use crate::rootfs;
use crate::settings::Settings;
use factory_plugin_sdk::tool::Tool;
use factory_plugin_sdk::{
    ArtifactFile, Failure, Fault, InputImage, Operation, Progress, TargetRequest,
};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const REPORT_INTERVAL: Duration = Duration::from_millis(250);
const IMAGE_FILE: &str = "image.tar";
const PHASE: &str = "make container image";

/// Makes a container image of the request's root file system, as the operation's parameters say.
///
/// # Errors
/// If the parameters are wrong, there is no root file system, or a file can't be read or written.
pub async fn create(request: &TargetRequest, operation: &Operation) -> Result<(), Failure> {
    let (settings, found) = Settings::read(operation.parameters(), Some(&request.template));
    let settings = settings.ok_or_else(|| problem::failure(&found))?;
    for remark in &found {
        operation.warning(remark.message.as_str(), &remark.hint).await?;
    }
    let rootfs = rootfs(&request.image)?;
    if settings.create_metadata {
        create_image(rootfs, settings, operation).await
    } else {
        create_tar(rootfs, settings, operation).await
    }
}

async fn create_image(
    rootfs: PathBuf,
    settings: Settings,
    operation: &Operation,
) -> Result<(), Failure> {
    let identity = settings.identity.clone();
    let output = operation.work_dir().join(IMAGE_FILE);
    let work = move |build: &Build<'_>, pulse: &Pulse| build.image(&identity, pulse);
    let built = run(rootfs, output, settings.clone(), operation, work).await?;
    warn_of_broken_links(&built.summary, operation).await?;
    let archive = ArtifactFile::new("archive", IMAGE_FILE, "oci-archive")
        .media_type("application/x-tar")
        .virtual_size(built.layer.tar.size);
    operation.artifact(archive).await?;
    announce_properties(&built, &settings, operation).await
}

async fn create_tar(
    rootfs: PathBuf,
    settings: Settings,
    operation: &Operation,
) -> Result<(), Failure> {
    let format = settings.compression.tar_format();
    let packer = packer(settings.compression);
    let file = format!("rootfs.{}", if packer.is_some() { "tar" } else { format });
    let output = operation.work_dir().join(&file);
    let work = move |build: &Build<'_>, pulse: &Pulse| build.tar(pulse);
    let (_, summary) = run(rootfs, output, settings.clone(), operation, work).await?;
    warn_of_broken_links(&summary, operation).await?;
    if let Some(packer) = packer {
        packer.arg(&file).run(operation).await?;
    }
    let file = format!("rootfs.{format}");
    operation.artifact(ArtifactFile::new("archive", &file, format)).await?;
    let name = settings.identity.name.full();
    let command = format!("podman import {{archive}} {name} && podman run --rm -it {name} /bin/sh");
    operation.property("run_command", command).await
}

/// Runs a build on a thread of its own. Always waits for its end, so that nothing writes after a failure is reported.
async fn run<T: Send + 'static>(
    rootfs: PathBuf,
    output: PathBuf,
    settings: Settings,
    operation: &Operation,
    work: impl FnOnce(&Build<'_>, &Pulse) -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    let total = tokio::fs::metadata(&rootfs).await.map_or(0, |metadata| metadata.len());
    let cancellation = operation.cancellation().child_token();
    let pulse = Arc::new(Pulse { cancellation, ..Pulse::default() });
    let shared = Arc::clone(&pulse);
    let mut build = tokio::task::spawn_blocking(move || {
        let build = Build {
            rootfs: &rootfs,
            output: &output,
            excludes: &settings.excludes,
            compression: settings.compression,
            created: settings.created,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        work(&build, &shared)
    });
    let mut ticks = tokio::time::interval(REPORT_INTERVAL);
    loop {
        tokio::select! {
            done = &mut build => {
                let done = done.map_err(|error| {
                    Failure::new(Fault::Plugin, "PANIC", "the image's builder stopped")
                        .detail(error.to_string())
                })?;
                let done = done.map_err(failure)?;
                operation.progress(progress(total, total)).await?;
                return Ok(done);
            }
            _ = ticks.tick() => {
                let read = pulse.bytes_read.load(Ordering::Relaxed);
                // A cancelled operation shows in the build's own end.
                let _ = operation.progress(progress(read, total)).await;
            }
        }
    }
}

fn progress(read: u64, total: u64) -> Progress {
    let percent = if total == 0 { 0.0 } else { 95.0 * read as f64 / total as f64 };
    Progress::phase(PHASE).percent(percent.min(95.0)).amount(read, total, "bytes")
}

async fn warn_of_broken_links(
    summary: &rootfs::Summary,
    operation: &Operation,
) -> Result<(), Failure> {
    for link in &summary.broken_links {
        let message =
            format!("left out {link}: a hard link to a file that tar_excludes leaves out");
        operation.warning(message, "exclude both, or neither").await?;
    }
    Ok(())
}

async fn announce_properties(
    built: &Built,
    settings: &Settings,
    operation: &Operation,
) -> Result<(), Failure> {
    let name = settings.identity.name.full();
    let shell = if settings.identity.cmd.is_some() { "" } else { " /bin/sh" };
    let command = format!("podman load -i {{archive}} && podman run --rm -it {name}{shell}");
    for (key, value) in [
        ("docker_image_digest", &built.manifest.digest),
        ("docker_image_id", &built.config.digest),
        ("docker_layer_diff_id", &built.layer.tar.digest),
        ("docker_reference", &settings.identity.name.short()),
        ("run_command", &command),
    ] {
        operation.property(key, value.as_str()).await?;
    }
    operation.property("docker_layer_size", built.layer.stored.size).await?;
    operation.property("docker_uncompressed_size", built.layer.tar.size).await
}

/// Returns the program for what is not compressed in this process.
fn packer(compression: Compression) -> Option<Tool> {
    match compression {
        // One thread makes other bytes than several; two and more make the same.
        Compression::Xz => Some(Tool::new("xz").package("xz-utils").arg("--threads=2")),
        Compression::Bzip2 => Some(Tool::new("bzip2").package("bzip2")),
        Compression::None | Compression::Gzip | Compression::Zstd => None,
    }
}

fn rootfs(image: &InputImage) -> Result<PathBuf, Failure> {
    let found = image.artifacts.iter().find(|artifact| artifact.role == "rootfs");
    let Some(artifact) = found else {
        let roles: Vec<&str> = image.artifacts.iter().map(|a| a.role.as_str()).collect();
        let message =
            format!("the base image has no root file system (it has: {})", roles.join(", "));
        return Err(Failure::new(Fault::User, "ROOTFS_MISSING", message).hint(
            "build the base image with an OS plugin that announces a rootfs, such as debian; a disk alone, such as an \
             imported one, makes no container image",
        ));
    };
    if artifact.format != "tar" {
        let message = format!("the root file system is {}, but must be tar", artifact.format);
        return Err(Failure::new(Fault::User, "ROOTFS_FORMAT", message)
            .hint("build the base image with an OS plugin that announces a tar"));
    }
    Ok(PathBuf::from(&artifact.path))
}

fn failure(error: Error) -> Failure {
    let message = chain(&error);
    match &error {
        Error::Rootfs(rootfs::Error::Cancelled) => Failure::cancelled(),
        Error::Rootfs(rootfs::Error::Write(cause)) | Error::Write(cause)
            if cause.kind() == io::ErrorKind::StorageFull =>
        {
            Failure::new(Fault::Quota, "DISK_FULL", message)
                .hint("free space in the factory's store")
        }
        Error::Rootfs(rootfs::Error::Read(_)) => {
            Failure::new(Fault::Plugin, "ROOTFS_INVALID", message)
                .hint("the base image is damaged or in a form not known here: build it again")
        }
        Error::Open { .. } | Error::Rootfs(rootfs::Error::Write(_)) | Error::Write(_) => {
            Failure::new(Fault::Host, "IO_FAILED", message)
        }
        Error::Documents(_) | Error::LayerCompression(_) => {
            Failure::new(Fault::Plugin, "IMAGE_INVALID", message)
        }
    }
}
