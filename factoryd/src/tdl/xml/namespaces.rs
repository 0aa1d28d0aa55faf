//! Which prefix stands for which namespace, and where.

use super::{Namespace, lexical};

const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The namespace declarations in force.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    /// Prefix (empty for the default) and URI, outermost first.
    declared: Vec<(&'a str, String)>,
}

impl<'a> Scopes<'a> {
    /// How many declarations are in force: what [`Scopes::leave`] wants back.
    pub(super) fn depth(&self) -> usize {
        self.declared.len()
    }

    /// Forgets what was declared since.
    pub(super) fn leave(&mut self, depth: usize) {
        self.declared.truncate(depth);
    }

    /// Declares a prefix. Answers what is wrong with that, if anything.
    pub(super) fn declare(&mut self, prefix: &'a str, uri: String) -> Option<&'static str> {
        let wrong = fault_of(prefix, &uri);
        self.declared.push((prefix, uri));
        wrong
    }

    /// Answers the namespace that a prefix stands for; `None` if it is not declared.
    pub(super) fn find(&self, prefix: &str) -> Option<Namespace> {
        let declared = self.declared.iter().rev().find(|(known, _)| *known == prefix);
        match declared.map(|(_, uri)| uri.as_str()) {
            Some(XINCLUDE) => Some(Namespace::XInclude),
            None | Some("") if prefix.is_empty() => Some(Namespace::None),
            None if prefix != "xml" => None,
            _ => Some(Namespace::Other),
        }
    }
}

fn fault_of(prefix: &str, uri: &str) -> Option<&'static str> {
    match prefix {
        "xmlns" => Some("the prefix `xmlns` cannot be declared"),
        "xml" if uri != XML => Some("the prefix `xml` cannot be given another namespace"),
        _ if uri == XMLNS => Some("this namespace cannot be declared"),
        "" if uri.is_empty() => None,
        _ if uri.is_empty() => Some("a prefix must stand for a namespace"),
        _ if uri == XML && prefix != "xml" => {
            Some("only the prefix `xml` may stand for this namespace")
        }
        _ if !lexical::is_uri(uri) => Some("the name of a namespace must be a URI"),
        _ => None,
    }
}

/// Answers the prefix of a name as written; empty if it has none.
pub(super) fn prefix_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// Answers the prefix that an attribute declares (empty for the default namespace), if it declares one.
pub(super) fn declared_prefix(key: &str) -> Option<&str> {
    match key.split_once(':') {
        Some(("xmlns", prefix)) => Some(prefix),
        None if key == "xmlns" => Some(""),
        _ => None,
    }
}
