//! How values are taken from elements.

use super::xml::Element;
use crate::report::quote;

/// The text of a child; empty if there is none.
pub(super) fn text_of(parent: &Element<'_>, name: &str) -> String {
    parent.child(name).map(Element::text).unwrap_or_default()
}

/// The text of a child; `None` if there is no such child or no text in it.
pub(super) fn optional_text(parent: &Element<'_>, name: &str) -> Option<String> {
    parent.child(name).map(Element::text).filter(|text| !text.is_empty())
}

/// Says that the value of an element ends at a comment, if that is why it is not what it seems.
pub(super) fn cut_off(element: &Element<'_>) -> Option<String> {
    let (text, whole) = (element.text(), element.whole_text());
    let hint = || match text.trim() {
        "" => "the value ends at the comment inside it, before any text".to_owned(),
        text => format!("the value ends at the comment inside it: only {} counts", quote(text)),
    };
    (text.trim() != whole.trim()).then(hint)
}

/// The attribute `name`; empty if there is none.
pub(super) fn name_of(element: &Element<'_>) -> String {
    element.attribute("name").map(|name| name.value.clone()).unwrap_or_default()
}

/// Puts an item into a list in the place of the one with its name, or at the end.
pub(super) fn put<T>(list: &mut Vec<T>, item: T, same: impl Fn(&T, &T) -> bool) {
    match list.iter_mut().find(|old| same(old, &item)) {
        Some(old) => *old = item,
        None => list.push(item),
    }
}
