//! `template/files`.

use super::content;
use super::problem::Faults;
use super::values::{name_of, put};
use super::xml::Element;
use crate::domain::File;

/// Reads `files`. Of two with one name the last counts, in the place of the first.
pub(super) fn read(files: &Element<'_>, faults: &mut Faults) -> Vec<File> {
    let mut list = Vec::new();
    for (index, file) in files.named("file").enumerate() {
        let path = format!("template/files/file[{}]", index + 1);
        if let Some(content) = content::read(file, &path, faults) {
            let file = File { name: name_of(file), content };
            put(&mut list, file, |old, new| old.name == new.name);
        }
    }
    list
}
