//! The settings file.

use clap::Parser;
use factoryd::config::DaemonCommand;

/// So much a person may be told at once, in bytes.
const MESSAGE_LEN_MAX: usize = 256 * 1024;

pub(crate) fn check(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new_in(memory()).expect("there is a place for a file");
    std::fs::write(&file, bytes).expect("a file can be written");
    let line = [std::ffi::OsStr::new("factoryd"), "--config".as_ref(), file.path().as_ref()];
    let command = DaemonCommand::try_parse_from(line).expect("the flag is known");
    match command.resolve() {
        Ok(resolved) => {
            assert!(std::str::from_utf8(bytes).is_ok());
            assert!(!resolved.settings.is_empty());
        }
        Err(problems) => {
            let told = problems.to_string();
            assert!(!told.is_empty() && told.len() < MESSAGE_LEN_MAX, "{} bytes", told.len());
        }
    }
}

/// Where a file costs least, if there is such a place.
fn memory() -> &'static std::path::Path {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { memory } else { std::path::Path::new("/tmp") }
}
