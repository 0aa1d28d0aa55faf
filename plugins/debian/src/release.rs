//! The releases: what a template calls them, what an archive calls them, and what makes them boot.

use factory_plugin_sdk::{Failure, Fault};
use std::fmt;

/// Who makes the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distribution {
    /// `os/name` is `Debian`.
    Debian,
    /// `os/name` is `Ubuntu`.
    Ubuntu,
}

impl Distribution {
    /// Answers the `ID` of its `/etc/os-release`.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Ubuntu => "ubuntu",
        }
    }

    /// Answers the keyring that its archive is signed with, as a file of the build host.
    pub(crate) fn keyring(self) -> &'static str {
        match self {
            Self::Debian => "/usr/share/keyrings/debian-archive-keyring.gpg",
            Self::Ubuntu => "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        }
    }

    /// Answers the Debian package that holds the keyring.
    pub(crate) fn keyring_package(self) -> &'static str {
        match self {
            Self::Debian => "debian-archive-keyring",
            Self::Ubuntu => "ubuntu-keyring",
        }
    }

    /// Answers the components of a mirror that the template did not name.
    pub(crate) fn default_components(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &["main"],
            Self::Ubuntu => &["main", "universe"],
        }
    }

    /// Answers the kernel for virtual machines.
    pub(crate) fn default_kernel(self) -> &'static str {
        match self {
            Self::Debian => "linux-image-cloud-amd64",
            Self::Ubuntu => "linux-image-virtual",
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debian => "Debian",
            Self::Ubuntu => "Ubuntu",
        })
    }
}

/// A release of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Release {
    /// Whose it is.
    pub(crate) distribution: Distribution,
    /// `os/version`.
    pub(crate) version: &'static str,
    /// The suite in the archive, such as `bookworm`.
    pub(crate) codename: &'static str,
}

const RELEASES: &[Release] = &[
    debian("11", "bullseye"),
    debian("12", "bookworm"),
    debian("13", "trixie"),
    ubuntu("20.04", "focal"),
    ubuntu("22.04", "jammy"),
    ubuntu("24.04", "noble"),
    ubuntu("25.10", "questing"),
];

/// Older systemd packages contain the resolver; there is no package of that name to ask for.
const RESOLVER_INSIDE_SYSTEMD: &[&str] = &["bullseye", "focal", "jammy"];

impl Release {
    /// Finds the release by `os/name` and `os/version`; the version may also be the codename.
    ///
    /// # Errors
    /// If it is not known, with the versions that are.
    pub(crate) fn find(name: &str, version: &str) -> Result<Self, Failure> {
        let distribution = match name {
            "Debian" => Distribution::Debian,
            "Ubuntu" => Distribution::Ubuntu,
            other => return Err(unknown_name(other)),
        };
        let known = || RELEASES.iter().filter(|release| release.distribution == distribution);
        known()
            .find(|release| release.version == version || release.codename == version)
            .copied()
            .ok_or_else(|| unknown_version(distribution, version, known()))
    }

    /// Answers the packages without which it would not boot to a login prompt, the kernel apart.
    pub(crate) fn boot_packages(&self) -> Vec<&'static str> {
        let mut packages =
            vec!["dbus", "e2fsprogs", "iproute2", "login", "passwd", "systemd-sysv", "udev"];
        if !RESOLVER_INSIDE_SYSTEMD.contains(&self.codename) {
            packages.push("systemd-resolved");
        }
        packages
    }
}

const fn debian(version: &'static str, codename: &'static str) -> Release {
    Release { distribution: Distribution::Debian, version, codename }
}

const fn ubuntu(version: &'static str, codename: &'static str) -> Release {
    Release { distribution: Distribution::Ubuntu, version, codename }
}

fn unknown_name(name: &str) -> Failure {
    let message = format!("operating system {name} is not one of Debian and Ubuntu");
    Failure::new(Fault::User, "UNKNOWN_OS", message).path("template/os/name")
}

fn unknown_version<'a>(
    distribution: Distribution,
    version: &str,
    known: impl Iterator<Item = &'a Release>,
) -> Failure {
    let known: Vec<_> = known.map(|release| release.version).collect();
    let message = format!("{distribution} {version} is not known");
    Failure::new(Fault::User, "UNKNOWN_RELEASE", message)
        .hint(format!("use one of the versions {}", known.join(", ")))
        .path("template/os/version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_found_by_version_and_by_codename() {
        assert_eq!(Release::find("Debian", "12").unwrap().codename, "bookworm");
        assert_eq!(Release::find("Debian", "trixie").unwrap().version, "13");
        assert_eq!(Release::find("Ubuntu", "24.04").unwrap().codename, "noble");
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_known_ones() {
        let failure = Release::find("Debian", "99").unwrap_err();
        let failure = failure.as_proto().unwrap();
        assert_eq!(failure.message, "Debian 99 is not known");
        assert_eq!(failure.hint, "use one of the versions 11, 12, 13");
        assert_eq!(failure.path, "template/os/version");
    }

    #[test]
    fn the_resolver_is_a_package_of_its_own_from_bookworm_on() {
        let has = |name, version| {
            let release = Release::find(name, version).unwrap();
            release.boot_packages().contains(&"systemd-resolved")
        };
        assert!(has("Debian", "12") && has("Ubuntu", "24.04"));
        assert!(!has("Debian", "11") && !has("Ubuntu", "22.04"));
    }
}
