//! What an operating system says of itself, and what templates call it.
//!
//! The names are Image Factory's where it has one: `RHEL-7` with the minor release as version, `Fedora`, `Ubuntu`,
//! `Debian`. Its successors' systems have names in the same manner; all others are called as they call themselves.

use std::collections::HashMap;

/// A system's name and version, as a template has them.
pub(super) type Named = (String, String);

/// Longer words, in characters, are nobody's name.
const WORD_LEN_MAX: usize = 64;

/// What a system's files say.
#[derive(Debug, Default)]
pub(super) struct Release {
    /// `/etc/os-release`.
    pub(super) os_release: Option<String>,
    /// `/etc/redhat-release`: a sentence such as `CentOS release 6.10 (Final)`.
    pub(super) redhat_release: Option<String>,
    /// `/etc/debian_version`: `6.0.10`, or `trixie/sid`.
    pub(super) debian_version: Option<String>,
}

impl Release {
    /// Tells whether there is anything to go by.
    pub(super) fn is_empty(&self) -> bool {
        self.os_release.is_none() && self.redhat_release.is_none() && self.debian_version.is_none()
    }

    /// Answers the name and version for a template; `None` if the files say nothing that makes sense.
    pub(super) fn named(&self) -> Option<Named> {
        let named = match &self.os_release {
            Some(text) => self.of_fields(&fields(text)),
            None => self.of_old_files(),
        };
        named.filter(|(name, version)| is_word(name) && is_word(version))
    }

    fn of_fields(&self, fields: &HashMap<String, String>) -> Option<Named> {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let id = field("ID").to_ascii_lowercase();
        let version = field("VERSION_ID");
        let major = || version.split('.').next().unwrap_or_default().to_owned();
        Some(match id.as_str() {
            "centos" if field("NAME").contains("Stream") => ("CentOS-Stream".into(), version),
            "rhel" | "centos" | "scientific" => self.red_hat(&version),
            "fedora" => ("Fedora".into(), major()),
            "ubuntu" => ("Ubuntu".into(), version),
            "debian" if version.is_empty() => ("Debian".into(), field("VERSION_CODENAME")),
            "debian" => ("Debian".into(), major()),
            "almalinux" => ("AlmaLinux".into(), version),
            "rocky" => ("Rocky".into(), version),
            "opensuse-leap" | "opensuse" => ("openSUSE".into(), version),
            "opensuse-tumbleweed" => ("openSUSE-Tumbleweed".into(), version),
            "" => return None,
            _ if version.is_empty() => (field("ID"), "rolling".into()),
            _ => (field("ID"), version),
        })
    }

    /// `RHEL-7` and `9`. CentOS 7 keeps its minor release in another file.
    fn red_hat(&self, version: &str) -> Named {
        let told = self.redhat_release.as_deref().and_then(number).unwrap_or_default();
        let version =
            if version.contains('.') || !told.starts_with(version) { version } else { &told };
        let (major, rest) = version.split_once('.').unwrap_or((version, "0"));
        let minor = rest.split('.').next().unwrap_or("0");
        (format!("RHEL-{major}"), minor.to_owned())
    }

    fn of_old_files(&self) -> Option<Named> {
        if let Some(text) = &self.redhat_release {
            let number = number(text)?;
            let major = number.split('.').next().unwrap_or_default().to_owned();
            return Some(if text.starts_with("Fedora") {
                ("Fedora".into(), major)
            } else {
                self.red_hat(&number)
            });
        }
        let version = self.debian_version.as_deref()?.trim();
        let name = version.split(['.', '/']).next().unwrap_or_default();
        Some(("Debian".into(), name.to_owned()))
    }
}

/// Reads `KEY=value` lines, with or without quotes (os-release(5)).
fn fields(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), unquoted(value.trim()))).collect()
}

fn unquoted(value: &str) -> String {
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    match quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote)) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\\\", "\\"),
        None => value.to_owned(),
    }
}

/// The first word that begins with a digit: the number of a release.
fn number(sentence: &str) -> Option<String> {
    let word =
        sentence.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    word.map(|word| word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect())
}

fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-~: ".contains(c);
    !text.is_empty() && text.len() <= WORD_LEN_MAX && text.trim() == text && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(os_release: &str, redhat_release: &str) -> Option<(String, String)> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let release = Release {
            os_release: text(os_release),
            redhat_release: text(redhat_release),
            debian_version: None,
        };
        release.named()
    }

    #[test]
    fn systems_have_the_names_that_templates_use() {
        for (id, version, more, redhat, expected) in [
            ("rhel", "9.4", "", "", ("RHEL-9", "4")),
            ("rhel", "8", "", "", ("RHEL-8", "0")),
            (
                "centos",
                "7",
                "NAME=\"CentOS Linux\"",
                "CentOS Linux release 7.9.2009 (Core)",
                ("RHEL-7", "9"),
            ),
            (
                "centos",
                "9",
                "NAME='CentOS Stream'",
                "CentOS Stream release 9",
                ("CentOS-Stream", "9"),
            ),
            ("scientific", "7.9", "", "", ("RHEL-7", "9")),
            ("fedora", "41", "", "", ("Fedora", "41")),
            ("ubuntu", "22.04", "", "", ("Ubuntu", "22.04")),
            ("debian", "12", "", "", ("Debian", "12")),
            ("debian", "", "VERSION_CODENAME=trixie", "", ("Debian", "trixie")),
            ("almalinux", "9.3", "", "", ("AlmaLinux", "9.3")),
            ("rocky", "9.3", "", "", ("Rocky", "9.3")),
            ("opensuse-leap", "15.6", "", "", ("openSUSE", "15.6")),
            ("opensuse-tumbleweed", "20250101", "", "", ("openSUSE-Tumbleweed", "20250101")),
            ("arch", "", "", "", ("arch", "rolling")),
            ("alpine", "3.20.1", "", "", ("alpine", "3.20.1")),
        ] {
            let text = format!("ID={id}\nVERSION_ID=\"{version}\"\n{more}\n");
            let expected = Some((expected.0.to_owned(), expected.1.to_owned()));
            assert_eq!(named(&text, redhat), expected, "{text}");
        }
    }

    #[test]
    fn systems_from_before_os_release_are_known_too() {
        let old = |redhat: &str| named("", redhat);
        let pair = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(old("CentOS release 6.10 (Final)\n"), pair("RHEL-6", "10"));
        assert_eq!(
            old("Red Hat Enterprise Linux Server release 5.11 (Tikanga)"),
            pair("RHEL-5", "11")
        );
        assert_eq!(old("Fedora release 12 (Constantine)"), pair("Fedora", "12"));
        let debian = |version: &str| {
            Release { debian_version: Some(version.to_owned()), ..Release::default() }.named()
        };
        assert_eq!(debian("6.0.10\n"), pair("Debian", "6"));
        assert_eq!(debian("lenny/sid\n"), pair("Debian", "lenny"));
    }

    #[test]
    fn what_is_no_name_names_nothing() {
        for text in [
            "",
            "ID=\nVERSION_ID=1",
            "ID=<os>\nVERSION_ID=1",
            "ID=\u{1b}[2J\nVERSION_ID=1",
            "NAME=x",
            &format!("ID={}\nVERSION_ID=1", "x".repeat(65)),
        ] {
            assert_eq!(named(text, ""), None, "{text}");
        }
        assert_eq!(
            Release { debian_version: Some("\n".into()), ..Release::default() }.named(),
            None
        );
    }
}
