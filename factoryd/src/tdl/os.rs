//! `template/os`.

use super::problem::{Fault, Faults};
use super::values::{cut_off, optional_text, text_of};
use super::xml::Element;
use crate::domain::{Checksum, Extra, Install, InstallSource, OperatingSystem, Secret};
use crate::report::{choice, quote};

const PATH: &str = "template/os";
const INSTALL: &str = "template/os/install";

const ARCHITECTURES: &[&str] =
    &["i386", "x86_64", "ppc64", "ppc64le", "aarch64", "armv7l", "s390x"];

/// What other tools call these architectures.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("amd64", "x86_64"),
    ("x64", "x86_64"),
    ("x86-64", "x86_64"),
    ("arm64", "aarch64"),
    ("armhf", "armv7l"),
    ("i686", "i386"),
    ("x86", "i386"),
    ("ppc64el", "ppc64le"),
];

const CHECKSUMS: &[(&str, &str)] =
    &[("md5sum", "md5"), ("sha1sum", "sha1"), ("sha256sum", "sha256")];

/// Reads `os`.
pub(super) fn read(
    os: &Element<'_>,
    require_root_password: bool,
    faults: &mut Faults,
) -> OperatingSystem {
    if require_root_password && os.child("rootpw").is_none() {
        let message = "`os` lacks `rootpw`, and the factory is set to require one";
        let fault = Fault::new("missing-rootpw", os.span.clone(), PATH, message);
        faults.add(fault.expected("`<rootpw>`"));
    }
    let icicle = os.child("icicle");
    OperatingSystem {
        name: text_of(os, "name"),
        version: text_of(os, "version"),
        arch: arch(os, faults),
        install: os.child("install").map_or_else(nothing, |install| read_install(install, faults)),
        root_password: optional_text(os, "rootpw").map(Secret::new),
        product_key: optional_text(os, "key").map(Secret::new),
        kernel_parameters: optional_text(os, "kernelparam"),
        icicle_extra_command: icicle.and_then(|icicle| optional_text(icicle, "extra_command")),
    }
}

fn arch(os: &Element<'_>, faults: &mut Faults) -> String {
    let Some(element) = os.child("arch") else { return String::new() };
    let (arch, whole) = (element.text(), element.whole_text());
    let known = |arch: &str| ARCHITECTURES.contains(&arch);
    if known(&arch) && known(whole.trim()) {
        return arch;
    }
    let message = format!("{} is not an architecture", quote(&whole));
    let path = format!("{PATH}/arch");
    let fault = Fault::new("bad-arch", element.value_span(), path, message);
    let hint = cut_off(element).or_else(|| arch_hint(whole.trim()));
    faults.add(fault.expected(choice(ARCHITECTURES.iter().copied())).maybe_hint(hint));
    arch
}

fn arch_hint(whole: &str) -> Option<String> {
    if ARCHITECTURES.contains(&whole) {
        return Some("remove the white space around it".into());
    }
    let other = OTHER_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(whole));
    let close = super::suggest::closest(whole, ARCHITECTURES.iter().copied());
    let meant = other.map(|(_, arch)| *arch).or(close)?;
    Some(format!("did you mean `{meant}`?"))
}

fn nothing() -> Install {
    Install { source: InstallSource::Url(String::new()), checksum: None, extras: Vec::new() }
}

fn read_install(install: &Element<'_>, faults: &mut Faults) -> Install {
    let Some(kind) = install.attribute("type") else { return nothing() };
    let location = |name| text_of(install, name).trim().to_owned();
    let source = match kind.value.as_str() {
        "url" => InstallSource::Url(location("url")),
        "iso" => InstallSource::Iso(location("iso")),
        other => {
            let message = format!("{} is not a type of installation", quote(other));
            let path = format!("{INSTALL}/@type");
            let fault = Fault::new("bad-install-type", kind.value_span.clone(), path, message);
            faults.add(fault.expected(choice(["url", "iso"])));
            return nothing();
        }
    };
    check_source(install, &source, faults);
    check_order(install, faults);
    Install { source, checksum: checksum(install, faults), extras: extras(install) }
}

fn check_source(install: &Element<'_>, source: &InstallSource, faults: &mut Faults) {
    let (kind, strange): (_, &[&str]) = match source {
        InstallSource::Url(_) => ("url", &["iso", "md5sum", "sha1sum", "sha256sum", "extras"]),
        InstallSource::Iso(_) => ("iso", &["url"]),
    };
    if install.child(kind).is_none() {
        let message = format!("`install` of type `{kind}` lacks `{kind}`");
        let fault = Fault::new("missing-element", install.span.clone(), INSTALL, message);
        faults.add(fault.expected(format!("`<{kind}>`")));
    }
    for child in install.children().filter(|child| strange.iter().any(|name| child.is(name))) {
        let message = format!("`{}` in an `install` of type `{kind}`", child.name);
        let path = format!("{INSTALL}/{}", child.name);
        let other = if kind == "url" { "iso" } else { "url" };
        let fault = Fault::new("install-mismatch", child.span.clone(), path, message);
        faults.add(fault.hint(format!("only `<install type=\"{other}\">` has it")));
    }
}

/// `extras` is the one element with a place: after everything else.
fn check_order(install: &Element<'_>, faults: &mut Faults) {
    let after = install.children().skip_while(|child| !child.is("extras")).skip(1);
    for child in after.filter(|child| !child.is("extras")) {
        let message = format!("`{}` after `extras`", child.name);
        let path = format!("{INSTALL}/{}", child.name);
        let fault = Fault::new("element-order", child.span.clone(), path, message);
        faults.add(fault.expected("`extras` last"));
    }
}

fn checksum(install: &Element<'_>, faults: &mut Faults) -> Option<Checksum> {
    let mut found = install.children().filter_map(|child| {
        let (_, algorithm) = CHECKSUMS.iter().find(|(name, _)| child.is(name))?;
        Some((child, *algorithm))
    });
    let (first, algorithm) = found.next()?;
    for (child, _) in found.filter(|(child, _)| child.name != first.name) {
        let message = format!("`{}` beside `{}`", child.name, first.name);
        let path = format!("{INSTALL}/{}", child.name);
        let fault = Fault::new("duplicate-element", child.span.clone(), path, message);
        let names = choice(CHECKSUMS.iter().map(|(name, _)| *name));
        faults.add(fault.expected(format!("at most one of {names}")));
    }
    let url = first.text().trim().to_owned();
    (!url.is_empty()).then_some(Checksum { algorithm, url })
}

/// All directories come first, then all files, each kind in the order of the document.
fn extras(install: &Element<'_>) -> Vec<Extra> {
    let Some(extras) = install.child("extras") else { return Vec::new() };
    let value = |extra: &Element<'_>, name| {
        extra.attribute(name).map(|attribute| attribute.value.clone()).unwrap_or_default()
    };
    let of_kind = |name, directory| {
        extras.named(name).map(move |extra| Extra {
            directory,
            source: value(extra, "source"),
            destination: value(extra, "destination"),
        })
    };
    of_kind("directory", true).chain(of_kind("file", false)).collect()
}
