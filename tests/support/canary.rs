//! Canaries: secrets that are given to a factory, and looked for wherever it could have put them.

use super::leftovers::files_in;
use aho_corasick::AhoCorasick;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Shorter lines of a canary, in bytes, are not looked for by themselves.
const LINE_LEN_MIN: usize = 8;

/// Secrets, by what each is of.
pub(crate) struct Canaries {
    needles: Vec<(String, Vec<u8>)>,
    automaton: AhoCorasick,
}

impl Canaries {
    /// Makes them of names and values.
    pub(crate) fn new(secrets: &[(&str, &str)]) -> Self {
        let mut needles = Vec::new();
        for (name, secret) in secrets {
            let forms = forms(secret).into_iter();
            needles.extend(forms.map(|(form, text)| (format!("{name} ({form})"), text)));
        }
        let automaton = AhoCorasick::new(needles.iter().map(|(_, text)| text)).unwrap();
        Self { needles, automaton }
    }

    /// Lists what was found in some bytes: where, which secret in which form, and what is around it.
    pub(crate) fn hits(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let found = self.automaton.find_overlapping_iter(bytes).map(|hit| {
            let around = &bytes[hit.start().saturating_sub(60)..bytes.len().min(hit.end() + 30)];
            (hit.pattern(), String::from_utf8_lossy(around).into_owned())
        });
        let first: std::collections::BTreeMap<_, _> = found.collect();
        let name = |pattern: aho_corasick::PatternID| &self.needles[pattern.as_usize()].0;
        first.into_iter().map(|(it, near)| format!("{place}: {}: …{near:?}…", name(it))).collect()
    }

    /// Lists what was found in files below a directory, in their names and in them, but for those that `skip` names.
    pub(crate) fn in_files(&self, directory: &Path, skip: impl Fn(&Path) -> bool) -> Vec<String> {
        let mut hits = Vec::new();
        for file in files_in(directory) {
            let name = file.display().to_string();
            hits.extend(self.hits(&format!("the name of {name}"), name.as_bytes()));
            // Sockets can't be read, and files of work come and go.
            if let Some(bytes) = (!skip(&file)).then(|| fs::read(&file).ok()).flatten() {
                hits.extend(self.hits(&name, &bytes));
            }
        }
        hits
    }

    /// Lists what was found in the arguments and the environment of processes.
    pub(crate) fn in_processes(&self, pids: &[String]) -> BTreeSet<String> {
        let mut hits = BTreeSet::new();
        for pid in pids {
            for what in ["cmdline", "environ", "comm"] {
                let bytes = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
                hits.extend(self.hits(&format!("{what} of process {pid}"), &bytes));
            }
        }
        hits
    }
}

/// Answers the forms in which a secret can stand somewhere. Written apart from what hides them, so as not to share its mistakes.
fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms: Vec<(&'static str, Vec<u8>)> = vec![("as it is", secret.into())];
    let lines = secret.lines().map(str::trim).filter(|line| LINE_LEN_MIN <= line.len());
    let lines = lines.filter(|line| !line.starts_with("-----"));
    forms.extend(lines.map(|line| ("a line of it", line.into())));
    let quoted = serde_json::to_string(secret).unwrap();
    forms.push(("in JSON", quoted[1..quoted.len() - 1].into()));
    let twice = serde_json::to_string(&quoted).unwrap();
    forms.push(("in JSON in JSON", twice[3..twice.len() - 3].into()));
    for (name, keep) in
        [("in a URL", &b"-._~"[..]), ("in a path", b"-._~/"), ("in a form", b"-._~ ")]
    {
        for upper in [true, false] {
            let text = percent(secret, keep, upper);
            forms.push((name, text.replace(' ', "+").into()));
        }
    }
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.push(("in hexadecimal", hexadecimal.to_uppercase().into()));
    forms.push(("in hexadecimal", hexadecimal.into()));
    for shift in 0..3 {
        let (standard, url_safe) = (ALPHABETS[0], ALPHABETS[1]);
        forms.push(("in base64", base64(secret.as_bytes(), shift, standard)));
        forms.push(("in URL-safe base64", base64(secret.as_bytes(), shift, url_safe)));
    }
    forms
}

const ALPHABETS: [&[u8; 64]; 2] = [
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

fn percent(secret: &str, keep: &[u8], upper: bool) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || keep.contains(&byte) => {
            char::from(byte).to_string()
        }
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    secret.bytes().map(encode).collect()
}

/// The characters of base64 that only the secret decides, if it begins `shift` bytes after a multiple of three.
fn base64(secret: &[u8], shift: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bits: Vec<bool> = std::iter::repeat_n(0_u8, shift)
        .chain(secret.iter().copied())
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    let whole =
        bits.chunks_exact(6).map(|six| six.iter().fold(0, |n, bit| n * 2 + usize::from(*bit)));
    let characters: Vec<u8> = whole.map(|value| alphabet[value]).collect();
    characters[(shift * 8).div_ceil(6)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::patience::look_until;
    use std::time::Duration;

    /// Made by `base64`, `jq -Rr @json`, `jq -Rr @uri` and `xxd -p`, not by what is tested.
    const PLANTED: [(&str, &str); 8] = [
        ("as it is", "x hunter2/ä+\"9 y"),
        ("in JSON", "{\"a\": \"hunter2/ä+\\\"9\"}"),
        ("in JSON in JSON", "\"{\\\"a\\\": \\\"hunter2/ä+\\\\\\\"9\\\"}\""),
        ("in a URL", "?a=hunter2%2F%C3%A4%2B%229&b"),
        ("in a path", "/hunter2/%C3%A4%2B%229/"),
        ("in hexadecimal", "0068756e746572322fc3a42b223900"),
        ("in base64", "aHVudGVyMi/DpCsiOQ=="),
        ("in base64", "dXNlcjpodW50ZXIyL8OkKyI5Cg=="),
    ];

    #[test]
    fn a_canary_is_found_in_each_form_and_nowhere_else() {
        let canaries =
            Canaries::new(&[("password", "hunter2/ä+\"9"), ("key", "line-one-1\nline-two-2")]);
        for (form, text) in PLANTED {
            let hits = canaries.hits("planted", text.as_bytes());
            assert!(hits.iter().any(|hit| hit.contains(form)), "{form} in {text}: {hits:?}");
        }
        assert!(!canaries.hits("planted", b"an error near line-two-2").is_empty());
        assert_eq!(canaries.hits("clean", b"hunter3 line-three %2B aHVudGVy"), [""; 0]);
    }

    #[test]
    fn a_canary_is_found_in_files_their_names_and_processes() {
        let canaries = Canaries::new(&[("password", "planted-canary-1")]);
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("planted-canary-1"), "").unwrap();
        fs::create_dir(directory.path().join("sub")).unwrap();
        fs::write(directory.path().join("sub/body"), "\0planted-canary-1").unwrap();
        let places = |hits: Vec<String>| {
            let places = hits.iter().map(|hit| hit.split(": ").next().unwrap().to_owned());
            places.collect::<BTreeSet<_>>().len()
        };
        assert_eq!(places(canaries.in_files(directory.path(), |_| false)), 2);
        assert_eq!(places(canaries.in_files(directory.path(), |file| file.ends_with("body"))), 1);
        let mut child = std::process::Command::new("sleep");
        let mut child = child.arg("60").env("CANARY", "planted-canary-1").spawn().unwrap();
        // A process has its environment a moment after it is there.
        let pids = [child.id().to_string()];
        let found = || Some(canaries.in_processes(&pids)).filter(|hits| !hits.is_empty());
        let hits = look_until(Duration::from_secs(10), found).unwrap_or_default();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(hits.iter().all(|hit| hit.starts_with("environ of process ")), "{hits:?}");
        assert!(!hits.is_empty());
    }
}
