//! A small strict element tree with positions.
//!
//! Layer one of two: it knows XML and nothing of TDL. It refuses what would make a document mean more than it shows
//! (DTDs, entities of its own) and what could wear a reader out (size, depth, number of elements and attributes).

mod attributes;
mod lexical;
mod namespaces;
mod reader;

pub(super) use lexical::is_space;
pub(super) use reader::read;

use std::borrow::Cow;
use std::ops::Range;

/// An element.
#[derive(Debug)]
pub(super) struct Element<'a> {
    /// The name as written, with its prefix.
    pub(super) name: &'a str,
    /// The namespace it is in.
    pub(super) namespace: Namespace,
    /// The name in the start tag, in bytes.
    pub(super) span: Range<usize>,
    /// What is between the tags, in bytes.
    pub(super) inner: Range<usize>,
    /// The attributes, without namespace declarations.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// The content.
    pub(super) nodes: Vec<Node<'a>>,
}

/// The namespaces that make a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    /// None: what TDL's elements and attributes are in.
    None,
    /// XInclude's.
    XInclude,
    /// Any other.
    Other,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    /// The name as written, with its prefix.
    pub(super) name: &'a str,
    /// The name, in bytes.
    pub(super) span: Range<usize>,
    /// The value, normalised as XML says.
    pub(super) value: String,
    /// The value without its quotes, in bytes.
    pub(super) value_span: Range<usize>,
}

/// A part of an element's content.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// A child.
    Element(Element<'a>),
    /// Text, a reference or a CDATA section.
    Text(Cow<'a, str>, Range<usize>),
    /// A comment or processing instruction.
    Break,
}

impl<'a> Element<'a> {
    /// The elements among the content.
    pub(super) fn children(&self) -> impl Iterator<Item = &Element<'a>> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(..) | Node::Break => None,
        })
    }

    /// The children of that name (in no namespace).
    pub(super) fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Element<'a>> {
        self.children().filter(move |child| child.is(name))
    }

    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children().find(|child| child.is(name))
    }

    /// Whether it has that name, in no namespace.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name && self.namespace == Namespace::None
    }

    /// The attribute of that name.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The value of the element: its text up to the first child, comment or processing instruction.
    pub(super) fn text(&self) -> String {
        let texts = self.nodes.iter().map_while(|node| match node {
            Node::Text(text, _) => Some(text.as_ref()),
            Node::Element(_) | Node::Break => None,
        });
        texts.collect()
    }

    /// All its text, comments left out: what a schema looks at.
    pub(super) fn whole_text(&self) -> String {
        self.texts().map(|(text, _)| text).collect()
    }

    /// Every piece of text and where it is.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Text(text, span) => Some((text.as_ref(), span.clone())),
            Node::Element(_) | Node::Break => None,
        })
    }

    /// Where to point when the value is wrong: at the text, or at the name if there is none.
    pub(super) fn value_span(&self) -> Range<usize> {
        let shown = self.texts().find(|(text, _)| !text.trim().is_empty());
        shown.map_or(self.span.clone(), |(text, span)| {
            let indent = text.len() - text.trim_start().len();
            if indent < span.len() { span.start + indent..span.end } else { span }
        })
    }
}
