//! The original's OAuth clients, on their way from one file into another: nobody else sees their secrets.

use super::toml;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

/// The secret that came with the original and is known to everybody.
const PUBLISHED: &str = "mock-secret";

/// Names and secrets.
#[derive(Default)]
pub(in crate::config) struct Clients(Vec<(String, String)>);

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clients({})", self.0.len())
    }
}

impl Clients {
    /// Takes a client, or says why not.
    pub(super) fn add(&mut self, name: &str, secret: &str) -> Result<(), &'static str> {
        match (name, secret) {
            (_, PUBLISHED) => Err("its secret was published with Image Factory; give it a new one"),
            ("", _) => Err("it has no name"),
            (_, "") => Err("it has no secret"),
            _ => {
                self.0.push((name.to_owned(), secret.to_owned()));
                Ok(())
            }
        }
    }

    /// Tells whether there is any.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes a new file that only its owner may read. Each client may do what the original let it do.
    ///
    /// # Errors
    /// If the file is there already, or can't be written; then there is none.
    pub(in crate::config) fn write(&self, path: &Path) -> io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        // Temporary files are their owner's alone.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        for (name, secret) in &self.0 {
            let (name, secret) = (toml::quoted(name), toml::quoted(secret));
            writeln!(file, "[clients.{name}]\nsecret = {secret}\nrole = \"builder\"\n")?;
        }
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        Ok(())
    }
}
