//! What the plugin says about its parameters, providers and credentials: JSON Schema.

use serde_json::{Value, json};

/// Describes the parameters.
pub fn parameters() -> Value {
    let texts = |example: &str, what: &str| {
        json!({
            "description": format!("{what}; as text: JSON, such as {example}"),
            "type": ["array", "string", "null"], "items": {"type": "string"},
        })
    };
    let ignored =
        |why: &str| json!({"description": format!("has no effect: {why}"), "deprecated": true});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "create_docker_metadata": {
                "description": "false: a plain tar of the root file system, and no image",
                "type": "boolean", "default": true,
            },
            "compress": {
                "description": "how the layer is compressed; xz and bzip2 for a plain tar only",
                "enum": ["none", "gzip", "zstd", "xz", "bzip2", true, false], "default": "gzip",
            },
            "tar_excludes": {
                "description": "what stays out of the image, as GNU tar's --exclude has it; commas between patterns",
                "type": ["string", "array"], "items": {"type": "string"},
                "default": crate::exclude::DEFAULT,
            },
            "repository": {
                "description": "the image's name; the template's name, in lower case, otherwise",
                "type": "string",
            },
            "tag": {"description": "the image's tag", "type": "string", "default": "latest"},
            "docker_cmd": texts(r#"["/bin/sh"]"#, "what runs by default: /bin/sh unless given; the text null for nothing"),
            "docker_env": texts(r#"["LANG=C.UTF-8"]"#, "environment variables"),
            "docker_label": {
                "description": r#"labels; as text: JSON, such as {"version": "1"}"#,
                "type": ["object", "string", "null"], "additionalProperties": {"type": "string"},
            },
            "docker_set_arch_label": {
                "description": "adds the label architecture, such as amd64",
                "type": "boolean", "default": false,
            },
            "comment": {
                "description": "a remark in the image's history",
                "type": "string", "default": "Created by Image Factory",
            },
            "os": {"description": "the operating system", "type": "string", "default": "linux"},
            "created": {
                "description": "the image's time, and the latest of its files: seconds since 1970 or RFC 3339; \
                    the newest file's time otherwise",
                "type": ["string", "integer"],
            },
            "docker_image_id": ignored("an image's id is the digest of its configuration"),
            "dockerversion": ignored("there is one format"),
            "tar_options": ignored("extended attributes are always kept"),
        },
    })
}

/// Describes a provider: a registry, and the image's name there.
pub fn provider() -> Value {
    let text = |what: &str| json!({"description": what, "type": "string"});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "anyOf": [
            {"description": "registry/repository:tag", "type": "string", "minLength": 1},
            {
                "type": "object",
                "required": ["registry"],
                "properties": {
                    "registry": text("host and port, such as registry.example.org:5000"),
                    "repository": text("the repository; the image's own otherwise"),
                    "tag": text("the tag; the image's own otherwise"),
                    "insecure": {
                        "description": "plain HTTP; otherwise that is spoken to this machine only, unless there is a ca_file",
                        "type": "boolean",
                    },
                    "ca_file": text("a file of PEM certificates to trust in addition"),
                    "mount_from": text("another repository there that may hold the same layers"),
                },
                "additionalProperties": false,
            },
        ],
    })
}

/// Describes credentials.
pub fn credentials() -> Value {
    let text =
        |what: &str| json!({"description": what, "type": "string", "x-factory-sensitive": true});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "username": {"description": "the account, with its password", "type": "string"},
            "password": text("its password"),
            "token": text("a bearer token instead of both"),
        },
        "additionalProperties": false,
        "oneOf": [{"required": ["username", "password"]}, {"required": ["token"]}],
    })
}
