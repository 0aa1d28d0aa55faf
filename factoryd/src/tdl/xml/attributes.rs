//! Reads the attributes of a start tag.

use super::Attribute;
use super::lexical;
use super::namespaces::{declared_prefix, prefix_of};
use super::reader::{Builder, Lost, SPACE};
use crate::report::quote;
use quick_xml::events::attributes::{AttrError, Attributes};
use std::ops::Range;

const MAX_ATTRIBUTES: usize = 32;

impl<'a> Builder<'a, '_> {
    /// Reads the attributes that stand in `span`; namespace declarations go into scope instead.
    pub(super) fn attributes(
        &mut self,
        span: Range<usize>,
        tag: &str,
    ) -> Result<Vec<Attribute<'a>>, Lost> {
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
                if let Some(message) = self.scopes.declare(prefix, value) {
                    self.add("xml-namespace", key_span, message);
                }
                declared.push(key);
            } else {
                list.push(Attribute { name: key, span: key_span, value, value_span });
            }
        }
        for attribute in list.iter().filter(|attribute| attribute.name.contains(':')) {
            self.check_prefix(prefix_of(attribute.name), &attribute.span);
        }
        Ok(list)
    }

    fn check_key(&mut self, key: &str, span: &Range<usize>, tag: &str) {
        if !lexical::is_qualified_name(key) {
            let message = format!("{} is not a name for an attribute of `{tag}`", quote(key));
            self.add("xml-name", span.clone(), message);
        } else if !self.source[..span.start].ends_with(SPACE) {
            let message = format!("white space is missing before attribute `{key}`");
            self.add("xml-attribute", span.clone(), message);
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

    /// Notes it if a prefix is not declared.
    pub(super) fn check_prefix(&mut self, prefix: &str, span: &Range<usize>) {
        if self.scopes.find(prefix).is_none() {
            let message = format!("the namespace prefix `{prefix}` is not declared");
            self.add("xml-namespace", span.clone(), message);
        }
    }
}

/// Makes every white space character of an attribute's value a space, a CR LF pair one.
fn spaced(raw: &str) -> String {
    lexical::normalise_lines(raw).replace(['\t', '\n'], " ")
}
