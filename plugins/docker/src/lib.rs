//! The `docker` cloud plugin: makes a container image of a root file system, and puts it into a registry.
//!
//! # The image
//! One artifact, role `archive`, format `oci-archive`: a tar with an OCI image layout that also carries Docker's
//! `manifest.json`, as `docker save` writes it since Docker 25. So `docker load -i`, `podman load -i`, and
//! `skopeo copy oci-archive:` or `docker-archive:` all take the same file. It is made in one pass: the layer goes
//! straight to its place in the archive, compressed on all processors, while both of its digests are computed.
//!
//! The same root file system and the same parameters give the same bytes and digests, on any machine (with the same
//! version of the plugin, for the compressed bytes are the compressor's): the image's time is that of its newest file (or the parameter `created`, which also caps the times of files), names of users and access
//! times are left out, JSON has sorted keys, and the compressed bytes do not depend on the number of threads.
//!
//! # Parameters
//! Image Factory's names, where they still mean something; the list with defaults is what `describe` prints. What differs:
//! * `compress` is `gzip` unless given, for it loads everywhere; `zstd` is faster and smaller, and needs Docker 23. `xz` and
//!   `bzip2` are for a plain tar only.
//! * `tar_excludes` leaves out by default what only a machine that boots needs: see [`exclude::DEFAULT`].
//! * `docker_cmd` is `["/bin/sh"]` unless given, so that `podman run -it` does something; the text `null` for nothing.
//! * `docker_image_id`, `dockerversion` and `tar_options` have no effect, and a warning says so.
//!
//! # Registries
//! A provider is `registry.example.org:5000/repository:tag` (repository and tag are the image's own unless given), or
//! JSON: `{"registry": "…", "repository": "…", "tag": "…", "insecure": true, "ca_file": "…", "mount_from": "…"}`.
//! This machine's loopback addresses are spoken to by plain HTTP, all others by HTTPS, unless `insecure` says otherwise.
//! Credentials are `{"username": "…", "password": "…"}`, `{"token": "…"}`, or nothing. What was pushed is known as
//! `registry/repository@sha256:…`. In properties, `{archive}` stands for the path of the artifact with that role.

pub mod archive;
pub mod build;
pub mod compression;
pub mod digest;
pub mod exclude;
mod gzip;
pub mod image;
pub mod layout;
pub mod member;
mod plugin;
pub mod problem;
pub mod reference;
pub mod registry;
pub mod rootfs;
pub mod schema;
pub mod settings;
pub mod source;
pub mod target;

pub use plugin::Docker;
