//! A real registry on a loopback port of its own.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// The password of the user `ann` where there are users.
pub(crate) const PASSWORD: &str = "hunter2";
const USERS: &str = "ann:$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";

/// A running registry; it stops and its data goes when it is dropped.
pub(crate) struct Registry {
    process: Child,
    address: String,
    directory: TempDir,
}

/// What a registry is like.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) users: bool,
    pub(crate) keeps_all: bool,
    pub(crate) tls: bool,
}

impl Registry {
    /// Starts a registry, and waits until it listens.
    pub(crate) fn start(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("registry.yml");
        std::fs::write(&file, configuration(directory.path(), kind)).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry starts; apt-get install docker-registry");
        let address = address(process.stderr.take().unwrap());
        Self { process, address, directory }
    }

    /// Returns host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the certificate to trust.
    pub(crate) fn ca_file(&self) -> String {
        self.directory.path().join("tls.crt").display().to_string()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(directory: &Path, kind: Kind) -> String {
    let path = directory.display();
    let delete = !kind.keeps_all;
    let mut text = format!(
        "version: 0.1\n\
         storage:\n  filesystem: {{rootdirectory: {path}/data}}\n  delete: {{enabled: {delete}}}\n"
    );
    if kind.users {
        std::fs::write(directory.join("users"), USERS).unwrap();
        writeln!(text, "auth:\n  htpasswd: {{realm: test, path: {path}/users}}").unwrap();
    }
    text.push_str("http:\n  addr: 127.0.0.1:0\n");
    if kind.tls {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(directory.join("tls.crt"), made.cert.pem()).unwrap();
        std::fs::write(directory.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
        writeln!(text, "  tls: {{certificate: {path}/tls.crt, key: {path}/tls.key}}").unwrap();
    }
    text
}

/// Reads the address from the registry's log, and goes on reading so that it never blocks on a full pipe.
fn address(log: ChildStderr) -> String {
    let (found, address) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on ") {
                let digits = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
                let address: String = rest.chars().take_while(|c| digits(*c)).collect();
                let _ = found.send(address);
            }
        }
    });
    address.recv_timeout(Duration::from_secs(30)).expect("the registry says where it listens")
}
