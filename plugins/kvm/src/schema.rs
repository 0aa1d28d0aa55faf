//! What the plugin says about its parameters: JSON Schema.

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
                "type": ["integer", "string"], "minimum": 64, "default": 1024,
            },
            "cpus": {
                "description": "its processors",
                "type": ["integer", "string"], "minimum": 1, "default": 2,
            },
        },
    })
}
