//! What a target image gets beyond its base image, besides what its cloud wants: packages, and where they come from.

use super::check;
use crate::inside::{Plan, RepositoryFile};
use factory_plugin_sdk::{Failure, Template, proto};

/// Packages and repositories to add.
#[derive(Debug, Default)]
pub(crate) struct Additions {
    packages: Vec<String>,
    repositories: Vec<RepositoryFile>,
    unverified_hosts: Vec<String>,
}

impl Additions {
    /// Finds what a template adds to that of the base image. For packages the base's repositories are needed again, since
    /// not all of them are in it any more; without packages only new ones matter.
    ///
    /// # Errors
    /// If a name or URL can't be used.
    pub(crate) fn read(template: &Template, base: &Template) -> Result<Self, Failure> {
        let needed = |one: &&proto::Repository| {
            !template.packages.is_empty() || !base.repositories.contains(one)
        };
        let needed: Vec<_> = template.repositories.iter().filter(needed).cloned().collect();
        let (repositories, refused) = check::repositories(&needed);
        let wrong = check::packages(&template.packages).into_iter().chain(refused).next();
        wrong.map_or(Ok(()), Err)?;
        Ok(Self {
            packages: template.packages.iter().map(|package| package.name.clone()).collect(),
            repositories,
            unverified_hosts: check::unverified_hosts(&needed),
        })
    }

    /// Tells whether nothing is added.
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.repositories.is_empty()
    }

    /// Adds them to a plan.
    pub(crate) fn into_plan(self, plan: Plan) -> Plan {
        Plan {
            later_packages: self.packages,
            repositories: self.repositories,
            unverified_hosts: self.unverified_hosts,
            ..plan
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(packages: &[&str], repositories: &[&str]) -> Template {
        let package =
            |name: &&str| proto::Package { name: (*name).to_owned(), ..Default::default() };
        let repository = |name: &&str| proto::Repository {
            name: (*name).to_owned(),
            url: "https://example.org/r".to_owned(),
            ..Default::default()
        };
        Template {
            packages: packages.iter().map(package).collect(),
            repositories: repositories.iter().map(repository).collect(),
            ..Default::default()
        }
    }

    fn repositories(template: &Template, base: &Template) -> Vec<String> {
        let additions = Additions::read(template, base).unwrap();
        additions.repositories.into_iter().map(|one| one.file).collect()
    }

    #[test]
    fn the_bases_repositories_are_used_again_for_packages_only() {
        let base = template(&[], &["a"]);
        assert!(Additions::read(&base, &base).unwrap().is_empty());
        assert_eq!(repositories(&template(&[], &["a", "b"]), &base), ["b.sources"]);
        assert_eq!(repositories(&template(&["nginx"], &["a"]), &base), ["a.sources"]);
        assert!(Additions::read(&template(&["-o=x"], &[]), &base).is_err());
    }
}
