//! What a new plugin is called, in each place where its name stands, and where its SDK is.

use crate::cli::arguments::{KindOfPlugin, Language};
use std::path::Path;

/// How long a plugin's name may be, so that the lines it is put into stay short.
const LEN_MAX: usize = 20;
/// The SDK's version, which is ours.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is put into templates: `@KEY@` and the text for it.
#[derive(Debug)]
pub(super) struct Names(Vec<(&'static str, String)>);

impl Names {
    /// Makes the names of a plugin.
    ///
    /// # Errors
    /// If the name is none for a plugin: what it must be.
    pub(super) fn of(name: &str, kind: KindOfPlugin, language: Language) -> Result<Self, String> {
        if !is_name(name) {
            return Err(format!(
                "{name:?} is no name for a plugin: 2 to {LEN_MAX} lower-case letters, digits and `-`, beginning with a \
                 letter, such as acme-cloud"
            ));
        }
        let (module, type_name) = (name.replace('-', "_"), camel_case(name));
        let description = match kind {
            KindOfPlugin::Os => format!("Installs {type_name}"),
            KindOfPlugin::Cloud => format!("Puts images into {type_name}"),
        };
        let serve = match kind {
            KindOfPlugin::Os => "serve",
            KindOfPlugin::Cloud => "serve_cloud",
        };
        Ok(Self(vec![
            ("@NAME@", name.to_owned()),
            ("@MODULE@", module),
            ("@TYPE@", type_name),
            ("@DESCRIPTION@", description),
            ("@SERVE@", serve.to_owned()),
            ("@EXECUTABLE@", executable(name, language)),
        ]))
    }

    /// Adds where the SDK is: `plugin-sdk` of the factory's sources, or published as this version.
    pub(super) fn with_sdk(mut self, language: Language, sdk: Option<&Path>) -> Self {
        let sdk = sdk.map(|sdk| sdk.display().to_string());
        let text = match (language, sdk) {
            (Language::Rust, Some(sdk)) => format!("{{ path = {sdk:?} }}"),
            (Language::Rust, None) => format!("{VERSION:?}"),
        };
        self.0.push(("@SDK@", text));
        self
    }

    /// Puts the names into a text.
    pub(super) fn put_into(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (2..=LEN_MAX).contains(&name.len())
        && name.bytes().all(fits)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
}

fn camel_case(name: &str) -> String {
    let capital = |part: &str| {
        let (first, rest) = part.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(capital).collect()
}

/// Where the program is once it is built, beside the `.info` file.
fn executable(name: &str, language: Language) -> String {
    match language {
        Language::Rust => format!("target/release/factory-plugin-{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_form_for_each_place() {
        let names = Names::of("acme-cloud2", KindOfPlugin::Cloud, Language::Rust).unwrap();
        let names = names.with_sdk(Language::Rust, Some(Path::new("/sdk")));
        let text = "@NAME@ @MODULE@ @TYPE@ @SERVE@ @SDK@ @DESCRIPTION@ @OTHER@";
        let put = "acme-cloud2 acme_cloud2 AcmeCloud2 serve_cloud { path = \"/sdk\" } \
                   Puts images into AcmeCloud2 @OTHER@";
        assert_eq!(names.put_into(text), put);
    }

    #[test]
    fn what_can_be_no_crate_no_package_and_no_file_is_no_name() {
        for name in
            ["", "a", "A", "1a", "a-", "a--b", "-a", "a_b", "a/b", "../a", "ä", &"a".repeat(21)]
        {
            let error = Names::of(name, KindOfPlugin::Os, Language::Rust).unwrap_err();
            assert!(error.contains("is no name for a plugin"), "{name}");
        }
    }
}
