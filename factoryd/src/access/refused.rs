//! Why a caller is not let in.

/// A caller is not let in. The text is for the caller: it says what to do, and not which part of a secret was right.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There are no credentials.
    #[error(
        "this factory wants to know who calls: send `Authorization: Bearer` and a token (`factory token create`)"
    )]
    Nobody,
}
