//! `factory plugin new`: the directory of a new plugin.
//!
//! ```text
//! plugin-sdk/templates/LANGUAGE/[KIND/]… ──@NAME@, @TYPE@, … replaced──► NAME/…
//! ```

mod names;
mod templates;

use crate::cli::arguments::{Language, NewArguments};
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use names::Names;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Makes it, whole or not at all, and says how to go on.
pub(super) fn new(arguments: &NewArguments) -> Result<Exit, Error> {
    let names = Names::of(&arguments.name, arguments.kind, arguments.lang).map_err(Error::Usage)?;
    let sdk = arguments.sdk.as_deref().map(absolute).transpose()?;
    let names = names.with_sdk(arguments.lang, sdk.as_deref());
    let directory = arguments.directory.clone().unwrap_or_else(|| arguments.name.clone().into());
    let failed = |source| Error::Write { path: directory.clone(), source };
    fs::create_dir(&directory).map_err(failed)?;
    if let Err(source) = fill(&directory, &names, arguments) {
        // It was made here: nothing in it is anybody else's.
        let _ = fs::remove_dir_all(&directory);
        return Err(failed(source));
    }
    print(&next_steps(&directory, arguments.lang))?;
    Ok(Exit::Done)
}

fn fill(directory: &Path, names: &Names, arguments: &NewArguments) -> io::Result<()> {
    for template in templates::of(arguments.lang, arguments.kind) {
        let path = directory.join(names.put_into(template.path));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, names.put_into(template.text))?;
        if template.executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn absolute(sdk: &Path) -> Result<PathBuf, Error> {
    sdk.canonicalize().map_err(|source| Error::Read { path: sdk.to_owned(), source })
}

fn next_steps(directory: &Path, language: Language) -> String {
    let yours = match language {
        Language::Rust => "src/lib.rs",
    };
    let directory = directory.display();
    format!(
        "{directory} is a plugin: {yours} is yours to write, README.md says how to build and try it, and ./ci is what \
         must hold.\n"
    )
}
