//! A full disk behind a plugin's failure: its tools say so, each in its own words, and plugins pass them on.

use crate::domain::{Failure, Fault};
use crate::filesystem::{Shortage, Space};
use std::path::Path;

/// What C libraries, and with them nearly all tools, say of a full disk.
const WORDS: [&str; 3] = ["No space left on device", "Disk quota exceeded", "ENOSPC"];
/// With less room than this, in bytes, a tool's complaint may be about our file system. What a plugin wrote is still there, but
/// its tools may have removed their own files.
const NEARLY_FULL: u64 = 64 << 20;

/// Tells a full disk from what else may be wrong with a plugin: the failure then names the file system, and has what the plugin
/// said as its detail. A shortage elsewhere, such as inside an image, stays the plugin's to tell.
pub(super) fn told(failure: Box<Failure>, work_dir: &Path) -> Box<Failure> {
    let says_so = failure.reason == Shortage::REASON
        || WORDS
            .iter()
            .any(|words| failure.message.contains(words) || failure.detail.contains(words));
    match Space::of(work_dir) {
        Ok(space) if says_so && (space.free < NEARLY_FULL || space.files == Some(0)) => {
            Box::new(named(*failure, work_dir, space))
        }
        _ => failure,
    }
}

fn named(failure: Failure, work_dir: &Path, space: Space) -> Failure {
    let shortage =
        Shortage { path: work_dir.to_owned(), needed: 0, quota: false, space: Some(space) };
    let said = [failure.message.as_str(), failure.detail.as_str()];
    let said = said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    let told = shortage.failure();
    Failure { fault: Fault::Host, step: failure.step, detail: said, ..told }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(free: u64) -> Space {
        Space { mount: "/srv".into(), free, total: 1 << 30, files: None }
    }

    #[test]
    fn a_shortage_keeps_what_the_plugin_said_and_names_the_place() {
        let failure = Failure::new(Fault::Plugin, "TOOL_FAILED", "mke2fs failed");
        let mut failure = failure.detail("mke2fs: No space left on device");
        "CreateBaseImage".clone_into(&mut failure.step);
        let told = named(failure, Path::new("/srv/work/x"), space(4096));
        assert_eq!((told.reason.as_str(), told.fault), ("NO_SPACE", Fault::Host));
        assert!(told.message.contains("/srv (4.0 KiB of 1.0 GiB free)"), "{told}");
        assert_eq!(told.detail, "mke2fs failed\nmke2fs: No space left on device");
        assert_eq!(told.step, "CreateBaseImage");
    }

    #[test]
    fn what_has_nothing_to_do_with_room_stays_as_it_is() {
        let failure = Failure::new(Fault::User, "PACKAGE_NOT_FOUND", "no such package");
        let told = told(Box::new(failure.clone()), Path::new("/proc"));
        assert_eq!(*told, failure, "even where nothing is free");
        let inside = Failure::new(Fault::Plugin, "X", "No space left on device");
        let roomy = super::told(Box::new(inside.clone()), &std::env::temp_dir());
        assert_eq!(*roomy, inside, "where there is room, it is another place that is full");
    }
}
