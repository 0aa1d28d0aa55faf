//! What the plugin says about its parameters and providers: JSON Schema.

use serde_json::{Value, json};

/// Describes the parameters.
pub fn parameters() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "format": {
                "description": "how the disk is stored",
                "enum": ["qcow2", "raw"], "default": "qcow2",
            },
            "compress": {
                "description": "how a qcow2 is compressed; true is zstd (QEMU 5.1 and later)",
                "enum": [false, true, "none", "zlib", "gzip", "zstd"], "default": false,
            },
            "memory_mib": {
                "description": "the memory of the machine in run_command and libvirt_xml, in MiB",
                "type": "integer", "minimum": 64, "maximum": 16_777_216, "default": 1024,
            },
            "cpus": {
                "description": "its processors",
                "type": "integer", "minimum": 1, "maximum": 4096, "default": 2,
            },
        },
    })
}

/// Describes a provider: a directory pool.
pub fn provider() -> Value {
    let path = |what: &str| json!({"description": what, "type": "string", "pattern": "^\\s*/"});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "anyOf": [
            path("the directory"),
            {
                "type": "object",
                "required": ["pool"],
                "properties": {
                    "pool": path("the directory: an absolute path"),
                    "name": {
                        "description": "what the disk is called there, without the ending; the image's id otherwise",
                        "type": "string",
                    },
                },
                "additionalProperties": false,
            },
        ],
    })
}
