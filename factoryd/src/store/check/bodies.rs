//! Bodies: whether each is there, and is what was recorded.

use super::rows::readable;
use super::{CheckOptions, Checked, Finding, Remedy, Severity, remedy};
use crate::domain::{Artifact, EventKind, Failure, Fault, Image, Notice, Status};
use crate::store::bodies::{make_dir, open_regular, rename, sync_dir};
use crate::store::{Error, Store, blocking, content};
use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Digests that were computed, by device and inode: what several images share is read once.
type Digests = HashMap<(u64, u64), String>;

/// What is wrong with a body.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Whole,
    Missing,
    /// In words.
    Damaged(String),
}

impl Store {
    pub(super) async fn check_bodies(
        &self,
        options: CheckOptions,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        let mut digests = Digests::new();
        for id in self.every_id().await? {
            let read = self.image(&id).await;
            let Some(Some(image)) = readable(read, checked, self)? else { continue };
            checked.images += 1;
            if !has_bodies(&image) {
                continue;
            }
            for artifact in &image.artifacts {
                self.check_body(options, &image, artifact, &mut digests, checked).await?;
            }
        }
        Ok(())
    }

    async fn check_body(
        &self,
        options: CheckOptions,
        image: &Image,
        artifact: &Artifact,
        digests: &mut Digests,
        checked: &mut Checked,
    ) -> Result<(), Error> {
        checked.bodies += 1;
        let (body, known) = (artifact.clone(), std::mem::take(digests));
        let looked = blocking(move || look(&body, options.digests, known)).await?;
        checked.bytes += looked.read;
        *digests = looked.digests;
        if looked.fate == Fate::Whole || !self.still_has(image, artifact).await? {
            return Ok(());
        }
        let finding = self.treat(options, image, artifact, looked.fate).await?;
        checked.findings.push(finding.of(&image.id).at(&artifact.path));
        Ok(())
    }

    /// Tells whether the image is still as it was when its body was looked at: it may have been deleted meanwhile.
    async fn still_has(&self, image: &Image, artifact: &Artifact) -> Result<bool, Error> {
        let now = self.image(&image.id).await?;
        Ok(now.is_some_and(|now| has_bodies(&now) && now.artifacts.contains(artifact)))
    }

    async fn treat(
        &self,
        options: CheckOptions,
        image: &Image,
        artifact: &Artifact,
        fate: Fate,
    ) -> Result<Finding, Error> {
        match fate {
            Fate::Damaged(what) => {
                let message = format!("{} of the image is damaged: {what}", artifact.role);
                self.quarantine(artifact, image).await?;
                self.mark(image, "BODY_DAMAGED", &message).await?;
                let put_aside = Remedy::Done("put aside to quarantine/; the image is FAILED");
                Ok(Finding::new(Severity::Error, "BODY_DAMAGED", message, put_aside))
            }
            Fate::Whole | Fate::Missing => {
                let message = format!("{} of the image is missing", artifact.role);
                if options.repair {
                    self.mark(image, "BODY_MISSING", &message).await?;
                }
                let remedy = match image.status {
                    Status::Complete => remedy(options, "mark the image FAILED"),
                    _ => Remedy::ByHand("delete the image"),
                };
                // One that has failed promises nothing; its file may have been put aside by an earlier look.
                let severity = match image.status {
                    Status::Complete => Severity::Error,
                    _ => Severity::Note,
                };
                Ok(Finding::new(severity, "BODY_MISSING", message, remedy))
            }
        }
    }

    /// Puts a body aside, where nothing is served from. One outside the store is somebody else's, and stays.
    async fn quarantine(&self, artifact: &Artifact, image: &Image) -> Result<(), Error> {
        if !artifact.path.starts_with(self.images_dir()) {
            return Ok(());
        }
        let aside = self.root().join("quarantine");
        let directory = aside.join(image.id.as_str());
        let path = artifact.path.clone();
        blocking(move || {
            make_dir(&aside)?;
            make_dir(&directory)?;
            let kept = rename(&path, &directory)?;
            tracing::error!(path = %path.display(), kept = %kept.display(), "a damaged body was put aside");
            sync_dir(&directory)?;
            path.parent().map_or(Ok(()), sync_dir)
        })
        .await
    }

    /// Lets a complete image be FAILED; any other has a warning.
    async fn mark(&self, image: &Image, reason: &str, message: &str) -> Result<(), Error> {
        let hint = "delete the image and build it again, or restore the file from a backup";
        let kind = if image.status == Status::Complete {
            let failure = Failure::new(Fault::Host, reason, message).hint(hint);
            EventKind::Status { from: image.status, to: Status::Failed, failure: Some(failure) }
        } else {
            let (message, hint) = (message.to_owned(), hint.to_owned());
            EventKind::Warning(Notice { message, hint, path: String::new() })
        };
        match self.append(&image.id, vec![(self.now(), kind)]).await {
            // It is being deleted, or another of its bodies has marked it.
            Err(Error::Illegal { .. }) => Ok(()),
            marked => marked.map(drop),
        }
    }
}

/// Tells whether nobody is about to add or remove bodies.
fn has_bodies(image: &Image) -> bool {
    image.status.is_settled() && image.status != Status::Deleted
}

struct Looked {
    fate: Fate,
    read: u64,
    digests: Digests,
}

fn look(body: &Artifact, with_digest: bool, mut digests: Digests) -> Result<Looked, Error> {
    let mut read = 0;
    let fate = match open_regular(&body.path) {
        Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Fate::Missing
        }
        Err(Error::Refused { why, .. }) => Fate::Damaged(why.to_owned()),
        Err(error) => return Err(error),
        Ok((_, found)) if found.len() != body.size => {
            Fate::Damaged(format!("it has {} bytes, and {} were recorded", found.len(), body.size))
        }
        Ok((file, found)) if with_digest && !body.sha256.is_empty() => {
            let inode = (found.dev(), found.ino());
            if let std::collections::hash_map::Entry::Vacant(unknown) = digests.entry(inode) {
                read = found.len();
                let digest = content::sha256(&file, read, &|_| {});
                unknown.insert(digest.map_err(|error| unreadable(&body.path, error))?);
            }
            compare(&digests[&inode], &body.sha256)
        }
        Ok(_) => Fate::Whole,
    };
    Ok(Looked { fate, read, digests })
}

fn compare(digest: &str, recorded: &str) -> Fate {
    if digest == recorded {
        return Fate::Whole;
    }
    Fate::Damaged(format!("its sha256 is {digest}, and {recorded} was recorded"))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::reading("read", path, error)
}
