//! Which operating system is in a raw disk.

use super::filesystem::{Device, RawDisk};
use super::os_release::{Named, Release};
use super::{Disk, Error, OperatingSystem, elf};
use std::path::Path;

/// Where a system's root directory may be in its file system: at its top, or in a subvolume of Btrfs.
const ROOTS: [&str; 5] = ["", "@", "@rootfs", "root", "@/.snapshots/1/snapshot"];
/// Programs that a system has, one of them at least. Those below `bin` also show in a partition that is all `/usr`.
const PROGRAMS: [&str; 7] = [
    "usr/bin/ls",
    "bin/ls",
    "usr/bin/bash",
    "bin/bash",
    "bin/busybox",
    "usr/lib/systemd/systemd",
    "sbin/init",
];
/// More than any of these files has, in bytes.
const FILE_LEN_MAX: usize = 16 * 1024;
/// As much of a program as its header has, in bytes.
const HEADER_LEN: usize = 64;
/// How many deployments of an OSTree are looked at.
const DEPLOYMENTS_MAX: usize = 16;

/// What was found in one place.
struct Found {
    device: Device,
    root: String,
    named: Named,
}

/// Answers the operating system in the raw disk at `raw`; `disk` is what it was before. An architecture that is known
/// already is not looked for.
///
/// # Errors
/// If there is none or more than one, its architecture can't be told, or the disk can't be read in time.
pub async fn identify(
    disk: &Disk,
    raw: &Path,
    arch: Option<&str>,
) -> Result<OperatingSystem, Error> {
    let view = RawDisk::new(raw);
    let mut found: Vec<Found> = Vec::new();
    let mut looked = Vec::new();
    for device in view.devices().await? {
        let Some(names) = view.list(&device, "").await? else { continue };
        looked.push(device.to_string());
        found.extend(look(&view, device, &names).await?);
    }
    let Some(first) = found.first() else {
        let looked = match looked.as_slice() {
            [] => "there is no file system in it that can be read".to_owned(),
            places => format!("file systems looked at: {}", places.join(", ")),
        };
        return Err(Error::Unidentified { format: disk.format, looked });
    };
    if found.iter().any(|other| other.named != first.named) {
        let names = found.iter().map(|one| format!("{} on {}", words(&one.named), one.device));
        return Err(Error::Several { found: names.collect::<Vec<_>>().join(", ") });
    }
    let arch = match arch {
        Some(known) => known.to_owned(),
        None => architecture(&view, &found).await?,
    };
    let (name, version) = first.named.clone();
    Ok(OperatingSystem { name, version, arch })
}

/// Looks for a system in a file system, in each place where its root may be.
async fn look(view: &RawDisk, device: Device, names: &[String]) -> Result<Option<Found>, Error> {
    let mut roots: Vec<String> = ROOTS
        .iter()
        .filter(|root| {
            let top = root.split('/').next().unwrap_or_default();
            top.is_empty() || names.iter().any(|name| name == top)
        })
        .map(|root| (*root).to_owned())
        .collect();
    if names.iter().any(|name| name == "ostree") {
        roots.extend(deployments(view, &device).await?);
    }
    for root in roots {
        let release = release(view, &device, &root).await?;
        if release.is_empty() {
            continue;
        }
        if let Some(named) = release.named() {
            return Ok(Some(Found { device, root, named }));
        }
    }
    Ok(None)
}

/// `/ostree/deploy/OS/deploy/CHECKSUM.SERIAL`: each is a whole system.
async fn deployments(view: &RawDisk, device: &Device) -> Result<Vec<String>, Error> {
    let mut roots = Vec::new();
    let systems = view.list(device, "ostree/deploy").await?.unwrap_or_default();
    for system in systems.iter().take(DEPLOYMENTS_MAX) {
        let directory = format!("ostree/deploy/{system}/deploy");
        let names = view.list(device, &directory).await?.unwrap_or_default();
        let deployed = names.iter().filter(|name| !name.ends_with(".origin"));
        roots.extend(deployed.take(DEPLOYMENTS_MAX).map(|name| format!("{directory}/{name}")));
    }
    Ok(roots)
}

async fn release(view: &RawDisk, device: &Device, root: &str) -> Result<Release, Error> {
    let mut release = Release::default();
    // The last is for a partition that is all of `/usr`.
    for file in ["etc/os-release", "usr/lib/os-release", "lib/os-release"] {
        release.os_release = text(view, device, root, file).await?;
        if release.os_release.is_some() {
            break;
        }
    }
    release.redhat_release = text(view, device, root, "etc/redhat-release").await?;
    if release.os_release.is_none() {
        release.debian_version = text(view, device, root, "etc/debian_version").await?;
    }
    Ok(release)
}

/// Reads a file; an empty one is as good as none.
async fn text(
    view: &RawDisk,
    device: &Device,
    root: &str,
    file: &str,
) -> Result<Option<String>, Error> {
    let bytes = view.read(device, &format!("{root}/{file}"), FILE_LEN_MAX).await?;
    let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// Answers what the programs of the systems found run on.
async fn architecture(view: &RawDisk, found: &[Found]) -> Result<String, Error> {
    let mut why = "none of its programs was found".to_owned();
    for Found { device, root, .. } in found {
        for program in PROGRAMS {
            let header = view.read(device, &format!("{root}/{program}"), HEADER_LEN).await?;
            match header
                .filter(|header| !header.is_empty())
                .map(|header| elf::architecture(&header))
            {
                Some(Ok(arch)) => return Ok(arch.to_owned()),
                Some(Err(other)) => why = other,
                None => {}
            }
        }
    }
    let os = found.first().map(|one| words(&one.named)).unwrap_or_default();
    Err(Error::Architecture { os, why })
}

fn words((name, version): &Named) -> String {
    format!("{name} {version}")
}
