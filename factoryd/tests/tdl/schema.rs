//! The reader against a second opinion: `tdl.rng`, a schema in RELAX NG, and `xmllint`, which knows nothing of ours.
//!
//! What the reader takes is valid; what it refuses for its shape is not. What it refuses for a value that no schema can
//! judge may be valid: an order of positions, a host name, a size. Nor are values compared that have a comment inside: to
//! the language they end there, to a schema they go on.

use crate::{corpus, edge_cases};
use factoryd::tdl;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What a schema, or any reader of XML, must refuse too.
const OF_SHAPE: [&str; 18] = [
    "bad-arch",
    "bad-boolean",
    "bad-content-type",
    "bad-install-type",
    "bad-version",
    "duplicate-element",
    "missing-attribute",
    "missing-element",
    "unexpected-text",
    "unknown-attribute",
    "unknown-element",
    "wrong-root",
    "xml-attribute",
    "xml-character",
    "xml-entity",
    "xml-root",
    "xml-syntax",
    "xml-tag",
];

fn is_of_shape(code: &str, xml: &str) -> bool {
    let ends_early = ["bad-arch", "bad-boolean"].contains(&code) && xml.contains("<!--");
    OF_SHAPE.contains(&code) && !ends_early
}

/// Answers the names of the documents that the schema takes.
fn valid(documents: &[(String, String)]) -> BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    for (name, xml) in documents {
        std::fs::write(directory.path().join(name), xml).unwrap();
    }
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tdl/tdl.rng");
    let mut command = Command::new("xmllint");
    command.current_dir(directory.path()).args(["--noout", "--nonet", "--relaxng"]).arg(schema);
    let output = command.args(documents.iter().map(|(name, _)| name)).output();
    let output = output.expect("xmllint is missing: `make test` installs it");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains("failed to compile"), "{told}");
    told.lines().filter_map(|line| line.strip_suffix(" validates")).map(str::to_owned).collect()
}

#[test]
fn a_schema_comes_to_the_same_verdicts() {
    let mut documents: Vec<_> = corpus::documents().into_iter().collect();
    documents.extend(edge_cases::documents());
    let valid = valid(&documents);
    let mut wrong = Vec::new();
    let (mut taken, mut refused) = (0, 0);
    for (name, xml) in &documents {
        let is_valid = valid.contains(name);
        match tdl::parse(xml) {
            Ok(_) => {
                taken += 1;
                if !is_valid {
                    wrong.push(format!("{name} is taken, but not valid: {xml}"));
                }
            }
            Err(problems) if is_of_shape(problems.0[0].code, xml) => {
                refused += 1;
                if is_valid {
                    wrong.push(format!("{name} is refused, but valid: {xml}\n{problems}"));
                }
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
    assert!(taken >= 150 && refused >= 150, "{taken} taken, {refused} refused for their shape");
}
