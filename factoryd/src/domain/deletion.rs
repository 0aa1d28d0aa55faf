//! What a deletion was asked for with.

use super::{Parameters, SecretSources};

/// What a deletion was asked for with, as it is recorded: a later factory may have to go on with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deletion {
    /// The provider, if it is not the one the image was made with.
    pub provider: Option<String>,
    /// Parameters beside those of the image, without the sensitive ones.
    pub parameters: Parameters,
    /// Where its secrets come from.
    pub secrets: SecretSources,
}
