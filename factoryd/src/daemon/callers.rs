//! Who may call the daemon.

use super::Error;
use super::core::Core;
use crate::access::{Authenticator, Options};

/// Answers who tells callers apart; says so if there is nobody to tell. `certificates` may name somebody.
pub(super) async fn authenticator(
    options: Options,
    certificates: bool,
    core: &Core,
) -> Result<Authenticator, Error> {
    let store = core.store();
    let root = store.root().display().to_string();
    let authenticator = Authenticator::open(options, store).await.map_err(Error::Access)?;
    if !certificates && !authenticator.knows_anybody().await.map_err(Error::Store)? {
        tracing::warn!(
            "nobody can call this factory yet: `factory token create NAME --role admin --store {root}` makes a token"
        );
    }
    Ok(authenticator)
}
