//! Updating: from the registry that a plugin came from, to the newest version there.

use super::install::version_of_tag;
use super::{Distribution, Error, Installed, Request, Source};
use crate::plugin::Pinned;
use semver::Version;
use tokio_util::sync::CancellationToken;

/// Which plugins are updated, and how.
#[derive(Debug, Clone, Default)]
pub struct Updating {
    /// The plugins; none: all that are installed.
    pub names: Vec<String>,
    /// Whether it is known and wanted that nobody signed them.
    pub unsigned: bool,
    /// Whether to stop before anything is changed.
    pub dry_run: bool,
}

/// What became of one.
#[derive(Debug)]
pub enum Outcome {
    /// There is no newer version.
    Newest {
        /// The plugin.
        name: String,
        /// Its version.
        version: String,
    },
    /// It was not installed from where newer ones could be looked for.
    NoRegistry {
        /// The plugin.
        name: String,
        /// What it was installed from.
        source: String,
    },
    /// It was replaced.
    Updated(Box<Installed>),
}

impl Distribution {
    /// Updates plugins, one after the other.
    ///
    /// # Errors
    /// If one is not installed, before any is updated; or if one can't be updated: that one and those after it are as before.
    pub async fn update(
        &self,
        updating: &Updating,
        stop: &CancellationToken,
    ) -> Result<Vec<Outcome>, Error> {
        let shelf = self.shelf()?;
        let names = if updating.names.is_empty() { shelf.names()? } else { updating.names.clone() };
        let pins = self.pins.packaged().map_err(Error::Pins)?;
        let mut found = Vec::new();
        for name in &names {
            let current = shelf.current(name).ok_or_else(|| self.not_installed(&shelf, name))?;
            let pin = pins.iter().find(|pin| pin.name == *name && pin.directory == current);
            found.push(pin.ok_or_else(|| self.not_installed(&shelf, name))?);
        }
        let mut outcomes = Vec::new();
        for pin in found {
            let outcome = match self.newer(pin).await? {
                Newer::NoRegistry => Outcome::NoRegistry {
                    name: pin.name.clone(),
                    source: pin.origin.source.clone(),
                },
                Newer::None => newest(pin),
                Newer::At(source) => {
                    let request = Request {
                        source,
                        unsigned: updating.unsigned,
                        downgrade: false,
                        dry_run: updating.dry_run,
                        name: Some(pin.name.clone()),
                    };
                    let installed = self.install_on(&shelf, &request, stop).await?;
                    let same = installed.was_there;
                    if same { newest(pin) } else { Outcome::Updated(Box::new(installed)) }
                }
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn newer(&self, pin: &Pinned) -> Result<Newer, Error> {
        let source: Source = pin.origin.source.parse()?;
        let Some(tag) = source.tag() else { return Ok(Newer::NoRegistry) };
        if version_of_tag(tag).is_none() {
            // A tag that is led elsewhere, such as `stable`.
            return Ok(Newer::At(source));
        }
        let Ok(current) = Version::parse(&pin.origin.version) else { return Ok(Newer::None) };
        let tags = self.tags(&source).await?;
        Ok(newest_tag(&tags, &current).map_or(Newer::None, |tag| Newer::At(source.with_tag(tag))))
    }
}

enum Newer {
    NoRegistry,
    None,
    At(Source),
}

fn newest(pin: &Pinned) -> Outcome {
    Outcome::Newest { name: pin.name.clone(), version: pin.origin.version.clone() }
}

/// Finds the tag of the newest version after this one. Releases are never updated to what comes before a release.
fn newest_tag<'a>(tags: &'a [String], current: &Version) -> Option<&'a str> {
    let versions = tags.iter().filter_map(|tag| Some((version_of_tag(tag)?, tag.as_str())));
    let newer = versions.filter(|(version, _)| {
        current < version && (version.pre.is_empty() || !current.pre.is_empty())
    });
    newer.max_by(|one, other| one.0.cmp(&other.0)).map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_is_found_among_tags() {
        let tags = ["latest", "v1.2.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "1.9.0-linux"];
        let tags = tags.map(str::to_owned);
        let newest = |current: &str| newest_tag(&tags, &current.parse().unwrap());
        assert_eq!(newest("1.0.0"), Some("1.10.0"), "by numbers, not letters");
        assert_eq!(newest("1.10.0"), None);
        assert_eq!(newest("2.0.0-beta.1"), Some("2.0.0-rc.1"));
        assert_eq!(newest("3.0.0"), None);
    }
}
