//! Files that tell by themselves whether they are whole.

use sha2::{Digest, Sha256};
use std::path::Path;

const MARK: &str = "whole";

/// Makes a content of about so many bytes.
pub(crate) fn content(name: &str, len: usize) -> Vec<u8> {
    let text: String = name.chars().chain(['\n']).cycle().take(len).collect();
    format!("{}\n{text}{MARK}", text.len()).into_bytes()
}

/// Tells whether these are all bytes of a content, and no others.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((len, rest)) = text.split_once('\n') else { return false };
    rest.ends_with(MARK) && len.parse() == Ok(rest.len() - MARK.len())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a file if it is whole.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok().filter(|bytes| is_whole(bytes))
}
