//! Merging fragments into a template.
//!
//! A fragment is `<packages>…</packages>` or `<repositories>…</repositories>` on its own. It is not held against the
//! schema: what is not known in it does not count, as in the original.

use super::packages;
use super::problem::{Fault, Faults, Problems};
use super::repositories::{self, Strictness};
use super::values::put;
use super::xml::{self, Element};
use crate::domain::Template;

/// Adds the packages of a fragment at the end; packages that have one of their names go.
///
/// # Errors
/// What is wrong with the fragment; the template stays as it was.
pub fn merge_packages(template: &mut Template, fragment: &str) -> Result<(), Problems> {
    let merged = read(fragment, "packages", "package", |element, path, faults| {
        at_most_one(element, &["repository", "file", "arguments"], path, faults);
        packages::one(element)
    })?;
    for package in merged {
        template.packages.retain(|old| old.name != package.name);
        template.packages.push(package);
    }
    Ok(())
}

/// Puts the repositories of a fragment in the place of those that have their names, or at the end.
///
/// # Errors
/// What is wrong with the fragment; the template stays as it was.
pub fn merge_repositories(template: &mut Template, fragment: &str) -> Result<(), Problems> {
    let merged = read(fragment, "repositories", "repository", |element, path, faults| {
        at_most_one(element, &["url", "signed", "persisted", "sslverify"], path, faults);
        if element.child("url").is_none() {
            let message = "`repository` lacks `url`";
            let fault = Fault::new("missing-element", element.span.clone(), path, message);
            faults.add(fault.expected("`<url>`"));
        }
        repositories::one(element, path, Strictness::Fragment, faults)
    })?;
    for repository in merged {
        put(&mut template.repositories, repository, |old, new| old.name == new.name);
    }
    Ok(())
}

fn read<T>(
    fragment: &str,
    root_name: &str,
    child_name: &str,
    mut one: impl FnMut(&Element<'_>, &str, &mut Faults) -> T,
) -> Result<Vec<T>, Problems> {
    let mut faults = Faults::default();
    let root = xml::read(fragment, &mut faults).filter(|root| root.is(root_name));
    let elements: Vec<&Element<'_>> = root.iter().flat_map(|root| root.named(child_name)).collect();
    let mut items = Vec::new();
    for (index, element) in elements.into_iter().enumerate() {
        let path = format!("{root_name}/{child_name}[{}]", index + 1);
        if element.attribute("name").is_none() {
            let message = format!("`{child_name}` lacks the attribute `name`");
            faults.add(Fault::new("missing-attribute", element.span.clone(), &path, message));
        }
        items.push(one(element, &path, &mut faults));
    }
    faults.into_result(fragment).map(|()| items)
}

fn at_most_one(element: &Element<'_>, names: &[&str], path: &str, faults: &mut Faults) {
    for name in names {
        if let Some(second) = element.named(name).nth(1) {
            let message = format!("more than one `{name}` in `{}`", element.name);
            let path = format!("{path}/{name}[2]");
            faults.add(Fault::new("duplicate-element", second.span.clone(), path, message));
        }
    }
}
