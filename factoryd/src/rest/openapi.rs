//! The description of this API for programs: OpenAPI 3.1.

use serde_json::Value;

/// Answers the document.
pub(super) fn document() -> Value {
    serde_json::from_str(include_str!("openapi.json")).unwrap_or_default()
}
