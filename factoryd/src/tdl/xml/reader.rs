//! Reads a document into a tree, strictly.
//!
//! quick-xml splits the text into events; what it lets pass but XML forbids is caught here. A fault that leaves the
//! structure clear (an unknown entity, a bad attribute) is noted and reading goes on, so that one run tells them all.

use super::lexical::{self, BadDeclaration};
use super::{Attribute, Element, Namespace, Node};
use crate::tdl::problem::{Fault, Faults, quote};
use quick_xml::Reader;
use quick_xml::events::attributes::{AttrError, Attributes};
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::ops::Range;

const MAX_BYTES: usize = 4 << 20;
const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 100_000;
const MAX_ATTRIBUTES: usize = 32;

const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Reads a document. Answers its root if the structure was clear to the end, even if there were faults.
pub(in crate::tdl) fn read<'a>(source: &'a str, faults: &mut Faults) -> Option<Element<'a>> {
    if source.len() > MAX_BYTES {
        let message = format!("the document has {} bytes", source.len());
        let limit = format!("at most {MAX_BYTES}");
        faults.add(Fault::new("xml-limit", 0..0, "", message).expected(limit));
        return None;
    }
    check_characters(source, faults);
    Builder { source, faults, open: Vec::new(), root: None, elements: 0, scopes: Vec::new() }.run()
}

fn check_characters(source: &str, faults: &mut Faults) {
    let bad = source.char_indices().filter(|(_, c)| !lexical::is_character(*c));
    for (at, c) in bad {
        let message = format!("character U+{:04X} is not allowed in XML", u32::from(c));
        faults.add(Fault::new("xml-character", at..at + c.len_utf8(), "", message));
    }
}

/// The structure is lost: reading cannot go on. The fault is noted.
struct Lost;

struct Builder<'a, 'f> {
    source: &'a str,
    faults: &'f mut Faults,
    open: Vec<Open<'a>>,
    root: Option<Element<'a>>,
    elements: usize,
    /// Every namespace declaration in scope: prefix (empty for the default) and URI, outermost first.
    scopes: Vec<(&'a str, String)>,
}

/// An element whose end tag is still to come.
struct Open<'a> {
    element: Element<'a>,
    /// How many declarations were in scope around it.
    scopes: usize,
}

impl<'a> Builder<'a, '_> {
    fn run(mut self) -> Option<Element<'a>> {
        // A byte order mark is no part of the text; quick-xml would skip it without counting it.
        let mark = if self.source.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        let mut reader = Reader::from_str(&self.source[mark..]);
        let config = reader.config_mut();
        config.check_comments = true;
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        loop {
            let start = position(reader.buffer_position()) + mark;
            let event = reader.read_event();
            let span = start..position(reader.buffer_position()) + mark;
            let step = match event {
                Ok(Event::Eof) => break,
                Ok(event) => self.take(event, span, mark),
                Err(error) => self.complain(&error, span),
            };
            step.ok()?;
        }
        self.finish()
    }

    fn take(&mut self, event: Event<'a>, span: Range<usize>, first: usize) -> Result<(), Lost> {
        match event {
            Event::Start(tag) => self.start(&tag, span),
            Event::Empty(tag) => {
                self.start(&tag, span.clone())?;
                self.close(span.end);
                Ok(())
            }
            Event::End(_) => self.end(span),
            Event::Text(_) => self.text(span),
            Event::CData(_) => {
                let raw = &self.source[span.start + "<![CDATA[".len()..span.end - "]]>".len()];
                self.push_text(lexical::normalise_lines(raw), span);
                Ok(())
            }
            Event::GeneralRef(_) => {
                self.reference(span);
                Ok(())
            }
            Event::Comment(_) => {
                self.push(Node::Break);
                Ok(())
            }
            Event::PI(_) => {
                self.instruction(span);
                Ok(())
            }
            Event::Decl(_) => {
                self.declaration(span, first);
                Ok(())
            }
            Event::DocType(_) => {
                self.doctype(span);
                Ok(())
            }
            Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'a>, span: Range<usize>) -> Result<(), Lost> {
        let name_span = span.start + 1..span.start + 1 + tag.name().0.len();
        let name = &self.source[name_span.clone()];
        if !lexical::is_qualified_name(name) {
            let message = format!("{} is not a name for an element", quote(name));
            let fault = self.fault("xml-name", name_span, message);
            self.faults.add(fault.hint("write `&lt;` for a `<` in text"));
            return Err(Lost);
        }
        if self.root.is_some() && self.open.is_empty() {
            let message = format!("a second root element, `{name}`");
            self.add("xml-root", name_span, message);
            return Err(Lost);
        }
        self.check_limits(&name_span)?;
        let scopes = self.scopes.len();
        let raw_end = span.end - if self.source[..span.end].ends_with("/>") { 2 } else { 1 };
        let attributes = self.attributes(name_span.end..raw_end, name)?;
        let namespace = self.namespace_of(name, &name_span);
        let inner = span.end..span.end;
        let element =
            Element { name, namespace, span: name_span, inner, attributes, nodes: Vec::new() };
        self.open.push(Open { element, scopes });
        Ok(())
    }

    fn check_limits(&mut self, span: &Range<usize>) -> Result<(), Lost> {
        self.elements += 1;
        let message = if self.elements > MAX_ELEMENTS {
            format!("more than {MAX_ELEMENTS} elements")
        } else if self.open.len() >= MAX_DEPTH {
            format!("elements are nested more than {MAX_DEPTH} deep")
        } else {
            return Ok(());
        };
        self.add("xml-limit", span.clone(), message);
        Err(Lost)
    }

    /// Reads the attributes that stand in `span`; namespace declarations go into scope instead.
    fn attributes(&mut self, span: Range<usize>, tag: &str) -> Result<Vec<Attribute<'a>>, Lost> {
        let mut list: Vec<Attribute<'a>> = Vec::new();
        let mut declared: Vec<&'a str> = Vec::new();
        let raw = &self.source[span.clone()];
        for attribute in Attributes::new(raw, 0).with_checks(false) {
            let (key, value_span) = match attribute {
                Ok(attribute) => (attribute.key.0, self.span_of(&attribute.value)),
                Err(error) => {
                    self.bad_attribute(&error, span.start, tag);
                    continue;
                }
            };
            let key_span = self.span_of(key);
            let key = &self.source[key_span.clone()];
            if list.len() + declared.len() == MAX_ATTRIBUTES {
                self.add("xml-limit", key_span, format!("more than {MAX_ATTRIBUTES} attributes"));
                return Err(Lost);
            }
            self.check_key(key, &key_span, tag);
            if declared.contains(&key) || list.iter().any(|earlier| earlier.name == key) {
                self.add("xml-attribute", key_span, format!("attribute `{key}` appears twice"));
                continue;
            }
            let value = self.attribute_value(value_span.clone());
            if let Some(prefix) = declared_prefix(key) {
                self.declare(prefix, value, key_span);
                declared.push(key);
            } else {
                list.push(Attribute { name: key, span: key_span, value, value_span });
            }
        }
        self.check_prefixes(&list);
        Ok(list)
    }

    fn check_key(&mut self, key: &str, span: &Range<usize>, tag: &str) {
        if !lexical::is_qualified_name(key) {
            let message = format!("{} is not a name for an attribute of `{tag}`", quote(key));
            self.add("xml-name", span.clone(), message);
        } else if !self.source[..span.start].ends_with([' ', '\t', '\r', '\n']) {
            let message = format!("white space is missing before attribute `{key}`");
            self.add("xml-attribute", span.clone(), message);
        }
    }

    fn check_prefixes(&mut self, attributes: &[Attribute<'a>]) {
        for attribute in attributes {
            if let Some((prefix, _)) = attribute.name.split_once(':') {
                self.check_bound(prefix, &attribute.span);
            }
        }
    }

    fn bad_attribute(&mut self, error: &AttrError, base: usize, tag: &str) {
        let (at, what) = match error {
            AttrError::ExpectedEq(at) => (at, "an attribute lacks `=` and a value"),
            AttrError::ExpectedValue(at) => (at, "an attribute lacks its value"),
            AttrError::UnquotedValue(at) => (at, "the value of an attribute lacks its quotes"),
            AttrError::ExpectedQuote(at, _) => (at, "the value of an attribute is not closed"),
            AttrError::Duplicated(at, _) => (at, "an attribute appears twice"),
        };
        let at = base + at;
        self.add("xml-attribute", at..at + 1, format!("{what} in `{tag}`"));
    }

    fn attribute_value(&mut self, span: Range<usize>) -> String {
        let raw = &self.source[span.clone()];
        if let Some(at) = raw.find('<') {
            let at = span.start + at;
            let fault = self.fault("xml-attribute", at..at + 1, "`<` in the value of an attribute");
            self.faults.add(fault.hint("write `&lt;`"));
        }
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find('&') {
            value.push_str(&spaced(&rest[..at]));
            let start = span.end - rest.len() + at;
            let end = rest[at..].find(';').map_or(at + 1, |length| at + length + 1);
            value.extend(self.resolve(start..start + end - at));
            rest = &rest[end..];
        }
        value.push_str(&spaced(rest));
        value
    }

    fn declare(&mut self, prefix: &'a str, uri: String, span: Range<usize>) {
        let wrong = match prefix {
            "xmlns" => Some("the prefix `xmlns` cannot be declared"),
            "xml" if uri != XML => Some("the prefix `xml` cannot be given another namespace"),
            _ if uri == XMLNS => Some("this namespace cannot be declared"),
            "" if uri == XML => Some("this namespace cannot be the default"),
            "" | "xml" => None,
            _ if uri.is_empty() => Some("a prefix must stand for a namespace"),
            _ if uri == XML => Some("only the prefix `xml` may stand for this namespace"),
            _ => None,
        };
        if let Some(message) = wrong {
            self.add("xml-namespace", span, message);
        }
        self.scopes.push((prefix, uri));
    }

    fn lookup(&self, prefix: &str) -> Option<&str> {
        let declared = self.scopes.iter().rev().find(|(known, _)| *known == prefix);
        declared.map(|(_, uri)| uri.as_str())
    }

    fn check_bound(&mut self, prefix: &str, span: &Range<usize>) {
        if prefix != "xml" && self.lookup(prefix).is_none() {
            let message = format!("the namespace prefix `{prefix}` is not declared");
            self.add("xml-namespace", span.clone(), message);
        }
    }

    fn namespace_of(&mut self, name: &str, span: &Range<usize>) -> Namespace {
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        if !prefix.is_empty() {
            self.check_bound(prefix, span);
        }
        match self.lookup(prefix) {
            Some(XINCLUDE) => Namespace::XInclude,
            None | Some("") if prefix.is_empty() => Namespace::None,
            _ => Namespace::Other,
        }
    }

    fn end(&mut self, span: Range<usize>) -> Result<(), Lost> {
        let name = self.source[span.start + 2..span.end - 1].trim_end();
        match self.open.last() {
            Some(open) if open.element.name == name => {
                self.close(span.start);
                Ok(())
            }
            Some(open) => {
                let inner = open.element.name;
                let message = format!("{} closes `<{inner}>`", quote(&format!("</{name}>")));
                let fault = self.fault("xml-tag", span, message);
                self.faults.add(fault.expected(format!("`</{inner}>`")));
                Err(Lost)
            }
            None => {
                let message = format!("{} closes nothing", quote(&format!("</{name}>")));
                self.add("xml-tag", span, message);
                Err(Lost)
            }
        }
    }

    fn close(&mut self, inner_end: usize) {
        let Some(Open { mut element, scopes }) = self.open.pop() else { return };
        element.inner.end = inner_end.max(element.inner.start);
        self.scopes.truncate(scopes);
        match self.open.last_mut() {
            Some(parent) => parent.element.nodes.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, span: Range<usize>) -> Result<(), Lost> {
        let raw = &self.source[span.clone()];
        if let Some(at) = raw.find("]]>") {
            let at = span.start + at;
            let fault = self.fault("xml-syntax", at..at + 3, "`]]>` in text");
            self.faults.add(fault.hint("write `]]&gt;`"));
        }
        if self.open.is_empty() && !lexical::is_space(raw) {
            let indent = raw.len() - raw.trim_start().len();
            self.add("xml-root", span.start + indent..span.end, "text outside the root element");
            return Err(Lost);
        }
        self.push_text(lexical::normalise_lines(raw), span);
        Ok(())
    }

    fn push_text(&mut self, text: Cow<'a, str>, span: Range<usize>) {
        if self.open.is_empty() && !lexical::is_space(&self.source[span.clone()]) {
            self.add("xml-root", span, "text outside the root element");
            return;
        }
        self.push(Node::Text(text, span));
    }

    fn push(&mut self, node: Node<'a>) {
        if let Some(open) = self.open.last_mut() {
            open.element.nodes.push(node);
        }
    }

    fn reference(&mut self, span: Range<usize>) {
        if let Some(c) = self.resolve(span.clone()) {
            self.push_text(Cow::Owned(c.into()), span);
        }
    }

    /// Answers the character that the reference in `span` (from `&` to `;`) stands for.
    fn resolve(&mut self, span: Range<usize>) -> Option<char> {
        let raw = &self.source[span.clone()];
        let name = raw.strip_prefix('&').and_then(|raw| raw.strip_suffix(';'));
        let Some(name) = name else {
            let fault = self.fault("xml-entity", span, "`&` begins no entity");
            self.faults.add(fault.hint("write `&amp;` for an ampersand"));
            return None;
        };
        let found = lexical::resolve(name);
        if found.is_none() {
            let fault = self.fault("xml-entity", span, format!("unknown entity {}", quote(raw)));
            self.faults.add(fault.expected(
                "`&lt;`, `&gt;`, `&amp;`, `&apos;`, `&quot;` or the number of a character XML allows",
            ));
        }
        found
    }

    fn instruction(&mut self, span: Range<usize>) {
        let content = &self.source[span.start + 2..span.end - 2];
        let target = content.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
        if !lexical::is_name(target) || target.eq_ignore_ascii_case("xml") {
            let message = format!("{} cannot name a processing instruction", quote(target));
            self.add("xml-name", span, message);
        }
        self.push(Node::Break);
    }

    fn declaration(&mut self, span: Range<usize>, first: usize) {
        if span.start != first {
            let fault = self.fault("xml-declaration", span, "an XML declaration that is not first");
            self.faults.add(fault.hint("move it to the very start, before any space or line end"));
            return;
        }
        let fault = match lexical::check_declaration(&self.source[span.start + 2..span.end - 2]) {
            Ok(()) => return,
            Err(BadDeclaration::Malformed(why)) => {
                self.fault("xml-declaration", span, format!("malformed XML declaration: {why}"))
            }
            Err(BadDeclaration::Encoding(encoding)) => self
                .fault("xml-encoding", span, format!("encoding {} is not read", quote(&encoding)))
                .expected("`UTF-8`"),
        };
        self.faults.add(fault);
    }

    fn doctype(&mut self, span: Range<usize>) {
        let fault = self.fault("xml-doctype", span, "a document type declaration is not allowed");
        self.faults.add(fault.hint("remove `<!DOCTYPE …>` and write out the entities it defines"));
    }

    fn complain(&mut self, error: &quick_xml::Error, span: Range<usize>) -> Result<(), Lost> {
        use quick_xml::errors::{Error, IllFormedError};
        match error {
            Error::IllFormed(IllFormedError::UnclosedReference) => {
                self.resolve(span);
                Ok(())
            }
            Error::IllFormed(IllFormedError::DoubleHyphenInComment) => {
                self.add("xml-syntax", span, "`--` inside a comment");
                Ok(())
            }
            Error::IllFormed(IllFormedError::MissingDoctypeName) => {
                self.doctype(span);
                Ok(())
            }
            other => {
                self.add("xml-syntax", span, other.to_string().replace("syntax error: ", ""));
                Err(Lost)
            }
        }
    }

    fn finish(mut self) -> Option<Element<'a>> {
        if let Some(open) = self.open.last() {
            let name = open.element.name;
            let span = open.element.span.clone();
            let fault = self.fault("xml-tag", span, format!("`<{name}>` is never closed"));
            self.faults.add(fault.expected(format!("`</{name}>`")));
            return None;
        }
        if self.root.is_none() {
            self.add("xml-root", 0..0, "the document has no root element");
        }
        self.root
    }

    /// The bytes of a part of the source.
    fn span_of(&self, part: &str) -> Range<usize> {
        let start = (part.as_ptr() as usize).saturating_sub(self.source.as_ptr() as usize);
        start..start + part.len()
    }

    fn fault(&self, code: &'static str, span: Range<usize>, message: impl Into<String>) -> Fault {
        let path: Vec<&str> = self.open.iter().map(|open| open.element.name).collect();
        Fault::new(code, span, path.join("/"), message)
    }

    fn add(&mut self, code: &'static str, span: Range<usize>, message: impl Into<String>) {
        let fault = self.fault(code, span, message);
        self.faults.add(fault);
    }
}

/// Answers the prefix that an attribute declares (empty for the default namespace), if it declares one.
fn declared_prefix(key: &str) -> Option<&str> {
    match key.split_once(':') {
        Some(("xmlns", prefix)) => Some(prefix),
        None if key == "xmlns" => Some(""),
        _ => None,
    }
}

/// Makes every white space character of an attribute's value a space, a CR LF pair one.
fn spaced(raw: &str) -> String {
    lexical::normalise_lines(raw).replace(['\t', '\n'], " ")
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
