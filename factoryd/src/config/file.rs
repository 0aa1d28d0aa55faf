//! The settings file: which one, and its text.

use super::document::Document;
use super::given::Given;
use super::original;
use super::problem::{Problem, Spot};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file that is read if it is there and no other is named.
const USUAL: &str = "/etc/factory/factory.toml";
/// A longer file is something else.
const LONGEST: u64 = 1 << 20;

/// Which files may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// The one that is named, else the usual one.
    All,
    /// The one that is named.
    Named,
}

/// Reads the file, if there is one.
///
/// # Errors
/// If it is named and not there, or can't be read, or is no TOML.
pub(super) fn document(given: &Given, files: Files) -> Result<Option<Document>, Vec<Problem>> {
    let flag = given.flag("config");
    let named = flag.and_then(|flag| {
        let (by, values) = flag.values.as_ref()?;
        Some((PathBuf::from(values.last()?), flag.spot(*by)))
    });
    let (path, spot, must_exist) = match named {
        Some((path, spot)) => (path, spot, true),
        None if files == Files::All => (PathBuf::from(USUAL), Spot::Default, false),
        None => return Ok(None),
    };
    match read(&path) {
        Ok(bytes) => parse(&path, bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(error) => Err(vec![unreadable(&path, spot, &error)]),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MiB, which no settings are"));
    }
    Ok(bytes)
}

/// Reads a file's text.
///
/// # Errors
/// If it can't be read, is too long, or is not UTF-8.
pub(super) fn text(path: &Path, spot: Spot) -> Result<String, Vec<Problem>> {
    match read(path) {
        Ok(bytes) => decode(path, bytes),
        Err(error) => Err(vec![unreadable(path, spot, &error)]),
    }
}

fn parse(path: &Path, bytes: Vec<u8>) -> Result<Document, Vec<Problem>> {
    let text = decode(path, bytes)?;
    if !original::is_one(&text) {
        return Document::parse(path, text);
    }
    let mut original = original::read(path, &text)?;
    if !original.clients.is_empty() {
        let path = path.display();
        original.warnings.push(format!(
            "{path}: its OAuth clients are not let in: write their file with `factoryd config translate {path} \
             --oauth-clients-out FILE`"
        ));
    }
    Ok(original.document(text))
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, Vec<Problem>> {
    String::from_utf8(bytes).map_err(|error| {
        let from = error.utf8_error().valid_up_to();
        let shown = String::from_utf8_lossy(error.as_bytes());
        let file = path.display().to_string();
        let spot = match Spot::file(&file, &shown, from..from + 1) {
            // Its lines may hold secrets.
            Spot::File { place, .. } if original::is_one(&shown) => {
                Spot::Line { file, line: place.line as usize }
            }
            spot => spot,
        };
        vec![Problem::new(spot, "this byte is not UTF-8 text")]
    })
}

fn unreadable(path: &Path, spot: Spot, error: &io::Error) -> Problem {
    Problem::new(spot, format!("can't read {}: {error}", path.display()))
}
