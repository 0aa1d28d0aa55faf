//! Guesses what an author meant by a name that does not fit.

use super::schema::{ROOT, Shape, TEMPLATE};
use super::xml::Element;

/// A longer name is no slip of the pen.
const LONGEST: usize = 24;

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

/// Answers the known name that is nearest, if it is near.
pub(super) fn closest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let synonym = OTHER_WORDS.iter().find(|(word, _)| *word == lower).map(|(_, meant)| *meant);
    let ranked = known.map(|word| {
        let meant = synonym == Some(word);
        (if meant { 0 } else { distance(&lower, word) }, word)
    });
    let (distance, word) = ranked.min_by_key(|(distance, _)| *distance)?;
    let tolerated = if word.len() <= 3 { 1 } else { 2 };
    (distance <= tolerated).then_some(word)
}

/// Answers how many single letters must be added, dropped, changed or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = || ["packages", "files", "os"].into_iter();
        assert_eq!(closest("pakages", known()), Some("packages"));
        assert_eq!(closest("Packages", known()), Some("packages"));
        assert_eq!(closest("flies", known()), Some("files"));
        assert_eq!(closest("kitchen", known()), None);
    }

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
