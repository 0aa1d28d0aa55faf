//! Merging fragments into a template.
//!
//! A fragment is `<packages>…</packages>` or `<repositories>…</repositories>`, on its own or in a document of contents
//! for targets. It is not held against the schema: what is not known in it does not count, as in the original.

use super::packages;
use super::problem::{Fault, Faults, Problems};
use super::repositories::{self, Strictness};
use super::values::put;
use super::xml::{self, Element};
use crate::domain::{Package, Repository, Template};

/// Adds the packages of a fragment at the end; packages that have one of their names go.
///
/// # Errors
/// What is wrong with the fragment; the template stays as it was.
pub fn merge_packages(template: &mut Template, fragment: &str) -> Result<(), Problems> {
    let mut faults = Faults::default();
    let root = xml::read(fragment, &mut faults).filter(|root| root.is("packages"));
    let packages = root.map(|root| read_packages(&root, &mut faults)).unwrap_or_default();
    faults.into_result(fragment)?;
    add_packages(template, packages);
    Ok(())
}

/// Puts the repositories of a fragment in the place of those that have their names, or at the end.
///
/// # Errors
/// What is wrong with the fragment; the template stays as it was.
pub fn merge_repositories(template: &mut Template, fragment: &str) -> Result<(), Problems> {
    let mut faults = Faults::default();
    let root = xml::read(fragment, &mut faults).filter(|root| root.is("repositories"));
    let repositories = root.map(|root| read_repositories(&root, &mut faults)).unwrap_or_default();
    faults.into_result(fragment)?;
    add_repositories(template, repositories);
    Ok(())
}

/// Merges what a document of contents for targets (`target_content.xml`) has for this target and the template's operating
/// system. Of its `include` elements only the one that fits most closely counts: by target, os, version and arch, by the
/// first three, two or one of these, or by nothing. Answers whether there was one.
///
/// # Errors
/// What is wrong with the document; the template stays as it was.
pub fn merge_target_content(
    template: &mut Template,
    document: &str,
    target: &str,
) -> Result<bool, Problems> {
    let mut faults = Faults::default();
    let root = xml::read(document, &mut faults).filter(|root| root.is("template_includes"));
    let include = root.as_ref().and_then(|root| closest_include(root, template, target));
    let list = |name| include.and_then(|include| include.child(name));
    let packages = list("packages").map(|list| read_packages(list, &mut faults));
    let repositories = list("repositories").map(|list| read_repositories(list, &mut faults));
    let found = include.is_some();
    faults.into_result(document)?;
    add_packages(template, packages.unwrap_or_default());
    add_repositories(template, repositories.unwrap_or_default());
    Ok(found)
}

/// Looks at all of a document of contents for targets, so that what is wrong is known before it is needed.
///
/// # Errors
/// All that is wrong with it.
pub fn check_target_content(document: &str) -> Result<(), Problems> {
    let mut faults = Faults::default();
    if let Some(root) = xml::read(document, &mut faults) {
        if !root.is("template_includes") {
            let message = format!("`{}` is not what holds contents for targets", root.name);
            let fault = Fault::new("bad-root", root.span.clone(), "", message);
            faults.add(fault.expected("`<template_includes>`"));
        }
        for include in root.named("include") {
            include.child("packages").map(|list| read_packages(list, &mut faults));
            include.child("repositories").map(|list| read_repositories(list, &mut faults));
        }
    }
    faults.into_result(document)
}

fn closest_include<'r, 'a>(
    root: &'r Element<'a>,
    template: &Template,
    target: &str,
) -> Option<&'r Element<'a>> {
    let os = &template.os;
    let wanted =
        [("target", target), ("os", &os.name), ("version", &os.version), ("arch", &os.arch)];
    let fits = |include: &Element<'_>, given: usize| {
        wanted.iter().enumerate().all(|(index, (name, value))| {
            let there = include.attribute(name).map(|attribute| attribute.value.as_str());
            there == (index < given).then_some(*value)
        })
    };
    (0..=wanted.len()).rev().find_map(|given| root.named("include").find(|one| fits(one, given)))
}

fn read_packages(packages: &Element<'_>, faults: &mut Faults) -> Vec<Package> {
    let mut list = Vec::new();
    for (index, package) in packages.named("package").enumerate() {
        let path = format!("packages/package[{}]", index + 1);
        check_name(package, &path, faults);
        check_single(package, &["repository", "file", "arguments"], &path, faults);
        list.push(packages::one(package));
    }
    list
}

fn read_repositories(repositories: &Element<'_>, faults: &mut Faults) -> Vec<Repository> {
    let mut list = Vec::new();
    for (index, repository) in repositories.named("repository").enumerate() {
        let path = format!("repositories/repository[{}]", index + 1);
        check_name(repository, &path, faults);
        check_single(repository, &["url", "signed", "persisted", "sslverify"], &path, faults);
        if repository.child("url").is_none() {
            let message = "`repository` lacks `url`";
            let fault = Fault::new("missing-element", repository.span.clone(), &path, message);
            faults.add(fault.expected("`<url>`"));
        }
        list.push(repositories::one(repository, &path, Strictness::Fragment, faults));
    }
    list
}

fn check_name(element: &Element<'_>, path: &str, faults: &mut Faults) {
    if element.attribute("name").is_none() {
        let message = format!("`{}` lacks the attribute `name`", element.name);
        let fault = Fault::new("missing-attribute", element.span.clone(), path, message);
        faults.add(fault.expected("`name=\"…\"`"));
    }
}

fn check_single(element: &Element<'_>, names: &[&str], path: &str, faults: &mut Faults) {
    for name in names {
        if let Some(second) = element.named(name).nth(1) {
            let message = format!("more than one `{name}` in `{}`", element.name);
            let path = format!("{path}/{name}[2]");
            let fault = Fault::new("duplicate-element", second.span.clone(), path, message);
            faults.add(fault.expected("one"));
        }
    }
}

fn add_packages(template: &mut Template, packages: Vec<Package>) {
    for package in packages {
        template.packages.retain(|old| old.name != package.name);
        template.packages.push(package);
    }
}

fn add_repositories(template: &mut Template, repositories: Vec<Repository>) {
    for repository in repositories {
        put(&mut template.repositories, repository, |old, new| old.name == new.name);
    }
}
