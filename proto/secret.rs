//! Messages that carry secrets: `Debug` shows that there is one, never which; and those of plugins are overwritten when they
//! are dropped.

use crate::{factory_v1, plugin_v1};
use std::fmt;
use zeroize::Zeroize;

impl fmt::Debug for plugin_v1::Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// What was encoded or decoded is not reached: the buffers of gRPC are its own.
impl Drop for plugin_v1::Secret {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl From<String> for plugin_v1::Secret {
    fn from(value: String) -> Self {
        Self { value }
    }
}

impl fmt::Debug for factory_v1::CreateProviderImageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateProviderImageRequest")
            .field("target", &self.target)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for factory_v1::DeleteRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteRequest")
            .field("id", &self.id)
            .field("cascade", &self.cascade)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for factory_v1::CreateTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTokenResponse").field("token", &self.token).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_shows_in_debug_output() {
        let account = plugin_v1::ProviderAccount {
            provider: "cloud".into(),
            credentials: Some("hunter2".to_owned().into()),
        };
        let request = factory_v1::CreateProviderImageRequest {
            credentials: "hunter2".into(),
            ..Default::default()
        };
        let delete =
            factory_v1::DeleteRequest { credentials: "hunter2".into(), ..Default::default() };
        let token =
            factory_v1::CreateTokenResponse { secret: "hunter2".into(), ..Default::default() };
        assert!(!format!("{account:?} {request:?} {delete:?} {token:?}").contains("hunter2"));
    }
}
