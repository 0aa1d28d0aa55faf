//! What is to be done inside the namespace: everything is decided before, outside. The plan goes through a pipe, since
//! it holds the root password; so it is a protobuf message, for a template is one already.

use factory_plugin_sdk::{CloudContent, Template, proto};
use std::collections::BTreeMap;

/// What is to be done.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Plan {
    /// Where artifacts and the report go: absolute.
    #[prost(string, tag = "1")]
    pub(crate) work_dir: String,
    /// How many bytes of memory the unpacked image may take; 0 to unpack it in the work directory.
    #[prost(uint64, tag = "2")]
    pub(crate) memory: u64,
    /// What to install. Always there.
    #[prost(message, optional, tag = "3")]
    pub(crate) template: Option<Template>,
    /// `os/name`, as the boot menu shows it, and version.
    #[prost(string, tag = "4")]
    pub(crate) title: String,
    /// The suite.
    #[prost(string, tag = "5")]
    pub(crate) codename: String,
    /// The name of the file of apt sources in the image, such as `debian.sources`.
    #[prost(string, tag = "6")]
    pub(crate) sources_file: String,
    /// The apt sources, as deb822.
    #[prost(string, tag = "7")]
    pub(crate) sources: String,
    /// Where the indexes of the sources are.
    #[prost(string, repeated, tag = "8")]
    pub(crate) release_files: Vec<String>,
    /// Keys on the host that the sources name.
    #[prost(string, repeated, tag = "9")]
    pub(crate) key_files: Vec<String>,
    /// Lines for apt.conf that hold during the build.
    #[prost(string, repeated, tag = "10")]
    pub(crate) apt_options: Vec<String>,
    /// Environment variables that lead to the network.
    #[prost(btree_map = "string, string", tag = "11")]
    pub(crate) environment: BTreeMap<String, String>,
    /// Hosts of repositories whose certificates are not checked during the build.
    #[prost(string, repeated, tag = "12")]
    pub(crate) unverified_hosts: Vec<String>,
    /// Repositories, as files for `sources.list.d`.
    #[prost(message, repeated, tag = "13")]
    pub(crate) repositories: Vec<RepositoryFile>,
    /// `minbase`, …
    #[prost(string, tag = "14")]
    pub(crate) variant: String,
    /// What mmdebstrap installs beyond the variant.
    #[prost(string, repeated, tag = "15")]
    pub(crate) bootstrap_packages: Vec<String>,
    /// What is installed after repositories and precommands.
    #[prost(string, repeated, tag = "16")]
    pub(crate) later_packages: Vec<String>,
    /// The host name.
    #[prost(string, tag = "17")]
    pub(crate) hostname: String,
    /// The time of everything, in seconds since 1970; 0 to take the newest date of the release files.
    #[prost(uint64, tag = "18")]
    pub(crate) epoch: u64,
    /// The disk's size in bytes, a multiple of 1 MiB.
    #[prost(uint64, tag = "19")]
    pub(crate) disk_size: u64,
    /// What the ids of the disk are derived from.
    #[prost(bytes = "vec", tag = "20")]
    pub(crate) seed: Vec<u8>,
    /// More for the kernel's command line.
    #[prost(string, tag = "21")]
    pub(crate) kernel_parameters: String,
    /// The root file system of the base image; empty to install one.
    #[prost(string, tag = "22")]
    pub(crate) base: String,
    /// What a cloud wants in the image.
    #[prost(message, optional, tag = "23")]
    pub(crate) cloud_content: Option<CloudContent>,
}

/// A repository, as a file for `sources.list.d`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct RepositoryFile {
    /// The file's name.
    #[prost(string, tag = "1")]
    pub(crate) file: String,
    /// Its text.
    #[prost(string, tag = "2")]
    pub(crate) text: String,
    /// Whether it stays in the image.
    #[prost(bool, tag = "3")]
    pub(crate) persisted: bool,
}

/// What was done.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Report {
    /// Why it failed; absent if it did not.
    #[prost(message, optional, tag = "1")]
    pub(crate) failure: Option<proto::Failure>,
    /// What is installed.
    #[prost(message, optional, tag = "2")]
    pub(crate) packages: Option<proto::PackageList>,
    /// SHA-256 of the root file system's archive.
    #[prost(string, tag = "3")]
    pub(crate) rootfs_sha256: String,
    /// The time of everything, in seconds since 1970.
    #[prost(uint64, tag = "4")]
    pub(crate) epoch: u64,
}

/// The archive of the root file system, in the work directory.
pub(crate) const ROOTFS: &str = "rootfs.tar";
/// The disk, in the work directory.
pub(crate) const DISK: &str = "disk.raw";
/// The report, in the work directory.
pub(crate) const REPORT: &str = "report.pb";
/// A directory for what is needed only during the build, in the work directory.
pub(crate) const SCRATCH: &str = "scratch";
/// Where tools put their temporary files, in the scratch directory.
pub(crate) const TEMPORARY: &str = "tmp";
