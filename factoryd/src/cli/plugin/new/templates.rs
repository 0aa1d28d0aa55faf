//! The files of a new plugin, as they lie in `plugin-sdk/templates`.

use crate::cli::arguments::{KindOfPlugin, Language};

/// A file of a new plugin; names are put into its path and its text.
#[derive(Debug)]
pub(super) struct Template {
    /// Where it goes.
    pub(super) path: &'static str,
    /// What is in it.
    pub(super) text: &'static str,
    /// Whether it is a program.
    pub(super) executable: bool,
}

/// A file that goes to `$path`, from `plugin-sdk/templates/$from`.
macro_rules! file {
    ($path:literal, $from:literal) => {
        Template {
            path: $path,
            text: include_str!(concat!("../../../../../plugin-sdk/templates/", $from)),
            executable: false,
        }
    };
}

/// As [`file`], for a program.
macro_rules! program {
    ($path:literal, $from:literal) => {
        Template { executable: true, ..file!($path, $from) }
    };
}

const ANY: &[Template] = &[Template {
    path: "LICENSE",
    text: include_str!("../../../../../LICENSE"),
    executable: false,
}];
const ANY_OS: &[Template] = &[
    file!("@NAME@.info", "os/info"),
    file!("example.tdl", "os/example.tdl"),
    file!("conformance.json", "os/conformance.json"),
];
const ANY_CLOUD: &[Template] =
    &[file!("@NAME@.info", "cloud/info"), file!("conformance.json", "cloud/conformance.json")];

const RUST: &[Template] = &[
    file!("Cargo.toml", "rust/Cargo.toml.in"),
    file!(".gitignore", "rust/gitignore"),
    file!("rustfmt.toml", "rust/rustfmt.toml"),
    program!("ci", "rust/ci"),
    file!("src/main.rs", "rust/src/main.rs"),
];
const RUST_OS: &[Template] = &[
    file!("README.md", "rust/os/README.md"),
    file!("src/lib.rs", "rust/os/src/lib.rs"),
    file!("tests/protocol.rs", "rust/os/tests/protocol.rs"),
];
const RUST_CLOUD: &[Template] = &[
    file!("README.md", "rust/cloud/README.md"),
    file!("src/lib.rs", "rust/cloud/src/lib.rs"),
    file!("src/cloud.rs", "rust/cloud/src/cloud.rs"),
    file!("tests/protocol.rs", "rust/cloud/tests/protocol.rs"),
];

/// Answers the files of a new plugin.
pub(super) fn of(
    language: Language,
    kind: KindOfPlugin,
) -> impl Iterator<Item = &'static Template> {
    let common = match kind {
        KindOfPlugin::Os => ANY_OS,
        KindOfPlugin::Cloud => ANY_CLOUD,
    };
    let [of_language, of_kind]: [&[Template]; 2] = match (language, kind) {
        (Language::Rust, KindOfPlugin::Os) => [RUST, RUST_OS],
        (Language::Rust, KindOfPlugin::Cloud) => [RUST, RUST_CLOUD],
    };
    [ANY, common, of_language, of_kind].into_iter().flatten()
}
