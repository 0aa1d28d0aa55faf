//! What a crash leaves: a copy of the disk as it is at that moment.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Copies a directory with everything in it; two names of one file stay that.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    copy_into(from, to, &mut BTreeMap::new())
}

fn copy_into(from: &Path, to: &Path, known: &mut BTreeMap<u64, PathBuf>) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            copy_into(&source, &target, known)?;
        } else if entry.file_name() == "reserve" {
            // Its content means nothing and is large.
            File::create(&target)?.set_len(metadata.len())?;
        } else if entry.file_name() == "factory.db-shm" {
            // Memory that processes share: gone with the last of them.
        } else if let Some(first) = known.get(&metadata.ino()) {
            fs::hard_link(first, &target)?;
        } else {
            fs::copy(&source, &target)?;
            known.insert(metadata.ino(), target);
        }
    }
    Ok(())
}

/// Answers the files below a directory, as paths relative to it, sorted.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
            }
        }
    }
    found.sort();
    found
}
