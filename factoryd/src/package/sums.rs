//! `SHA256SUMS`: what a package is, and the SHA-256 of every file in it.

use super::{Error, Identity, Platform, member};
use semver::Version;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The file of digests.
pub const SUMS: &str = "SHA256SUMS";
/// The file of its signature.
pub const SIGNATURE: &str = "SHA256SUMS.minisig";

/// What the first line begins with, the number of this form included.
const HEADER: &str = "# factory-plugin 1 ";
const DIGEST_LEN: usize = 64;

/// What a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// Which plugin it is of.
    pub identity: Identity,
    /// The SHA-256 of each file, in hexadecimal digits, by its path.
    pub files: BTreeMap<String, String>,
}

impl Sums {
    /// Reads the file's text.
    ///
    /// # Errors
    /// If it does not begin with what it is of, a line is no digest and path, or a path can't be in a package or comes twice.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let fault = |line: usize, why: String| Error::Sums { line, why };
        let text = std::str::from_utf8(text).map_err(|_| fault(1, "it is not UTF-8".to_owned()))?;
        let mut lines = text.lines();
        let identity = header(lines.next().unwrap_or_default()).map_err(|why| fault(1, why))?;
        let mut files = BTreeMap::new();
        for (number, line) in lines.enumerate() {
            let (digest, path) = entry(line).map_err(|why| fault(number + 2, why))?;
            if files.insert(path.to_owned(), digest.to_owned()).is_some() {
                return Err(fault(number + 2, format!("{path:?} is there twice")));
            }
        }
        let sums = Self { identity, files };
        match sums.files.contains_key(&sums.identity.info_file()) {
            true => Ok(sums),
            false => Err(fault(1, format!("there is no {}", sums.identity.info_file()))),
        }
    }

    /// Answers the file's text.
    pub fn text(&self) -> String {
        let Identity { name, version, platform } = &self.identity;
        let mut text = format!("{HEADER}{name} {version} {platform}\n");
        for (path, digest) in &self.files {
            let _ = writeln!(text, "{digest}  {path}");
        }
        text
    }
}

/// Answers the SHA-256 of bytes, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Answers bytes in hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header(line: &str) -> Result<Identity, String> {
    let rest =
        line.strip_prefix(HEADER).ok_or_else(|| match line.starts_with("# factory-plugin ") {
            true => "it has a form that this factory does not know: a newer one may".to_owned(),
            false => format!("it does not begin with `{HEADER}NAME VERSION PLATFORM`"),
        })?;
    let words: Vec<&str> = rest.split(' ').collect();
    let [name, version, platform] = words.as_slice() else {
        return Err("it does not say name, version and platform, and no more".to_owned());
    };
    if !Identity::is_name(name) {
        return Err(format!("{name:?} is no name of a plugin that is packaged"));
    }
    let version = Version::parse(version)
        .map_err(|error| format!("{version:?} is no semantic version: {error}"))?;
    let platform: Platform =
        platform.parse().map_err(|error: super::platform::Invalid| error.to_string())?;
    Ok(Identity { name: (*name).to_owned(), version, platform })
}

/// A line of `sha256sum`: the digest, two blanks (or a blank and an asterisk), the path.
fn entry(line: &str) -> Result<(&str, &str), String> {
    let form = || "it is no SHA-256 and a path, as sha256sum writes them".to_owned();
    let (digest, rest) = line.split_at_checked(DIGEST_LEN).ok_or_else(form)?;
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !digest.bytes().all(hexadecimal) {
        return Err(form());
    }
    let path = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *")).ok_or_else(form)?;
    match member::fault(path) {
        _ if [SUMS, SIGNATURE].contains(&path) => Err(format!("{path:?} can't be listed")),
        Some(why) => Err(format!("{path:?} can't be in a package: {why}")),
        None => Ok((digest, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    fn text(lines: &[&str]) -> String {
        let head = ["# factory-plugin 1 x 1.2.3 linux/amd64"];
        head.iter().chain(lines).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_list_reads_as_it_is_written() {
        let written = text(&[&format!("{A}  factory-plugin-x"), &format!("{A}  x.info")]);
        let sums = Sums::parse(written.as_bytes()).unwrap();
        assert_eq!(sums.identity.to_string(), "x 1.2.3 (linux/amd64)");
        assert_eq!(sums.files["x.info"], A);
        assert_eq!(sums.text(), written);
        assert_eq!(sha256(b"a"), A);
        let binary = text(&[&format!("{A} *x.info")]);
        assert_eq!(Sums::parse(binary.as_bytes()).unwrap().files.len(), 1);
    }

    #[test]
    fn what_is_no_list_or_could_mean_two_things_is_refused() {
        let info = format!("{A}  x.info");
        for (lines, why) in [
            (vec![], "there is no x.info"),
            (vec![info.as_str(), &info], "twice"),
            (vec![&info, "abc  y"], "no SHA-256"),
            (vec![&info, &format!("{A}  ../y")], "a part `.` or `..`"),
            (vec![&info, &format!("{A}  /y")], "absolute"),
            (vec![&info, &format!("{A}  SHA256SUMS")], "can't be listed"),
            (vec![&info, &format!("{}  y", A.to_uppercase())], "no SHA-256"),
            (vec![&info, ""], "no SHA-256"),
            (vec![&info, &format!("{}ü y", &A[..63])], "no SHA-256"),
        ] {
            let error = Sums::parse(text(&lines).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{lines:?}: {error}");
        }
        for (header, why) in [
            ("", "does not begin with"),
            ("# factory-plugin 2 x 1.0.0 any", "a newer one may"),
            ("# factory-plugin 1 x 1.0.0", "and no more"),
            ("# factory-plugin 1 ../x 1.0.0 any", "no name of a plugin"),
            ("# factory-plugin 1 x 1.0 any", "no semantic version"),
            ("# factory-plugin 1 x 1.0.0 pdp11", "no platform"),
        ] {
            let error = Sums::parse(header.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{header:?}: {error}");
        }
        assert!(Sums::parse(b"\xff").is_err());
    }
}
