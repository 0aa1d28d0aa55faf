//! How large a package may be.

/// How large a package may be. What is larger is refused, as soon as that is known.
#[derive(Debug, Clone)]
pub struct Limits {
    /// All files together, unpacked, in bytes.
    pub unpacked: u64,
    /// The archive, in bytes.
    pub archive: u64,
    /// How many files.
    pub files: usize,
    /// `SHA256SUMS`, in bytes.
    pub sums: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unpacked: 4 << 30, archive: 2 << 30, files: 100_000, sums: 16 << 20 }
    }
}

/// The largest signature, in bytes. minisign's own are some 300.
pub(super) const SIGNATURE_LEN_MAX: u64 = 8 * 1024;
