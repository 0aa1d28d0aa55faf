//! A client that was written for Image Factory, over TLS: only the address, and the certificate to trust, are new to it.

use crate::support::binaries::repository;
use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::tdl::Tdl;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

/// Debian's own, for which the packages are that the client imports.
const PYTHON: &str = "/usr/bin/python3";

#[test]
fn a_client_of_image_factory_builds_and_deletes_over_tls_and_what_is_not_its_own_is_refused() {
    let sandbox = Sandbox::new();
    let clients = sandbox.path().join("clients.toml");
    let mut file =
        std::fs::File::options().write(true).create_new(true).mode(0o600).open(&clients).unwrap();
    writeln!(file, "[clients.mock-key]\nsecret = \"mock secret & more\"\nrole = \"builder\"")
        .unwrap();
    let flags = ["--tls-self-signed", "--oauth-clients", clients.to_str().unwrap()];
    let daemon = sandbox.closed_daemon_with_rest(&flags);

    let client = Command::new(PYTHON)
        .arg(repository("tests/fixtures/oauth-client/client.py"))
        .arg(format!("https://{}/imagefactory", daemon.rest()))
        .arg(sandbox.store().join("tls/certificate.pem"))
        .args(["mock-key", "mock secret & more"])
        .arg(sandbox.template(&Tdl::mock("oauth")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&client.stderr);
    assert!(client.status.success(), "is python3-requests-oauthlib installed?\n{said}");
    let told: Value = serde_json::from_slice(&client.stdout).unwrap();
    let statuses = json!({
        "no header": 401,
        "wrong secret": 401,
        "unknown client": 401,
        "old timestamp": 401,
        "timestamp ahead": 401,
        "tampered form": 401,
        "another address": 401,
        "another method": 401,
        "another algorithm": 401,
        "in the query": 401,
        "garbage": 401,
        "first time": 200,
        "replayed": 401,
    });
    assert_eq!(told["statuses"], statuses);
    assert_eq!(told["left"], json!({ "base_images": [], "target_images": [] }));
    assert_eq!(files_in(&sandbox.store().join("images")), Vec::<PathBuf>::new());
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}
