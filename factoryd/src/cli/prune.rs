//! `prune`: delete what is not worth keeping.

use super::display::print;
use super::end;
use super::error::Error;
use super::exit::Exit;
use super::json;
use super::session::Session;
use super::table::table;
use super::words::{one_line, printable};
use crate::filesystem::Bytes;
use clap::Args;
use factory_proto::factory_v1 as v1;
use std::time::Duration;

/// Delete images that nothing needs and no rule keeps.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory prune --keep-last 3 --dry-run            # what would go: all but the last 3 of each name, kind and target
  factory prune --keep-last 1 --older-than 30d     # of those only what is older than 30 days
  factory prune --older-than 2d --tag nightly

An image stays if it is being worked on, if something that stays was made from it, or if it has the tag `keep`; provider images
stay. Tags are the parameter or property `tags`: `factory build web.tdl --parameter tags=nightly,keep`.
[retention] in the settings of a daemon does the same every hour.")]
pub(super) struct PruneArguments {
    /// Keep so many complete images of each name, kind and target: the last ones.
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    keep_last: Option<u32>,
    /// Delete only what was made longer ago than this, such as `30d`.
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only images with this name; `*` stands for any text.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Only images with this tag.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Delete nothing, and say what would be.
    #[arg(long)]
    dry_run: bool,
    /// Print a JSON array of factory.v1.Pruned.
    #[arg(long)]
    json: bool,
}

/// Deletes what the rules take, and waits until it is gone.
pub(super) async fn prune(session: &Session, arguments: &PruneArguments) -> Result<Exit, Error> {
    let older_than = arguments.older_than.map(prost_types::Duration::try_from).transpose();
    let older_than = older_than.map_err(|_| Error::Usage("--older-than is too long".to_owned()))?;
    let request = v1::PruneRequest {
        keep_last: arguments.keep_last,
        older_than,
        name: arguments.name.clone().unwrap_or_default(),
        tag: arguments.tag.clone().unwrap_or_default(),
        dry_run: arguments.dry_run,
    };
    let pruned = session.maintenance().prune(request).await?.into_inner().images;
    if arguments.json {
        let all: serde_json::Value = pruned.iter().map(json::pruned).collect();
        print(&format!("{all:#}\n"))?;
    } else {
        let rows: Vec<_> = pruned.iter().map(row).collect();
        print(&table(["ID", "KIND", "NAME", "SIZE", "WHY"], &rows))?;
    }
    if arguments.dry_run {
        return Ok(Exit::Done);
    }
    end::all_deleted(session, pruned.into_iter().map(|one| one.image_id).collect()).await
}

fn row(one: &v1::Pruned) -> [String; 5] {
    [
        one.image_id.clone(),
        one.kind.clone(),
        printable(&one_line(&one.name, 40)),
        Bytes(one.size).to_string(),
        one.why.clone(),
    ]
}
