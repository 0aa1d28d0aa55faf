//! `factory plugin pack`: a package of a plugin, signed and pushed.

use super::place::{config, until_signal};
use crate::cli::arguments::{PackArguments, PlaceArguments};
use crate::cli::display::{print, say};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::distribution::{Pushed, Source};
use crate::package::{
    self, Compression, Identity, Limits, Packed, Platform, Selection, SigningKey,
};
use crate::secret_file;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Makes a package, and pushes it if that is asked for.
pub(super) fn pack(place: PlaceArguments, arguments: PackArguments) -> Result<Exit, Error> {
    let to = arguments.push.as_deref().map(str::parse::<Source>).transpose()?;
    let selection = selection(&arguments)?;
    let key = match &arguments.sign {
        Some(file) => Some((signing_key(file, arguments.password_file.as_deref())?, file)),
        None => None,
    };
    let gathered = package::gather(&arguments.directory, &selection, &Limits::default())?;
    let identity = gathered.sums.identity.clone();
    let (output, compression) = output(&arguments, &identity)?;
    let by = key.as_ref().map(|(key, file)| (key, file.as_path()));
    let packed = package::pack(&gathered, by, compression, &output)?;
    if !packed.signed {
        say(
            "warning: it is not signed, so it is installed only where that is allowed; --sign KEY_FILE signs it",
        );
    }
    let pushed = to.map(|to| push(&place, &packed, &identity, &to)).transpose()?;
    show(&identity, &packed, pushed.as_ref(), arguments.json)?;
    Ok(Exit::Done)
}

fn selection(arguments: &PackArguments) -> Result<Selection, Error> {
    let platform = arguments.platform.as_deref().map(str::parse::<Platform>).transpose();
    let platform = platform.map_err(|error| Error::Usage(format!("--platform: {error}")))?;
    let (executable, include) = (arguments.executable.clone(), arguments.include.clone());
    Ok(Selection { executable, include, platform })
}

fn output(arguments: &PackArguments, identity: &Identity) -> Result<(PathBuf, Compression), Error> {
    let Some(path) = &arguments.output else {
        let usual = Compression::default();
        let name = format!("{}.{}", identity.archive_stem(), usual.extension());
        return Ok((PathBuf::from(name), usual));
    };
    match Compression::of(path) {
        Some(compression) => Ok((path.clone(), compression)),
        None => Err(Error::Usage(format!(
            "--output {} ends neither in .tar.zst nor in .tar.gz",
            path.display()
        ))),
    }
}

/// Reads the key, with its password from a file or from the terminal.
fn signing_key(file: &Path, password_file: Option<&Path>) -> Result<SigningKey, Error> {
    let failed = |source| package::Error::Sign { path: file.to_owned(), source };
    let text = zeroize::Zeroizing::new(secret_file::read(file)?);
    let password = match (SigningKey::has_password(&text).map_err(failed)?, password_file) {
        (false, _) => None,
        (true, Some(path)) => Some(secret_file::read(path)?.trim_end_matches('\n').to_owned()),
        (true, None) => {
            let what = "can't ask for the key's password; --password-file FILE has it";
            let asked = rpassword::prompt_password(format!("Password of {}: ", file.display()));
            Some(asked.map_err(|source| Error::System { what, source })?)
        }
    };
    Ok(SigningKey::read(&text, password).map_err(failed)?)
}

fn push(
    place: &PlaceArguments,
    packed: &Packed,
    identity: &Identity,
    to: &Source,
) -> Result<Pushed, Error> {
    let options = config(place)?.packages;
    until_signal(async |stop| {
        tokio::select! {
            pushed = options.push(&packed.path, identity, to) => Ok(pushed?),
            () = stop.cancelled() => Err(crate::distribution::Error::Interrupted.into()),
        }
    })
}

fn show(
    identity: &Identity,
    packed: &Packed,
    pushed: Option<&Pushed>,
    as_json: bool,
) -> Result<(), Error> {
    if as_json {
        let object = json!({
            "name": identity.name,
            "version": identity.version.to_string(),
            "platform": identity.platform.to_string(),
            "archive": packed.path,
            "signed": packed.signed,
            "reference": pushed.map(|it| &it.reference),
            "manifest": pushed.map(|it| &it.manifest),
            "index": pushed.map(|it| &it.index),
        });
        return print(&format!("{object:#}\n"));
    }
    print(&format!("{identity} is in {}\n", packed.path.display()))?;
    match pushed {
        Some(Pushed { reference, manifest, .. }) => {
            print(&format!("and at {reference}\n  manifest {manifest}\n"))
        }
        None => Ok(()),
    }
}
