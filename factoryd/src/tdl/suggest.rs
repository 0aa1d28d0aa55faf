//! Guesses what an author meant by a name that does not fit.

use super::schema::{ROOT, Shape, TEMPLATE};
use super::xml::Element;
use crate::report;

/// Names that people write for those that TDL has.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("architecture", "arch"),
    ("password", "rootpw"),
    ("rootpassword", "rootpw"),
    ("root_password", "rootpw"),
    ("productkey", "key"),
    ("product_key", "key"),
    ("cmdline", "kernelparam"),
    ("kernel_params", "kernelparam"),
    ("release", "version"),
    ("distro", "name"),
    ("repos", "repositories"),
    ("repo", "repository"),
    ("gpgcheck", "signed"),
    ("ssl_verify", "sslverify"),
    ("permanent", "persisted"),
    ("path", "name"),
    ("order", "position"),
    ("sha256", "sha256sum"),
    ("sha1", "sha1sum"),
    ("md5", "md5sum"),
    ("checksum", "sha256sum"),
    ("script", "command"),
    ("scripts", "commands"),
    ("args", "arguments"),
    ("disksize", "disk"),
];

/// Says what may have been meant by an element that is not known inside `parent`.
pub(super) fn element(name: &str, parent: &'static Shape) -> Option<String> {
    let children = || parent.children().iter().map(|child| child.name);
    if let Some(close) = closest(name, children()) {
        return Some(format!("did you mean `{close}`?"));
    }
    if parent.attributes.iter().any(|rule| rule.name == name) {
        return Some(format!("`{name}` is an attribute: write `{name}=\"…\"`"));
    }
    let mut places = Vec::new();
    find(name, &TEMPLATE, ROOT, &mut places);
    let words: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    (!words.is_empty()).then(|| format!("`{name}` belongs in {}", words.join(" or ")))
}

/// Says what may have been meant by an attribute that is not known on an element.
pub(super) fn attribute(name: &str, owner: &'static Shape) -> Option<String> {
    if let Some(close) = closest(name, owner.attributes.iter().map(|rule| rule.name)) {
        return Some(format!("did you mean `{close}`?"));
    }
    let child = owner.children().iter().find(|child| child.name == name)?;
    Some(format!("`{0}` is an element: write `<{0}>…</{0}>`", child.name))
}

/// Notes that a missing attribute was written as a child.
pub(super) fn child_meant_as_attribute(element: &Element<'_>, name: &str) -> Option<String> {
    element.child(name)?;
    Some(format!("write `<{} {name}=\"…\">` instead of an element `{name}`", element.name))
}

/// Notes that a missing child was written as an attribute.
pub(super) fn attribute_meant_as_child(element: &Element<'_>, name: &str) -> Option<String> {
    element.attribute(name)?;
    Some(format!("write an element `{name}` instead of the attribute"))
}

/// Whether one of the names that are there is not known and was probably meant to be `wanted`; then it is enough to say so once.
pub(super) fn meant<'n, 'k>(
    wanted: &str,
    mut there: impl Iterator<Item = &'n str>,
    known: impl Iterator<Item = &'k str> + Clone,
) -> bool {
    there.any(|name| {
        known.clone().all(|known| known != name) && closest(name, known.clone()) == Some(wanted)
    })
}

fn find(name: &str, shape: &'static Shape, path: &str, places: &mut Vec<String>) {
    for child in shape.children() {
        if child.name == name {
            places.push(path.to_owned());
        }
        find(name, child.shape, &format!("{path}/{}", child.name), places);
    }
}

/// Answers the known name that was meant: another word for it, or one that is near.
pub(super) fn closest<'k>(
    name: &str,
    mut known: impl Iterator<Item = &'k str> + Clone,
) -> Option<&'k str> {
    let lower = name.to_lowercase();
    let synonym = OTHER_WORDS.iter().find(|(word, _)| *word == lower);
    let meant = synonym.and_then(|(_, meant)| known.clone().find(|word| word == meant));
    meant.or_else(|| report::closest(name, &mut known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_word_for_it_is_recognised() {
        assert_eq!(closest("architecture", ["name", "arch"].into_iter()), Some("arch"));
    }

    #[test]
    fn an_element_in_the_wrong_place_is_sent_to_the_right_one() {
        let hint = element("rootpw", &TEMPLATE);
        assert_eq!(hint.as_deref(), Some("`rootpw` belongs in `template/os`"));
    }
}
