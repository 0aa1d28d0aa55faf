//! TDL's elements and attributes, as a table.
//!
//! Children come in any order unless [`super::os`] says otherwise. Rules about values are with the section they belong to.

/// What an element may have.
#[derive(Debug)]
pub(super) struct Shape {
    /// Its attributes.
    pub(super) attributes: &'static [AttributeRule],
    /// What is inside.
    pub(super) content: Content,
}

/// An attribute and whether it must be there.
#[derive(Debug)]
pub(super) struct AttributeRule {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

/// What is inside an element.
#[derive(Debug)]
pub(super) enum Content {
    /// Text, no elements.
    Text,
    /// Nothing.
    Nothing,
    /// Elements, no text.
    Elements(&'static [Child]),
}

/// An element inside another.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: &'static str,
    pub(super) occurs: Occurs,
    pub(super) shape: &'static Shape,
}

/// How often an element is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurs {
    /// Exactly once.
    Once,
    /// Once or not at all.
    AtMostOnce,
    /// Any number of times.
    Any,
    /// One or more times, counted together with its siblings of this kind.
    SomeOfThese,
}

impl Shape {
    /// The elements that may be inside.
    pub(super) fn children(&self) -> &'static [Child] {
        match self.content {
            Content::Elements(children) => children,
            Content::Text | Content::Nothing => &[],
        }
    }
}

/// The root's name.
pub(super) const ROOT: &str = "template";

/// `template`.
pub(super) static TEMPLATE: Shape = Shape {
    attributes: &[optional("version")],
    content: Content::Elements(&[
        once("name", &TEXT),
        once("os", &OS),
        at_most_once("description", &TEXT),
        at_most_once("packages", &PACKAGES),
        at_most_once("files", &FILES),
        at_most_once("commands", &COMMANDS),
        at_most_once("precommands", &COMMANDS),
        at_most_once("repositories", &REPOSITORIES),
        at_most_once("disk", &DISK),
    ]),
};

static OS: Shape = elements(&[
    once("name", &TEXT),
    once("version", &TEXT),
    once("arch", &TEXT),
    once("install", &INSTALL),
    at_most_once("kernelparam", &TEXT),
    at_most_once("rootpw", &TEXT),
    at_most_once("key", &TEXT),
    at_most_once("icicle", &ICICLE),
]);

static INSTALL: Shape = Shape {
    attributes: &[required("type")],
    content: Content::Elements(&[
        at_most_once("url", &TEXT),
        at_most_once("iso", &TEXT),
        at_most_once("md5sum", &TEXT),
        at_most_once("sha1sum", &TEXT),
        at_most_once("sha256sum", &TEXT),
        at_most_once("extras", &EXTRAS),
    ]),
};

static EXTRAS: Shape = elements(&[
    Child { name: "directory", occurs: Occurs::SomeOfThese, shape: &EXTRA },
    Child { name: "file", occurs: Occurs::SomeOfThese, shape: &EXTRA },
]);

static EXTRA: Shape =
    Shape { attributes: &[required("source"), required("destination")], content: Content::Nothing };

static ICICLE: Shape = elements(&[once("extra_command", &TEXT)]);

static PACKAGES: Shape = elements(&[any("package", &PACKAGE)]);

static PACKAGE: Shape = Shape {
    attributes: &[required("name")],
    content: Content::Elements(&[
        at_most_once("repository", &TEXT),
        at_most_once("file", &TEXT),
        at_most_once("arguments", &TEXT),
    ]),
};

static FILES: Shape = elements(&[any("file", &FILE)]);

static FILE: Shape =
    Shape { attributes: &[required("name"), optional("type")], content: Content::Text };

static COMMANDS: Shape = elements(&[any("command", &COMMAND)]);

static COMMAND: Shape = Shape {
    attributes: &[required("name"), optional("type"), optional("position")],
    content: Content::Text,
};

static REPOSITORIES: Shape = elements(&[any("repository", &REPOSITORY)]);

static REPOSITORY: Shape = Shape {
    attributes: &[required("name")],
    content: Content::Elements(&[
        once("url", &TEXT),
        at_most_once("signed", &TEXT),
        at_most_once("persisted", &TEXT),
        at_most_once("sslverify", &TEXT),
    ]),
};

static DISK: Shape = elements(&[once("size", &TEXT)]);

static TEXT: Shape = Shape { attributes: &[], content: Content::Text };

const fn elements(children: &'static [Child]) -> Shape {
    Shape { attributes: &[], content: Content::Elements(children) }
}

const fn once(name: &'static str, shape: &'static Shape) -> Child {
    Child { name, occurs: Occurs::Once, shape }
}

const fn at_most_once(name: &'static str, shape: &'static Shape) -> Child {
    Child { name, occurs: Occurs::AtMostOnce, shape }
}

const fn any(name: &'static str, shape: &'static Shape) -> Child {
    Child { name, occurs: Occurs::Any, shape }
}

const fn required(name: &'static str) -> AttributeRule {
    AttributeRule { name, required: true }
}

const fn optional(name: &'static str) -> AttributeRule {
    AttributeRule { name, required: false }
}
