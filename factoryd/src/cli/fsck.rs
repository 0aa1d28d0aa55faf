//! `fsck`: whether the store is as it should be.

use super::display::print;
use super::error::Error;
use super::exit::Exit;
use super::json;
use super::session::Session;
use super::words::printable;
use crate::filesystem::Bytes;
use clap::Args;
use factory_proto::factory_v1 as v1;
use std::fmt::Write;

/// Check that all images are there and whole, and that the store has nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
It may run while images are being built, by this store's daemon or others. A file that is not what was recorded is put aside to
quarantine/ in the store at once, with or without --repair, and its image becomes FAILED: it is never served again.

--repair marks images FAILED whose files are missing, removes files and rows that belong to no image and what dead processes
left, and sets permissions. What can be restored from a backup only, it leaves alone.

Exit code 0: nothing is wrong, or all was put right; 1: something is wrong.")]
pub(super) struct FsckArguments {
    /// Put right what can be.
    #[arg(long)]
    repair: bool,
    /// Compare sizes only: read no file.
    #[arg(long)]
    no_digests: bool,
    /// Print a factory.v1.CheckStoreResponse as JSON.
    #[arg(long)]
    json: bool,
}

/// Checks the store and says what was found.
pub(super) async fn fsck(session: &Session, arguments: &FsckArguments) -> Result<Exit, Error> {
    let request =
        v1::CheckStoreRequest { repair: arguments.repair, without_digests: arguments.no_digests };
    let checked = session.maintenance().check_store(request).await?.into_inner();
    if arguments.json {
        print(&format!("{:#}\n", json::checked(&checked)))?;
    } else {
        print(&text(&checked))?;
    }
    let wrong = checked.findings.iter().any(remains);
    Ok(if wrong { Exit::Failed } else { Exit::Done })
}

/// Tells whether something is still wrong.
fn remains(finding: &v1::Finding) -> bool {
    finding.severity != "note" && finding.remedy != "done"
}

fn text(checked: &v1::CheckStoreResponse) -> String {
    let mut text = String::new();
    for finding in &checked.findings {
        let _ = writeln!(text, "{}: {}", finding.severity, printable(&finding.message));
        let places = [("image", &finding.image_id), ("at", &finding.path)];
        for (name, place) in places.iter().filter(|(_, place)| !place.is_empty()) {
            let _ = writeln!(text, "  {name} {}", printable(place));
        }
        let remedy = match finding.remedy.as_str() {
            "possible" => "--repair",
            other => other,
        };
        let _ = writeln!(text, "  {remedy}: {}", printable(&finding.action));
    }
    let v1::CheckStoreResponse { findings, images, bodies, bytes } = checked;
    let wrong = findings.iter().filter(|finding| remains(finding)).count();
    let verdict = match (findings.len(), wrong) {
        (0, _) => "nothing is wrong".to_owned(),
        (all, 0) => format!("{all} finding(s), and nothing is wrong any more"),
        (all, wrong) => format!("{all} finding(s), of which {wrong} need to be looked after"),
    };
    let bytes = Bytes(*bytes);
    let _ = writeln!(text, "{images} images, {bodies} files, {bytes} read: {verdict}");
    text
}
