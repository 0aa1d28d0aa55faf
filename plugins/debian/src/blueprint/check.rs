//! What may be wrong with a template, section by section.

use crate::disk;
use crate::inside::RepositoryFile;
use crate::options::is_package_name;
use crate::sources::Source;
use factory_plugin_sdk::{Failure, Fault, Template, proto};

const MIB: u64 = 1 << 20;
const DEFAULT_DISK: u64 = 4096 * MIB;
/// Not even the smallest system fits onto less.
const SMALLEST_DISK: u64 = 512 * MIB;

/// Only x86-64 on x86-64: neither emulation nor other boot loaders are here.
pub(super) fn architecture(arch: &str) -> Result<(), Failure> {
    let refused = |message: String, hint: &str| {
        Err(Failure::new(Fault::User, "ARCHITECTURE", message).hint(hint).path("template/os/arch"))
    };
    if arch != "x86_64" {
        let message = format!("architecture {arch} is not supported");
        return refused(message, "use x86_64");
    }
    if std::env::consts::ARCH != "x86_64" {
        let message = format!("this host is {}, not x86_64", std::env::consts::ARCH);
        return refused(message, "build on a host of the image's architecture");
    }
    Ok(())
}

/// The kernel's command line is one line, and not endless.
pub(super) fn kernel_parameters(text: &str) -> Result<(), Failure> {
    let plain = text.chars().all(|c| c.is_whitespace() || !c.is_control());
    // The kernel's own limit is 2048, of which our part needs some.
    if plain && text.len() <= 1800 {
        return Ok(());
    }
    let message =
        "kernelparam must be at most 1800 characters, and none of them a control character";
    Err(Failure::new(Fault::User, "KERNEL_PARAMETERS", message).path("template/os/kernelparam"))
}

/// Answers the disk's size in bytes, in whole mebibytes.
pub(super) fn disk_size(template: &Template) -> Result<u64, Failure> {
    let text = template.disk_size_bytes.as_str();
    if text.is_empty() {
        return Ok(DEFAULT_DISK);
    }
    let refused = |message: String, hint: String| {
        Err(Failure::new(Fault::User, "DISK_SIZE", message).hint(hint).path("template/disk/size"))
    };
    let Ok(bytes) = text.parse::<u128>() else {
        return refused(format!("disk size {text:?} is not a number of bytes"), String::new());
    };
    match u64::try_from(bytes) {
        Ok(bytes) if bytes < SMALLEST_DISK => {
            let message = format!("a disk of {} MiB is too small for any system", bytes / MIB);
            refused(message, format!("ask for at least {} MiB", SMALLEST_DISK / MIB))
        }
        Ok(bytes) if bytes <= disk::LARGEST => Ok(bytes.next_multiple_of(MIB)),
        _ => refused(
            format!("a disk of {bytes} bytes is too large"),
            "ask for at most 16 TiB".into(),
        ),
    }
}

/// What is no package's name could be an option or a removal to apt.
pub(super) fn packages(packages: &[proto::Package]) -> Vec<Failure> {
    let refused = |(number, package): (usize, &proto::Package)| {
        let message = format!("{:?} is not the name of a package", package.name);
        Failure::new(Fault::User, "PACKAGE_NAME", message)
            .path(format!("template/packages/package[{number}]"))
    };
    let named = |(_, package): &(usize, &proto::Package)| !is_package_name(&package.name);
    (1..).zip(packages).filter(named).map(refused).collect()
}

/// Paths are absolute and name a file.
pub(super) fn files(files: &[proto::File]) -> Vec<Failure> {
    let absolute = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or_default();
        name.starts_with('/') && !["", ".", ".."].contains(&last) && !name.contains('\0')
    };
    let refused = |(number, file): (usize, &proto::File)| {
        let message = format!("{:?} is not the absolute path of a file", file.name);
        Failure::new(Fault::User, "FILE_NAME", message)
            .hint("start it with / and end it with the file's name")
            .path(format!("template/files/file[{number}]"))
    };
    (1..).zip(files).filter(|(_, file)| !absolute(&file.name)).map(refused).collect()
}

/// Answers the repositories that can be used, and what is wrong with the others.
pub(super) fn repositories(
    repositories: &[proto::Repository],
) -> (Vec<RepositoryFile>, Vec<Failure>) {
    let (mut files, mut refused) = (vec![], vec![]);
    for (number, repository) in (1..).zip(repositories) {
        match Source::from_repository(repository) {
            Ok(source) => files.push(RepositoryFile {
                file: repository_file(&repository.name),
                text: source.render(),
                persisted: repository.persisted,
            }),
            Err(message) => refused.push(
                Failure::new(Fault::User, "REPOSITORY_URL", message)
                    .path(format!("template/repositories/repository[{number}]/url")),
            ),
        }
    }
    (files, refused)
}

/// apt reads only files of plain names.
fn repository_file(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    format!("{}.sources", name.chars().map(plain).collect::<String>())
}

/// Answers the hosts whose certificates are not checked during the build.
pub(super) fn unverified_hosts(repositories: &[proto::Repository]) -> Vec<String> {
    let unverified = repositories.iter().filter(|repository| !repository.ssl_verify);
    let sources = unverified.filter_map(|repository| Source::from_repository(repository).ok());
    let mut hosts: Vec<_> = sources
        .filter(|source| source.uris.iter().any(|uri| uri.starts_with("https:")))
        .flat_map(|source| source.hosts().into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_sizes_are_whole_mebibytes_within_limits() {
        let size = |text: &str| {
            let template = Template { disk_size_bytes: text.into(), ..Default::default() };
            disk_size(&template).ok()
        };
        assert_eq!(size(""), Some(4 << 30));
        assert_eq!(size("1000000000"), Some(954 << 20));
        assert_eq!(size("10000000000000000000000"), None);
        assert_eq!(size("0"), None);
    }
}
