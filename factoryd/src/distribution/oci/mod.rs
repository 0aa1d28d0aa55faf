//! Registries, and what is like them: what a package is there, and how it is fetched and pushed.
//!
//! A package is one artifact (OCI image specification 1.1): a manifest with `artifactType` [`ARTIFACT`], the empty config, and one
//! layer, which is the archive. Packages of one version for several platforms are entries of an index, with the platform of each; one
//! for any platform has none. The signature needs no place of its own: it is inside the archive, so any tool that copies artifacts
//! copies it, and any registry can have it. Digests of manifests and layers are checked too, but nothing is trusted because of them.

mod credentials;
mod document;
mod fetch;
mod hashing;
mod layout;
mod mirror;
mod place;
mod push;
mod registry;

pub(super) use fetch::Fetched;
pub use mirror::Mirror;
pub use push::Pushed;

/// The type of the artifact.
const ARTIFACT: &str = "application/vnd.factory.plugin.v1";
/// The type of its layer, by how that is compressed.
const LAYERS: [(crate::package::Compression, &str); 2] = [
    (crate::package::Compression::Zstd, "application/vnd.factory.plugin.package.v1.tar+zstd"),
    (crate::package::Compression::Gzip, "application/vnd.factory.plugin.package.v1.tar+gzip"),
];
/// The type of a manifest.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The type of an index.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The type of the config of what has none.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The largest manifest or index, in bytes. The specification asks registries for as much.
const DOCUMENT_LEN_MAX: usize = 4 << 20;
