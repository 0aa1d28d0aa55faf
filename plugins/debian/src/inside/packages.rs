//! Packages inside the image: those that come after repositories and precommands, and the list of all.

use super::chroot::Chroot;
use super::plan::Plan;
use super::say;
use crate::icicle;
use crate::program;
use factory_plugin_sdk::{Failure, Fault, proto};

const QUERY: &str = "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\n";

/// Says that packages can't be installed. The plugin outside, which has the output, finds out why.
pub(crate) fn install_failed(error: program::Error, step: &str) -> Failure {
    match error {
        program::Error::Failed { .. } => {
            Failure::new(Fault::Host, "INSTALL_FAILED", error.to_string()).step(step)
        }
        other => other.into(),
    }
}

/// Installs packages with the image's own apt.
///
/// # Errors
/// If apt fails: `INSTALL_FAILED`.
pub(crate) fn install(chroot: &Chroot<'_>, packages: &[String]) -> Result<(), Failure> {
    say("running apt-get update in the image...");
    let failed = |error| install_failed(error, "install packages");
    apt(chroot).args(["--error-on=any", "update"]).logged().map_err(failed)?;
    if packages.is_empty() {
        return Ok(());
    }
    say("installing template packages...");
    apt(chroot).args(["install", "--"]).args(packages).logged().map_err(failed)
}

/// Generates the initial RAM file systems, which installing the kernel left out, and points `/vmlinuz` and `/initrd.img`
/// at the newest.
///
/// # Errors
/// If that fails.
pub(crate) fn finish_kernel(chroot: &Chroot<'_>) -> Result<(), Failure> {
    say("generating the initial RAM file system...");
    chroot
        .program("update-initramfs")
        .args(["-c", "-k", "all"])
        .logged()
        .map_err(|error| install_failed(error, "generate the initial RAM file system"))?;
    let tree = chroot.tree;
    for (link, prefix) in [("/vmlinuz", "vmlinuz-"), ("/initrd.img", "initrd.img-")] {
        let name = newest(tree.list("/boot").unwrap_or_default(), prefix).ok_or_else(no_kernel)?;
        let linked = tree
            .link(link, &format!("boot/{name}"))
            .and_then(|()| tree.remove(&format!("{link}.old")));
        linked
            .map_err(|error| crate::disk::io_failure(format!("failed to link {link}"), &error))?;
    }
    Ok(())
}

/// Lists what is installed, as the ICICLE too.
///
/// # Errors
/// If dpkg or the template's extra command fails, or that prints another number of lines than there are packages.
pub(crate) fn list(chroot: &Chroot<'_>, plan: &Plan) -> Result<proto::PackageList, Failure> {
    let output = chroot.program("dpkg-query").args(["-W", "-f", QUERY]).quiet()?;
    let mut packages = parse_list(&String::from_utf8_lossy(&output));
    let template = plan.template.clone().unwrap_or_default();
    let command = template.os.map(|os| os.icicle_extra_command).unwrap_or_default();
    if !command.trim().is_empty() {
        say("running the ICICLE's extra command...");
        let path = "template/os/icicle/extra_command";
        let output = chroot
            .program("/bin/sh")
            .args(["-c", &command])
            .quiet()
            .map_err(|error| Failure::from(error).fault(Fault::User).path(path))?;
        let output = String::from_utf8_lossy(&output).into_owned();
        icicle::add_extra(&mut packages, &output).map_err(|error| {
            Failure::new(Fault::User, "ICICLE_MISMATCH", error.to_string()).path(path)
        })?;
    }
    let icicle_xml = icicle::render(&template.description, &packages);
    Ok(proto::PackageList { packages, icicle_xml })
}

fn apt(chroot: &Chroot<'_>) -> program::Program {
    chroot.program("apt-get").args([
        "--yes",
        "--no-install-recommends",
        "-oDpkg::Use-Pty=0",
        "-oAPT::Sandbox::User=root",
        "-oAcquire::Languages=none",
    ])
}

fn parse_list(output: &str) -> Vec<proto::InstalledPackage> {
    let package = |line: &str| {
        let mut fields = line.split('\t');
        let installed = fields.next()?.starts_with("ii");
        let mut next = || fields.next().map(str::to_owned);
        let (name, version, arch) = (next()?, next()?, next()?);
        let package = proto::InstalledPackage { name, version, arch, extra: String::new() };
        installed.then_some(package)
    };
    output.lines().filter_map(package).collect()
}

/// Answers the file of the newest kernel: numbers in names compare as numbers.
fn newest(names: Vec<String>, prefix: &str) -> Option<String> {
    let ours = names.into_iter().filter(|name| name.starts_with(prefix));
    ours.max_by_key(|name| {
        let numbers = name.split(|c: char| !c.is_ascii_digit());
        numbers.filter_map(|number| number.parse().ok()).collect::<Vec<u64>>()
    })
}

fn no_kernel() -> Failure {
    let message = "no kernel with an initial RAM file system is in /boot";
    Failure::new(Fault::User, "NO_KERNEL", message)
        .hint("name a kernel package such as linux-image-amd64")
        .path("parameters.kernel_package")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_packages_are_listed() {
        let output =
            "ii \tbash\t5.2.15-2+b13\tamd64\nrc \told\t1\tall\nii \tzlib1g\t1:1.2\tamd64\n";
        let packages = parse_list(output);
        let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["bash", "zlib1g"]);
        assert_eq!(packages[1].version, "1:1.2");
    }

    #[test]
    fn the_newest_kernel_is_the_one_with_the_largest_numbers() {
        let names = ["vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-37-amd64", "config-7"];
        let names = names.map(str::to_owned).to_vec();
        assert_eq!(newest(names, "vmlinuz-").unwrap(), "vmlinuz-6.1.0-37-amd64");
        assert_eq!(newest(vec![], "vmlinuz-"), None);
    }
}
