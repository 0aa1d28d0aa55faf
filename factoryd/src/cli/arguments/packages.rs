//! What can be typed to make, install and remove packages of plugins.

use clap::Args;
use std::path::PathBuf;

/// Install a plugin, or replace one, from a directory, an archive or a registry.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory plugin install oci://registry.example.org/plugins/mine:1.2.0 --trusted-key RWQ…
  factory plugin install mine-1.2.0-linux-amd64.tar.zst
  factory plugin install ./mine --allow-unsigned

A package must be signed by a key of `packages.trusted_keys` in the configuration. It goes into plugins/ of the store, for the factories
of this store, and is pinned in factory.lock there: whatever of it changes afterwards keeps it from being started. Run this as the user
whom the factory runs as. Versions lie side by side: a daemon that runs goes on with the one it found when it was started.")]
pub(crate) struct InstallArguments {
    /// oci://HOST/REPOSITORY:TAG or @sha256:…, oci:DIR:TAG (an OCI image layout), an archive, or a directory.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// Install it though nobody signed it. Only where `packages.unsigned` allows that: from directories, unless configured otherwise.
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
    /// Install it though a newer version is installed.
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
    #[command(flatten)]
    pub(crate) how: HowArguments,
}

/// Replace plugins by the newest versions in the registries that they were installed from.
#[derive(Debug, Args)]
#[command(after_help = "\
Versions are compared as semantic versions; tags that are none are passed over, but one that a plugin was installed from (such as
`stable`) is looked at again. A release is not replaced by what comes before a release.")]
pub(crate) struct UpdateArguments {
    /// The plugins; none: all that are installed.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Update though nobody signed what there is, as for `install`.
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
    #[command(flatten)]
    pub(crate) how: HowArguments,
}

/// List installed plugins, with where they came from, who signed them and whether every file is as it was installed.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0: all are whole; 1: one is not.")]
pub(crate) struct ListArguments {
    /// Print a JSON array.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Remove plugins that were installed.
#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// The plugins.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) how: HowArguments,
}

/// How it is done and shown.
#[derive(Debug, Args)]
pub(crate) struct HowArguments {
    /// Check everything, but change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a package of a plugin, for one platform, and push it to a registry.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory plugin pack ./mine --sign mine.key
  factory plugin pack plugins/mine --executable target/release/factory-plugin-mine \\
    --sign mine.key --push oci://registry.example.org/plugins/mine:1.2.0

A package has NAME.info with a `version`, an executable that is a program or a script, and whatever else the directory has, but for what
begins with a dot. A plugin for an interpreter brings its modules with it (pip install --target lib, a zipapp, node_modules without
links). `minisign -G` makes a key. Pushing to a tag adds this platform to what is there for others.")]
pub(crate) struct PackArguments {
    /// The directory: NAME.info and all that belongs to the plugin.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Take this as the executable, and of the directory only NAME.info, LICENSE, NOTICE, README and what --include names.
    #[arg(long, value_name = "FILE")]
    pub(crate) executable: Option<PathBuf>,
    /// Take this file or directory in the directory, and not the rest of it; repeat it for more.
    #[arg(long, value_name = "PATH")]
    pub(crate) include: Vec<PathBuf>,
    /// What it runs on, such as linux/arm64, or any. Default: what its programs are for; any if there are none.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// Write the archive there; .tar.zst or .tar.gz. Default: NAME-VERSION-OS-ARCH.tar.zst.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Sign it with the minisign key in this file. A password is asked for, unless --password-file has it.
    #[arg(long, value_name = "KEY_FILE")]
    pub(crate) sign: Option<PathBuf>,
    /// Take the key's password from this file, which only its owner may read.
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub(crate) password_file: Option<PathBuf>,
    /// Push it there: oci://HOST/REPOSITORY:TAG.
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) push: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
