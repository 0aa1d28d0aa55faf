//! The 65 documents of the original's own suite, written anew from their names, with its verdicts.

use factoryd::domain::Template;
use factoryd::tdl;
use std::collections::BTreeMap;
use std::path::Path;

/// The numbers of the documents that are accepted.
const ACCEPTED: [u32; 32] = [
    1, 2, 6, 7, 8, 11, 16, 18, 19, 22, 23, 24, 29, 31, 32, 37, 39, 40, 43, 44, 48, 49, 51, 52, 53,
    54, 55, 58, 59, 63, 64, 65,
];

/// Answers every document of the corpus by its name.
pub(crate) fn documents() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tdl/corpus");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    named.collect()
}

fn template(name: &str) -> Template {
    tdl::parse(&documents()[name]).unwrap()
}

#[test]
fn every_document_gets_the_verdict_of_the_original() {
    let documents = documents();
    assert_eq!(documents.len(), 65);
    for (index, (name, xml)) in documents.iter().enumerate() {
        let number: u32 = name[..2].parse().unwrap();
        assert_eq!(number, u32::try_from(index).unwrap() + 1, "{name}");
        let verdict = tdl::parse(xml);
        let accepted = ACCEPTED.contains(&number);
        assert_eq!(verdict.is_ok(), accepted, "{name}: {verdict:?}");
        if let Err(problems) = verdict {
            assert!(!problems.0.is_empty(), "{name} is refused without a reason");
        }
    }
}

#[test]
fn repositories_are_persisted_as_their_names_say() {
    for repository in template("43-persisted-repos").repositories {
        assert_eq!(repository.persisted, repository.name.ends_with("-true"), "{repository:?}");
    }
}

#[test]
fn commands_run_in_the_order_of_their_positions() {
    let commands = template("59-command-sorting").commands;
    let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third"]);
}

#[test]
fn disk_sizes_are_bytes() {
    let size = |name| template(name).disk_size_bytes.unwrap();
    assert_eq!(size("51-disk-size"), 20 << 30);
    assert_eq!(size("58-disk-size-tebibyte-compat"), 2 << 40);
    assert_eq!(size("63-disk-size-exbibyte"), 3 << 60);
    assert_eq!(size("64-disk-size-zettabyte"), 10_u128.pow(22));
    assert_eq!(size("65-disk-size-byte"), 8 << 30);
}
