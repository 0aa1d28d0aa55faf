//! From a request to a plan: everything that can be decided before anything is started, and every reason to refuse.

mod additions;
mod check;

pub(crate) use additions::Additions;

use crate::disk::Ids;
use crate::host;
use crate::inside::{Plan, RepositoryFile};
use crate::options::Options;
use crate::release::Release;
use crate::sources::{self, Source};
use factory_plugin_sdk::{Failure, Fault, Parameters, Template, proto};
use std::path::Path;

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
        let disk_size = check::disk_size(template).map_err(&mut keep).ok();
        check::architecture(&os.arch).unwrap_or_else(&mut keep);
        check::kernel_parameters(&os.kernel_parameters).unwrap_or_else(&mut keep);
        let sources = release.and_then(|release| sources(&os, &release).map_err(&mut keep).ok());
        check::packages(&template.packages).into_iter().for_each(&mut keep);
        check::files(&template.files).into_iter().for_each(&mut keep);
        let (repositories, refused) = check::repositories(&template.repositories);
        refused.into_iter().for_each(&mut keep);
        match (release, options, disk_size, sources) {
            (Some(release), Some(options), Some(disk_size), Some(sources)) if wrong.is_empty() => {
                let unverified_hosts = check::unverified_hosts(&template.repositories);
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
    let disk_size = check::disk_size(template)?;
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

fn kernel_parameters(template: &Template) -> String {
    let text = template.os.as_ref().map_or("", |os| os.kernel_parameters.as_str());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn a_target_keeps_the_ids_of_its_base() {
        let template = template();
        let target = target_plan(&template, &Parameters::default(), "/rootfs.tar".into(), 7);
        assert_eq!(target.unwrap().seed, plan(&template).seed);
    }
}
