//! `factory plugin install`: what is installed, from where, by whom it is signed and what it needs.

use super::place::{distribution, until_signal};
use crate::cli::arguments::{InstallArguments, PlaceArguments};
use crate::cli::display::{print, say};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::words::printable;
use crate::distribution::{Installed, Request, Source, SourceKind};
use crate::package::SIGNATURE;
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::{IsTerminal, stderr, stdin};

/// Installs a plugin, and says what became of it.
pub(super) fn install(place: PlaceArguments, arguments: InstallArguments) -> Result<Exit, Error> {
    let distribution = distribution(&place)?;
    let source = arguments.source.parse::<Source>()?.absolute();
    let unsigned = arguments.allow_unsigned || is_wanted(&source)?;
    let request = Request {
        source,
        unsigned,
        downgrade: arguments.allow_downgrade,
        dry_run: arguments.how.dry_run,
        name: None,
    };
    let work = async |stop: &_| Ok(distribution.install(&request, stop).await?);
    let installed = until_signal(work)?;
    match arguments.how.json {
        true => print(&format!("{:#}\n", json(&installed)))?,
        false => print(&text(&installed, arguments.how.dry_run))?,
    }
    Ok(Exit::Done)
}

/// Asks a person whether a directory that nobody signed is wanted.
fn is_wanted(source: &Source) -> Result<bool, Error> {
    let Source::Directory(path) = source else { return Ok(false) };
    let is_signed = path.join(SIGNATURE).is_file();
    if is_signed || !stdin().is_terminal() || !stderr().is_terminal() {
        return Ok(false);
    }
    let kind = SourceKind::Directory;
    say(&format!("{kind} {} is not signed. Install it all the same? [y/N]", path.display()));
    let mut answer = String::new();
    let what = "can't read the answer";
    stdin().read_line(&mut answer).map_err(|source| Error::System { what, source })?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// What a person reads of it.
pub(super) fn text(installed: &Installed, dry_run: bool) -> String {
    let Installed { identity, origin, replaced, acceptance, .. } = installed;
    let what = match (installed.was_there, dry_run) {
        (true, _) => "is installed already, and whole",
        (false, true) => "would be installed",
        (false, false) => "is installed",
    };
    let mut text = format!("{identity} {what}");
    if let Some(replaced) = replaced {
        let _ = write!(text, ", in place of {replaced}");
    }
    let digest = if origin.digest.is_empty() { &origin.sums } else { &origin.digest };
    let signer = if origin.signer.is_empty() { "nobody" } else { &origin.signer };
    let _ = write!(
        text,
        "\n  from    {}\n  digest  {digest}\n  signed  by {signer}\n",
        printable(&origin.source)
    );
    for need in &acceptance.changes {
        let _ = writeln!(text, "  needs   {}", printable(need));
    }
    if !installed.was_there && !dry_run {
        let _ = writeln!(text, "  at      {}", installed.directory.display());
    }
    if !installed.in_use.is_empty() {
        text.push_str(
            "  a factory that runs goes on with what it replaces, until it is started again\n",
        );
    }
    text
}

/// What a program reads of it.
pub(super) fn json(installed: &Installed) -> Value {
    let Installed { identity, origin, directory, replaced, was_there, acceptance, .. } = installed;
    json!({
        "name": identity.name,
        "version": identity.version.to_string(),
        "platform": identity.platform.to_string(),
        "source": origin.source,
        "digest": origin.digest,
        "sums_sha256": origin.sums,
        "signer": origin.signer,
        "directory": directory,
        "replaced": replaced.as_ref().map(ToString::to_string),
        "was_there": was_there,
        "needs": acceptance.changes,
    })
}
