//! Reads a document into a tree, strictly.
//!
//! quick-xml splits the text into events; what it lets pass but XML forbids is caught here. A fault that leaves the
//! structure clear (an unknown entity, a bad attribute) is noted and reading goes on, so that one run tells them all.

use super::lexical::{self, BadDeclaration};
use super::namespaces::{Scopes, prefix_of};
use super::{Element, Namespace, Node};
use crate::report::quote;
use crate::tdl::problem::{Fault, Faults};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::ops::Range;

const MAX_BYTES: usize = 4 << 20;
const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 100_000;

/// White space as XML knows it.
pub(super) const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Reads a document. Answers its root if the structure was clear to the end, even if there were faults.
pub(in crate::tdl) fn read<'a>(source: &'a str, faults: &mut Faults) -> Option<Element<'a>> {
    if source.len() > MAX_BYTES {
        let message = format!("the document has {} bytes", source.len());
        let limit = format!("at most {MAX_BYTES}");
        faults.add(Fault::new("xml-limit", 0..0, "", message).expected(limit));
        return None;
    }
    check_characters(source, faults);
    Builder { source, faults, open: Vec::new(), root: None, elements: 0, scopes: Scopes::default() }
        .run()
}

fn check_characters(source: &str, faults: &mut Faults) {
    let bad = source.char_indices().filter(|(_, c)| !lexical::is_character(*c));
    for (at, c) in bad {
        faults.add_with(|| {
            let message = format!("character U+{:04X} is not allowed in XML", u32::from(c));
            Fault::new("xml-character", at..at + c.len_utf8(), "", message)
        });
    }
}

/// The structure is lost: reading cannot go on. The fault is noted.
pub(super) struct Lost;

pub(super) struct Builder<'a, 'f> {
    pub(super) source: &'a str,
    pub(super) faults: &'f mut Faults,
    open: Vec<Open<'a>>,
    root: Option<Element<'a>>,
    elements: usize,
    pub(super) scopes: Scopes<'a>,
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
        let mark =
            if self.source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        if self.source[mark..].starts_with(BYTE_ORDER_MARK) {
            self.add("xml-root", mark..2 * mark, "text outside the root element");
            return None;
        }
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
            if self.faults.full() {
                self.add("xml-limit", start..start, "too many problems to go on reading");
                return None;
            }
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
        let scopes = self.scopes.depth();
        let raw_end = span.end - if self.source[..span.end].ends_with("/>") { 2 } else { 1 };
        let attributes = self.attributes(name_span.end..raw_end, name)?;
        self.check_prefix(prefix_of(name), &name_span);
        let namespace = self.scopes.find(prefix_of(name)).unwrap_or(Namespace::Other);
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

    fn end(&mut self, span: Range<usize>) -> Result<(), Lost> {
        let name = self.source[span.start + 2..span.end - 1].trim_end_matches(SPACE);
        match self.open.last() {
            Some(open) if open.element.name == name => {
                self.close(span.start);
                Ok(())
            }
            Some(open) => {
                let (inner, at) = (open.element.name, open.element.span.start);
                let line = self.source[..at].matches('\n').count() + 1;
                let message = format!("{} while `<{inner}>` is open", quote(&format!("</{name}>")));
                let fault = self.fault("xml-tag", span, message).expected(format!("`</{inner}>`"));
                self.faults.add(fault.hint(format!("`<{inner}>` was opened on line {line}")));
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
        self.scopes.leave(scopes);
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
    pub(super) fn resolve(&mut self, span: Range<usize>) -> Option<char> {
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
        let target = content.split(SPACE).next().unwrap_or_default();
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
    pub(super) fn span_of(&self, part: &str) -> Range<usize> {
        let start = (part.as_ptr() as usize).saturating_sub(self.source.as_ptr() as usize);
        start..start + part.len()
    }

    pub(super) fn fault(
        &self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Fault {
        let path: Vec<&str> = self.open.iter().map(|open| open.element.name).collect();
        Fault::new(code, span, path.join("/"), message)
    }

    pub(super) fn add(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) {
        let fault = self.fault(code, span, message);
        self.faults.add(fault);
    }
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
