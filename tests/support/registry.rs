//! A real container registry on a loopback port, in a directory of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

/// The account that a registry with accounts knows: name and password.
pub(crate) const ACCOUNT: (&str, &str) = ("factory", "registry-password");
/// The same for `htpasswd`.
const HTPASSWD: &str = "factory:$2y$04$sA1xRjOxylmXYPTaHH2Y.u6Fj9owVyHTkB0LASLGoZJ02vbzsdeS2\n";

/// A running registry. Dropping it stops it and removes what it holds.
pub(crate) struct Registry {
    process: Child,
    address: String,
    directory: tempfile::TempDir,
}

/// Who may use a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Open,
    /// [`ACCOUNT`] only.
    Account,
}

impl Registry {
    /// Starts a registry, and waits until it listens.
    pub(crate) fn start(access: Access) -> Self {
        let directory = tempfile::Builder::new().prefix("factory-e2e-").tempdir().unwrap();
        let configuration = directory.path().join("registry.yml");
        std::fs::write(directory.path().join("htpasswd"), HTPASSWD).unwrap();
        std::fs::write(&configuration, configure(directory.path(), access)).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("package docker-registry");
        let address = listening_address(process.stderr.take().unwrap());
        Self { process, address, directory }
    }

    /// Returns the file in which it keeps a blob, by its digest (`sha256:…`).
    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        let hexadecimal = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.directory.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hexadecimal[..2]).join(hexadecimal).join("data")
    }

    /// Returns its `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configure(directory: &std::path::Path, access: Access) -> String {
    let directory = directory.display();
    let auth = match access {
        Access::Open => String::new(),
        Access::Account => {
            format!("auth:\n  htpasswd: {{realm: test, path: {directory}/htpasswd}}\n")
        }
    };
    format!(
        "version: 0.1\n\
         storage:\n  filesystem: {{rootdirectory: {directory}/data}}\n  delete: {{enabled: true}}\n\
         http: {{addr: \"127.0.0.1:0\"}}\n{auth}"
    )
}

/// Reads the log up to the address; the rest is read too, for a full pipe would stop the registry.
fn listening_address(log: ChildStderr) -> String {
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    let address = lines
        .by_ref()
        .find_map(|line| line.split("listening on ").nth(1).map(take_address))
        .expect("the registry says where it listens");
    thread::spawn(move || lines.for_each(drop));
    address
}

fn take_address(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn status_line(registry: &Registry) -> String {
        let mut stream = TcpStream::connect(registry.address()).unwrap();
        stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap().to_owned()
    }

    #[test]
    fn a_registry_answers_and_is_gone_when_dropped() {
        let registry = Registry::start(Access::Open);
        assert!(status_line(&registry).ends_with("200 OK"));
        let address = registry.address().to_owned();
        drop(registry);
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_registry_with_accounts_refuses_strangers() {
        let registry = Registry::start(Access::Account);
        assert!(status_line(&registry).ends_with("401 Unauthorized"));
    }
}
