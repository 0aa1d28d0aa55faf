//! Where a plugin came from that was installed from a package.

/// Which package a plugin was installed from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// What was asked for: a path, or `oci://REGISTRY/REPOSITORY:TAG`; empty if that is not known.
    pub source: String,
    /// What was got: `sha256:` of the archive, or of the manifest in the registry; empty for a directory.
    pub digest: String,
    /// The package's version.
    pub version: String,
    /// What it is for.
    pub platform: String,
    /// The SHA-256 of its `SHA256SUMS`, and so of all of it.
    pub sums: String,
    /// The number of the key that signed it; empty if nobody did.
    pub signer: String,
}
