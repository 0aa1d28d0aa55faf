//! `factoryd config translate`: Image Factory's configuration as a settings file.

use super::problem::{Error, Problem, Spot};
use super::{file, original};
use std::path::Path;

/// A translated configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The settings file.
    pub toml: String,
    /// What is lost, and what to do instead; one line each.
    pub warnings: Vec<String>,
}

/// Translates a configuration of Image Factory's; its OAuth clients go to a new file, if one is named, that only its
/// owner may read.
///
/// # Errors
/// If it can't be read, something in it makes no sense, or the clients' file is there already or can't be written.
pub fn translate(path: &Path, clients_out: Option<&Path>) -> Result<Translation, Error> {
    let text = file::text(path, Spot::Default).map_err(Error)?;
    let mut original = original::read(path, &text).map_err(Error)?;
    match clients_out {
        Some(out) if !original.clients.is_empty() => {
            original.clients.write(out).map_err(|error| unwritable(out, &error))?;
            original.set_clients_file(&std::path::absolute(out).unwrap_or(out.to_owned()));
        }
        None if !original.clients.is_empty() => original.warnings.push(format!(
            "{}: its OAuth clients are left out: --oauth-clients-out FILE writes a file of them",
            path.display()
        )),
        _ => {}
    }
    Ok(Translation { toml: original.toml(), warnings: original.warnings })
}

fn unwritable(out: &Path, error: &std::io::Error) -> Error {
    let spot = Spot::Flag("--oauth-clients-out".to_owned());
    Error(vec![Problem::new(spot, format!("can't write {}: {error}", out.display()))])
}
