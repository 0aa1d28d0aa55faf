//! `template/packages`.

use super::values::{name_of, optional_text};
use super::xml::Element;
use crate::domain::Package;

/// Reads `packages`, in document order; a name may come more than once.
pub(super) fn read(packages: &Element<'_>) -> Vec<Package> {
    packages.named("package").map(one).collect()
}

/// Reads one `package`.
pub(super) fn one(package: &Element<'_>) -> Package {
    Package {
        name: name_of(package),
        repository: optional_text(package, "repository"),
        file: optional_text(package, "file"),
        arguments: optional_text(package, "arguments"),
    }
}
