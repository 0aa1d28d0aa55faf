//! TDL, the template description language: XML in, [`Template`] out.
//!
//! A document is accepted or refused exactly as Oz does, which defined the language. Two layers do it: `xml` reads a
//! strict tree that knows where everything is; `check` holds it against the table in `schema`, and a module per section
//! (`os`, `packages`, `files`, `commands`, `repositories`, `disk_size`) reads the values. All of them go on after a
//! problem, so that a document's [`Problems`] are told at once, each with its place, what was expected and a hint.
//!
//! Where this differs from Oz, it is on purpose:
//! * Document types and XInclude are refused: in a daemon they are a way to read its files.
//! * Content of type `url` is not fetched here but when a build starts, by policy. Only what could never be fetched (no
//!   scheme, or one other than `http`, `https`, `file`) is refused.
//! * An XML declaration may say `encoding="UTF-8"`, as most files do; Oz refuses any encoding when it is given text.
//! * Limits: 4 MiB, 64 levels, 100 000 elements, 32 attributes on one; disk sizes below 2¹²⁸ bytes.
//!
//! Of two files or repositories with one name the last counts. White space around contents and URLs is dropped; names
//! and other values stay as they are.

mod check;
mod commands;
mod content;
mod disk_size;
mod files;
mod json;
mod merge;
mod os;
mod packages;
mod problem;
mod render;
mod repositories;
mod schema;
mod secrets;
mod suggest;
mod values;
mod xml;

pub use json::{problems_json, template_json};
pub use merge::{check_target_content, merge_packages, merge_repositories, merge_target_content};
pub use problem::{Problem, Problems};
pub use render::render;
pub use secrets::{blank_secrets, has_secrets};

use crate::domain::Template;
use crate::report::quote;
use problem::{Fault, Faults};
use xml::Element;

/// How strict to be where the factory's configuration decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether `os/rootpw` must be there; it may be empty.
    pub require_root_password: bool,
}

/// Reads a template.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(xml: &str) -> Result<Template, Problems> {
    parse_with(xml, &Options::default())
}

/// Reads a template, by the rules of a configuration.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_with(xml: &str, options: &Options) -> Result<Template, Problems> {
    let mut faults = Faults::default();
    let root = xml::read(xml, &mut faults).filter(|root| check::document(root, &mut faults));
    let template = root.and_then(|root| read(&root, xml, options, &mut faults));
    faults.into_result(xml)?;
    template.ok_or_else(|| Problems(Vec::new()))
}

/// Reads the values; `None` if there is no `os`, which is noted already.
fn read(root: &Element<'_>, xml: &str, options: &Options, faults: &mut Faults) -> Option<Template> {
    check_version(root, faults);
    let os = root.child("os").map(|os| os::read(os, options.require_root_password, faults));
    let commands = |name: &str, faults: &mut Faults| {
        let path = format!("template/{name}");
        root.child(name).map(|list| commands::read(list, &path, faults)).unwrap_or_default()
    };
    let size = root.child("disk").and_then(|disk| disk.child("size"));
    let template = Template {
        name: values::text_of(root, "name"),
        description: values::optional_text(root, "description"),
        packages: root.child("packages").map(packages::read).unwrap_or_default(),
        repositories: root
            .child("repositories")
            .map(|list| repositories::read(list, faults))
            .unwrap_or_default(),
        files: root.child("files").map(|list| files::read(list, faults)).unwrap_or_default(),
        commands: commands("commands", faults),
        precommands: commands("precommands", faults),
        disk_size_bytes: size.and_then(|size| disk_size::read(size, faults)),
        xml: blank_secrets(xml),
        os: os?,
    };
    Some(template)
}

fn check_version(root: &Element<'_>, faults: &mut Faults) {
    let Some(version) = root.attribute("version") else { return };
    if version.value.trim_matches([' ', '\t', '\r', '\n']) == "1.0" {
        return;
    }
    let message = format!("version {} of TDL is not known", quote(&version.value));
    let path = "template/@version";
    let fault = Fault::new("bad-version", version.value_span.clone(), path, message);
    faults.add(fault.expected("`1.0`, or no version at all"));
}
