//! What fuzzing found worth keeping, without the fuzzer: each input of each target's corpus is held against the same
//! assertions. An input that once broke something is kept there too, as `crash-…`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

#[path = "../fuzz/checks/config.rs"]
mod config;
#[path = "../fuzz/checks/handshake.rs"]
mod handshake;
#[path = "../fuzz/checks/info.rs"]
mod info;
#[path = "../fuzz/checks/oauth_header.rs"]
mod oauth_header;
#[path = "../fuzz/checks/rest_body.rs"]
mod rest_body;
#[path = "../fuzz/checks/tdl.rs"]
mod tdl;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs = std::fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{corpus:?}: {error}"));
    let mut count = 0;
    for input in inputs {
        let path = input.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&bytes)));
        assert!(outcome.is_ok(), "{} broke a promise", path.display());
        count += 1;
    }
    assert!(count >= 9, "{count} inputs are no corpus");
}

#[test]
fn settings_keep_their_promises() {
    replay("config", config::check);
}

#[test]
fn handshakes_keep_their_promises() {
    replay("handshake", handshake::check);
}

#[test]
fn info_files_keep_their_promises() {
    replay("info", info::check);
}

#[test]
fn oauth_headers_keep_their_promises() {
    replay("oauth_header", oauth_header::check);
}

#[test]
fn bodies_of_requests_keep_their_promises() {
    replay("rest_body", rest_body::check);
}

#[test]
fn templates_keep_their_promises() {
    replay("tdl", tdl::check);
}
