//! Looking after the store.

use super::{Error, Factory};
use crate::store::{CheckOptions, Checked};

impl Factory {
    /// Looks whether all that is recorded is there and whole, and nothing else.
    ///
    /// # Errors
    /// If something can't be looked at, or can't be put right.
    pub async fn check_store(&self, options: CheckOptions) -> Result<Checked, Error> {
        Ok(self.store.check(options).await?)
    }
}
