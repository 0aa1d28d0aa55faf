//! From a request to a plan: everything that can be decided before anything is started, and every reason to refuse.

use crate::disk::{self, Ids};
use crate::host;
use crate::inside::{Plan, RepositoryFile};
use crate::options::{Options, is_package_name};
use crate::release::Release;
use crate::sources::{self, Source};
use factory_plugin_sdk::{Failure, Fault, Parameters, Template, proto};
use std::path::Path;

const MIB: u64 = 1 << 20;
const DEFAULT_DISK: u64 = 4096 * MIB;
/// Not even the smallest system fits onto less.
const SMALLEST_DISK: u64 = 512 * MIB;

/// A request, read and found good.
#[derive(Debug)]
pub(crate) struct Blueprint {
    release: Release,
    options: Options,
    sources: Vec<Source>,
    repositories: Vec<RepositoryFile>,
    unverified_hosts: Vec<String>,
    disk_size: u64,
    /// Whether the sources are the build host's own.
    pub(crate) from_host: bool,
}

impl Blueprint {
    /// Reads a request; answers every reason why it can't be carried out.
    ///
    /// # Errors
    /// All that is wrong.
    pub(crate) fn read(template: &Template, parameters: &Parameters) -> Result<Self, Vec<Failure>> {
        let mut wrong = Vec::new();
        let mut keep = |failure| wrong.push(failure);
        let os = template.os.clone().unwrap_or_default();
        let release = Release::find(&os.name, &os.version).map_err(&mut keep).ok();
        let options = Options::read(parameters, template).map_err(&mut keep).ok();
        let disk_size = disk_size(template).map_err(&mut keep).ok();
        check_architecture(&os.arch).unwrap_or_else(&mut keep);
        check_kernel_parameters(&os.kernel_parameters).unwrap_or_else(&mut keep);
        let sources = release.and_then(|release| sources(&os, &release).map_err(&mut keep).ok());
        check_packages(&template.packages).into_iter().for_each(&mut keep);
        check_files(&template.files).into_iter().for_each(&mut keep);
        let (repositories, refused) = repositories(&template.repositories);
        refused.into_iter().for_each(&mut keep);
        match (release, options, disk_size, sources) {
            (Some(release), Some(options), Some(disk_size), Some(sources)) if wrong.is_empty() => {
                let unverified_hosts = unverified_hosts(&template.repositories);
                let from_host = is_host(&os);
                Ok(Self {
                    release,
                    options,
                    sources,
                    repositories,
                    unverified_hosts,
                    disk_size,
                    from_host,
                })
            }
            _ => Err(wrong),
        }
    }

    /// Makes the plan of a base image. Where it is carried out is for the caller to add.
    pub(crate) fn into_plan(self, template: &Template) -> Plan {
        let Self { release, options, sources, .. } = self;
        let distribution = release.distribution;
        let kernel = options.kernel_package.as_deref().unwrap_or(distribution.default_kernel());
        let mut bootstrap: Vec<_> =
            release.boot_packages().into_iter().map(str::to_owned).collect();
        bootstrap.push(kernel.to_owned());
        let mut later: Vec<_> =
            template.packages.iter().map(|package| package.name.clone()).collect();
        if self.repositories.is_empty() && template.precommands.is_empty() {
            // Nothing comes between: one run of apt is faster than two.
            bootstrap.append(&mut later);
        }
        let key_files = sources.iter().filter_map(Source::key_file).map(str::to_owned).collect();
        let kernel_parameters = kernel_parameters(template);
        Plan {
            seed: ids(template, &options).seed().to_vec(),
            title: format!("{distribution} {}", release.version),
            codename: release.codename.to_owned(),
            sources_file: format!("{}.sources", distribution.id()),
            sources: sources.iter().map(Source::render).collect(),
            release_files: sources.iter().flat_map(Source::release_files).collect(),
            key_files,
            unverified_hosts: self.unverified_hosts,
            repositories: self.repositories,
            variant: options.variant.clone(),
            bootstrap_packages: bootstrap,
            later_packages: later,
            hostname: options.hostname.clone(),
            epoch: options.source_date_epoch.unwrap_or_default(),
            disk_size: self.disk_size,
            memory: memory(&options, self.disk_size),
            kernel_parameters,
            template: Some(template.clone()),
            ..Plan::default()
        }
    }
}

/// Makes the plan of a target image from its base image's archive.
///
/// # Errors
/// If the template or the parameters are not what the base image was built with.
pub(crate) fn target_plan(
    template: &Template,
    parameters: &Parameters,
    base: String,
    epoch: u64,
) -> Result<Plan, Failure> {
    let options = Options::read(parameters, template)?;
    let disk_size = disk_size(template)?;
    Ok(Plan {
        seed: ids(template, &options).seed().to_vec(),
        memory: memory(&options, disk_size),
        hostname: options.hostname,
        epoch,
        disk_size,
        kernel_parameters: kernel_parameters(template),
        base,
        template: Some(template.clone()),
        ..Plan::default()
    })
}

/// The same template and options give the same ids, and so a target image keeps those of its base.
fn ids(template: &Template, options: &Options) -> Ids {
    let os = template.os.clone().unwrap_or_default();
    let parts = [&template.name, &os.name, &os.version, &template.xml, &options.hostname];
    Ids::derive(&parts.map(|part| part.as_bytes()))
}

fn memory(options: &Options, disk_size: u64) -> u64 {
    host::memory_for(disk_size).min(options.memory_limit.unwrap_or(u64::MAX))
}

fn is_host(os: &proto::OperatingSystem) -> bool {
    url(os).is_ok_and(|url| url == "apt:host")
}

fn url(os: &proto::OperatingSystem) -> Result<&str, Failure> {
    use proto::install::Source::{Iso, Url};
    let refused = |message: &str, hint: &str| {
        Err(Failure::new(Fault::User, "INSTALL_TYPE", message)
            .hint(hint)
            .path("template/os/install"))
    };
    match os.install.as_ref().and_then(|install| install.source.as_ref()) {
        Some(Url(url)) => Ok(url.trim()),
        Some(Iso(_)) => refused(
            "installing from an iso is not supported",
            "use <install type='url'> with a mirror's URL, or apt:host",
        ),
        None => refused("there is no mirror to install from", "give a mirror's URL, or apt:host"),
    }
}

fn sources(os: &proto::OperatingSystem, release: &Release) -> Result<Vec<Source>, Failure> {
    let url = url(os)?;
    if url != "apt:host" {
        let keyring = release.distribution.keyring();
        if !Path::new(keyring).exists() {
            let message = format!("the keys of {}'s archive are not here", release.distribution);
            let package = release.distribution.keyring_package();
            return Err(Failure::new(Fault::Host, "KEYRING_MISSING", message)
                .hint(format!("install the Debian package {package}")));
        }
        return Ok(vec![Source::from_mirror(url, release)?]);
    }
    sources::host_sources(Path::new("/"), release).map_err(|error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        Failure::new(Fault::Host, "NO_SOURCE", error.to_string())
            .hint("give a mirror's URL instead of apt:host")
            .path("template/os/install/url")
            .detail(why.unwrap_or_default())
    })
}

fn check_architecture(arch: &str) -> Result<(), Failure> {
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

fn kernel_parameters(template: &Template) -> String {
    let text = template.os.as_ref().map_or("", |os| os.kernel_parameters.as_str());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check_kernel_parameters(text: &str) -> Result<(), Failure> {
    let plain = text.chars().all(|c| c.is_whitespace() || !c.is_control());
    // The kernel's own limit is 2048, of which our part needs some.
    if plain && text.len() <= 1800 {
        return Ok(());
    }
    let message =
        "kernelparam must be at most 1800 characters, and none of them a control character";
    Err(Failure::new(Fault::User, "KERNEL_PARAMETERS", message).path("template/os/kernelparam"))
}

fn disk_size(template: &Template) -> Result<u64, Failure> {
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

fn check_packages(packages: &[proto::Package]) -> Vec<Failure> {
    let refused = |(number, package): (usize, &proto::Package)| {
        let message = format!("{:?} is not the name of a package", package.name);
        Failure::new(Fault::User, "PACKAGE_NAME", message)
            .path(format!("template/packages/package[{number}]"))
    };
    let named = |(_, package): &(usize, &proto::Package)| !is_package_name(&package.name);
    (1..).zip(packages).filter(named).map(refused).collect()
}

fn check_files(files: &[proto::File]) -> Vec<Failure> {
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

fn repositories(repositories: &[proto::Repository]) -> (Vec<RepositoryFile>, Vec<Failure>) {
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

fn unverified_hosts(repositories: &[proto::Repository]) -> Vec<String> {
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

    fn template() -> Template {
        let source = proto::install::Source::Url("http://mirror.example.org/debian".into());
        let install = proto::Install { source: Some(source), ..Default::default() };
        let os = proto::OperatingSystem {
            name: "Debian".into(),
            version: "12".into(),
            arch: "x86_64".into(),
            install: Some(install),
            ..Default::default()
        };
        let package = proto::Package { name: "hello".into(), ..Default::default() };
        Template { name: "web".into(), os: Some(os), packages: vec![package], ..Default::default() }
    }

    fn wrong(template: &Template) -> Vec<String> {
        let wrong = Blueprint::read(template, &Parameters::default()).unwrap_err();
        wrong.iter().map(|failure| failure.as_proto().unwrap().path.clone()).collect()
    }

    fn plan(template: &Template) -> Plan {
        let blueprint = Blueprint::read(template, &Parameters::default());
        blueprint.unwrap_or_else(|wrong| panic!("{wrong:?}")).into_plan(template)
    }

    #[test]
    fn packages_join_the_installation_if_nothing_must_come_before_them() {
        let plan = plan(&template());
        assert!(plan.bootstrap_packages.iter().any(|name| name == "hello"));
        assert!(plan.bootstrap_packages.iter().any(|name| name == "linux-image-cloud-amd64"));
        assert!(plan.later_packages.is_empty());
        assert_eq!((plan.hostname.as_str(), plan.disk_size), ("web", 4 << 30));
    }

    #[test]
    fn packages_wait_for_repositories_and_precommands() {
        let mut with_precommand = template();
        with_precommand.precommands = vec![proto::Command::default()];
        assert_eq!(plan(&with_precommand).later_packages, ["hello"]);
        let mut with_repository = template();
        with_repository.repositories = vec![proto::Repository {
            name: "my repo/1".into(),
            url: "https://example.org:8443/r".into(),
            persisted: true,
            ..Default::default()
        }];
        let plan = plan(&with_repository);
        assert_eq!(plan.later_packages, ["hello"]);
        assert_eq!(plan.repositories[0].file, "my_repo_1.sources");
        assert_eq!(plan.unverified_hosts, ["example.org"]);
    }

    #[test]
    fn every_fault_is_found_at_once() {
        let mut template = template();
        let os = template.os.as_mut().unwrap();
        os.arch = "aarch64".into();
        os.kernel_parameters = "quiet\u{7}".into();
        template.disk_size_bytes = "1000".into();
        template.packages[0].name = "-o=x".into();
        template.files = vec![proto::File { name: "etc/motd".into(), content: vec![] }];
        template.repositories = vec![proto::Repository::default()];
        let expected = [
            "template/disk/size",
            "template/os/arch",
            "template/os/kernelparam",
            "template/packages/package[1]",
            "template/files/file[1]",
            "template/repositories/repository[1]/url",
        ];
        assert_eq!(wrong(&template), expected);
    }

    #[test]
    fn an_iso_is_refused() {
        let mut template = template();
        let iso = proto::install::Source::Iso("http://example.org/debian.iso".into());
        template.os.as_mut().unwrap().install.as_mut().unwrap().source = Some(iso);
        assert_eq!(wrong(&template), ["template/os/install"]);
    }

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

    #[test]
    fn a_target_keeps_the_ids_of_its_base() {
        let template = template();
        let target = target_plan(&template, &Parameters::default(), "/rootfs.tar".into(), 7);
        assert_eq!(target.unwrap().seed, plan(&template).seed);
    }
}
