//! What can be typed after `factory import` and `factory import-store`.

use clap::Args;
use std::path::PathBuf;

/// Take a disk image as a base image: raw, qcow2, VMDK, VHD, VHDX or VDI.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory import debian-12-genericcloud-amd64.qcow2
  factory import windows.vhdx --os Windows --os-version 2022 --arch x86_64

The operating system is looked for in the disk, without root. The file is copied into the store (sharing its blocks where
the file system can) and not changed. Make targets from the image with its id, as of any base image.")]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) disk: DiskArguments,
    /// Print the image as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A disk, and what is known of it.
#[derive(Debug, Args)]
pub(crate) struct DiskArguments {
    /// The disk image.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The operating system in it, as templates name it, such as `Fedora`. Default: what is found.
    #[arg(long, value_name = "NAME")]
    pub(crate) os: Option<String>,
    /// The version of the operating system. Default: what is found.
    #[arg(long, value_name = "VERSION")]
    pub(crate) os_version: Option<String>,
    /// The architecture, such as `x86_64`. Default: what is found.
    #[arg(long, value_name = "ARCH")]
    pub(crate) arch: Option<String>,
}

/// Take over the images of an Image Factory's store.
#[derive(Debug, Args)]
#[command(after_help = "\
The directory is the storage_path of the Image Factory, such as /var/lib/imagefactory/storage. Stop its daemon first. Images
keep their ids; those that are here already are left alone, so that it can be run again. Credentials, callbacks and passwords
are left behind. Bodies share their blocks with the old ones where the file system can, else they are hard links (nobody can
write to them then), else copies.")]
pub(crate) struct ImportStoreArguments {
    /// The directory with the .meta and .body files.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Copy bodies, and leave the old ones as they are.
    #[arg(long, conflicts_with = "move_bodies")]
    pub(crate) copy: bool,
    /// Remove the old body of each image that was imported.
    #[arg(long = "move")]
    pub(crate) move_bodies: bool,
    /// Print what became of each image as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
