//! Where packages come from: apt sources, read from either style, chosen for a release, and written as deb822.

mod host;
mod parse;

pub(crate) use host::host_sources;
pub(crate) use parse::{parse_deb822, parse_one_line_file};

use crate::release::Release;
use factory_plugin_sdk::{Failure, Fault, proto};

/// One `deb` source. Fields that this plugin does not look at are kept as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// `URIs`.
    pub(crate) uris: Vec<String>,
    /// `Suites`; one that ends in `/` is a flat repository.
    pub(crate) suites: Vec<String>,
    /// `Components`; none for a flat repository.
    pub(crate) components: Vec<String>,
    /// Every other field, such as `Signed-By`, in order; lines after the first start with a blank.
    pub(crate) fields: Vec<(String, String)>,
}

impl Source {
    /// Makes the source of `os/install/url`: `URL`, or `URL SUITE COMPONENT…`. Signed by the distribution's archive key.
    ///
    /// # Errors
    /// If it is empty or no URL.
    pub(crate) fn from_mirror(text: &str, release: &Release) -> Result<Self, Failure> {
        let words: Vec<_> = text.split_whitespace().collect();
        let wrong = || {
            Failure::new(Fault::User, "INVALID_MIRROR", format!("{text:?} is not a mirror's URL"))
                .hint("give a URL such as http://mirror.example.org/debian, or apt:host")
                .path("template/os/install/url")
        };
        let (uri, rest) = words.split_first().filter(|(uri, _)| is_url(uri)).ok_or_else(wrong)?;
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let (suites, components) = match rest {
            [] => (vec![release.codename.to_owned()], vec![]),
            [suite, components @ ..] => (vec![(*suite).to_owned()], owned(components)),
        };
        let components = match components.as_slice() {
            [] => owned(release.distribution.default_components()),
            _ => components,
        };
        let signed_by = ("Signed-By".to_owned(), release.distribution.keyring().to_owned());
        Ok(Self { uris: vec![(*uri).to_owned()], suites, components, fields: vec![signed_by] })
    }

    /// Makes the source of a template's repository: `URL SUITE COMPONENT…`, or a URL alone for a flat one, each with
    /// one-line style options before it if need be.
    ///
    /// # Errors
    /// If it can't be read as either.
    pub(crate) fn from_repository(repository: &proto::Repository) -> Result<Self, String> {
        let text = repository.url.trim();
        let flat = text.split_whitespace().count() == 1;
        let line = if flat { format!("deb {text} ./") } else { format!("deb {text}") };
        let mut source = parse::parse_one_line(&line)
            .filter(|source| source.uris.iter().all(|uri| is_url(uri)))
            .ok_or_else(|| format!("{text:?} is neither a URL nor `URL suite component…`"))?;
        if !repository.signed {
            source.set("Trusted", "yes");
        }
        Ok(source)
    }

    /// Answers a field's value.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Answers the key file that it is signed with, if it names one (a key may also be inline).
    pub(crate) fn key_file(&self) -> Option<&str> {
        self.field("Signed-By").map(str::trim).filter(|path| path.starts_with('/'))
    }

    /// Answers where its signed indexes are.
    pub(crate) fn release_files(&self) -> Vec<String> {
        let suites = |uri: &str| {
            let uri = uri.trim_end_matches('/').to_owned();
            self.suites.iter().map(move |suite| match suite.strip_suffix('/') {
                Some(flat) => format!("{uri}/{flat}/InRelease"),
                None => format!("{uri}/dists/{suite}/InRelease"),
            })
        };
        self.uris.iter().flat_map(|uri| suites(uri)).collect()
    }

    /// Answers the names of the hosts it is fetched from.
    pub(crate) fn hosts(&self) -> Vec<&str> {
        self.uris.iter().filter_map(|uri| host_of(uri)).collect()
    }

    /// Writes it as a deb822 paragraph, with an empty line at its end.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("Types: deb\nURIs: {}\n", self.uris.join(" "));
        text += &format!("Suites: {}\n", self.suites.join(" "));
        if !self.components.is_empty() {
            text += &format!("Components: {}\n", self.components.join(" "));
        }
        for (name, value) in &self.fields {
            // A field whose value starts on the next line (an inline key) has no text after its colon.
            let space = if value.starts_with('\n') { "" } else { " " };
            text += &format!("{name}:{space}{value}\n");
        }
        text + "\n"
    }
}

fn is_url(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let known = ["http", "https", "file", "copy", "mirror", "mirror+http", "mirror+https", "cdrom"];
    known.contains(&scheme.to_ascii_lowercase().as_str())
}

fn host_of(uri: &str) -> Option<&str> {
    let rest = uri.split_once("://")?.1;
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bookworm() -> Release {
        Release::find("Debian", "12").unwrap()
    }

    fn repository(url: &str, signed: bool) -> proto::Repository {
        proto::Repository { name: "extra".into(), url: url.into(), signed, ..Default::default() }
    }

    #[test]
    fn a_mirror_alone_serves_the_release_and_its_main_component() {
        let source =
            Source::from_mirror(" http://mirror.example.org/debian ", &bookworm()).unwrap();
        let expected = "Types: deb\nURIs: http://mirror.example.org/debian\nSuites: bookworm\n\
            Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n";
        assert_eq!(source.render(), expected);
    }

    #[test]
    fn a_mirror_may_name_suite_and_components() {
        let text = "https://mirror.example.org/debian bookworm-backports main contrib";
        let source = Source::from_mirror(text, &bookworm()).unwrap();
        assert_eq!(source.suites, ["bookworm-backports"]);
        assert_eq!(source.components, ["main", "contrib"]);
    }

    #[test]
    fn what_is_no_url_is_no_mirror() {
        for text in ["", "debian", "apt:hots", "/srv/mirror"] {
            let failure = Source::from_mirror(text, &bookworm()).unwrap_err();
            assert_eq!(failure.as_proto().unwrap().path, "template/os/install/url", "{text}");
        }
    }

    #[test]
    fn a_repository_is_flat_when_its_url_stands_alone() {
        let source = Source::from_repository(&repository("http://example.org/r", false)).unwrap();
        let expected = "Types: deb\nURIs: http://example.org/r\nSuites: ./\nTrusted: yes\n\n";
        assert_eq!(source.render(), expected);
        assert_eq!(source.release_files(), ["http://example.org/r/./InRelease"]);
    }

    #[test]
    fn a_signed_repository_keeps_its_key_and_is_not_trusted_blindly() {
        let text =
            "[signed-by=/etc/apt/keyrings/x.asc arch=amd64] https://example.org/r stable main";
        let source = Source::from_repository(&repository(text, true)).unwrap();
        assert_eq!(source.key_file(), Some("/etc/apt/keyrings/x.asc"));
        assert_eq!(source.field("architectures"), Some("amd64"));
        assert_eq!(source.field("trusted"), None);
    }

    #[test]
    fn a_repository_without_a_url_is_refused() {
        assert!(Source::from_repository(&repository("stable main", true)).is_err());
        assert!(Source::from_repository(&repository("", true)).is_err());
    }

    #[test]
    fn the_host_of_a_uri_is_found_without_user_and_port() {
        assert_eq!(host_of("https://me:secret@example.org:8443/debian"), Some("example.org"));
        assert_eq!(host_of("http://[::1]:80/debian"), Some("::1"));
        assert_eq!(host_of("file:///srv/mirror"), None);
    }
}
