//! The file of OAuth clients: `[clients.NAME]`, `secret = "…"`, `role = "…"`.

use crate::domain::{InvalidRole, Role, Secret};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file of clients, in bytes.
const LEN_MAX: u64 = 1024 * 1024;

/// A file of clients that can't be used. No text shows what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("can't read the OAuth clients in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its secrets are none.
    #[error(
        "the OAuth clients in {} are secrets, and others may read the file; run `chmod 600 {}`",
        .0.display(), .0.display()
    )]
    Readable(PathBuf),
    /// It is written wrong.
    #[error("the OAuth clients in {}, line {line}: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A client is not as it must be.
    #[error("the OAuth clients in {}: client {client}: {why}", path.display())]
    Client {
        /// The file.
        path: PathBuf,
        /// The client.
        client: String,
        /// What is wrong.
        why: String,
    },
}

/// A client as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) secret: Secret,
    pub(super) role: Role,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    clients: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    secret: String,
    role: String,
}

/// Reads the file, which must be readable by its owner alone.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Entry>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(FileError::Readable(path.to_owned()));
    }
    let mut text = String::new();
    file.take(LEN_MAX).read_to_string(&mut text).map_err(failed)?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<BTreeMap<String, Entry>, FileError> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        // The error itself would quote the line, and with it a secret.
        FileError::Syntax { path: path.to_owned(), line, why: error.message().to_owned() }
    })?;
    let entry = |(name, table): (String, Table)| match entry(&name, table) {
        Ok(entry) => Ok((name, entry)),
        Err(why) => Err(FileError::Client { path: path.to_owned(), client: name, why }),
    };
    document.clients.into_iter().map(entry).collect()
}

fn entry(name: &str, table: Table) -> Result<Entry, String> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("its name must be printable".to_owned());
    }
    if table.secret.is_empty() {
        return Err("its secret is empty".to_owned());
    }
    let role = table.role.parse().map_err(|error: InvalidRole| error.to_string())?;
    Ok(Entry { secret: Secret::new(table.secret), role })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn message(text: &str) -> String {
        parse(Path::new("c.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn clients_have_secrets_and_roles() {
        let text = "[clients.ci]\nsecret = \"s\"\nrole = \"builder\"\n[clients.\"a b\"]\nsecret='t'\nrole='viewer'";
        let clients = parse(Path::new("c.toml"), text).unwrap();
        assert_eq!(clients["ci"], Entry { secret: Secret::new("s"), role: Role::Builder });
        assert_eq!(clients["a b"].role, Role::Viewer);
        assert!(parse(Path::new("c.toml"), "").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_a_secret() {
        let cases = [
            ("[clients.ci]\nsecret = hunter2\n", "the OAuth clients in c.toml, line 2: "),
            (
                "[clients.ci]\nrole = 'admin'\n",
                "the OAuth clients in c.toml, line 1: missing field",
            ),
            (
                "[clients.ci]\nsecret='hunter2'\nrole='admin'\nx=1",
                "the OAuth clients in c.toml, line 4: ",
            ),
            (
                "[clients.ci]\nsecret=''\nrole='admin'",
                "the OAuth clients in c.toml: client ci: its secret",
            ),
            (
                "[clients.ci]\nsecret='hunter2'\nrole='root'",
                "the OAuth clients in c.toml: client ci: `root`",
            ),
        ];
        for (text, expected) in cases {
            let message = message(text);
            assert!(message.starts_with(expected), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clients.toml");
        std::fs::write(&path, "[clients.ci]\nsecret='s'\nrole='viewer'").unwrap();
        for (mode, right) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), right, "{mode:o}");
        }
        let missing = read(&directory.path().join("missing")).unwrap_err();
        assert!(missing.to_string().starts_with("can't read the OAuth clients in "), "{missing}");
    }
}
