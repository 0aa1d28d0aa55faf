//! The file of OAuth clients: `[clients.NAME]`, `secret = "…"`, `role = "…"`.

use crate::domain::{InvalidRole, Role, Secret};
use crate::secret_file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file of clients that can't be used. No text shows what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read, or others may read it, or it is written wrong.
    #[error("can't use the OAuth clients")]
    File(#[from] secret_file::Error),
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
    parse(path, &secret_file::read(path)?)
}

fn parse(path: &Path, text: &str) -> Result<BTreeMap<String, Entry>, FileError> {
    let document: Document = secret_file::parse(path, text)?;
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
    use crate::report::chain;

    fn message(text: &str) -> String {
        chain(&parse(Path::new("c.toml"), text).unwrap_err()).to_string()
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
            ("[clients.ci]\nsecret = hunter2\n", "can't use the OAuth clients: c.toml, line 2: "),
            (
                "[clients.ci]\nrole = 'admin'\n",
                "can't use the OAuth clients: c.toml, line 1: missing field",
            ),
            (
                "[clients.ci]\nsecret='hunter2'\nrole='admin'\nx=1",
                "can't use the OAuth clients: c.toml, line 4: ",
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
}
