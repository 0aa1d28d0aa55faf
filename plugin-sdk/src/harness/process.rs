//! A plugin's executable, started as a factory starts it.

use factory_proto::handshake::{self, Address, Handshake};
use hyper_util::rt::TokioIo;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

/// A plugin's process. Killed with the harness.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    _socket_directory: TempDir,
}

impl Process {
    /// Starts an executable and connects to it, without TLS.
    pub(super) async fn start(executable: &Path) -> (Self, Channel) {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let mut child = Command::new(executable)
            .env(handshake::COOKIE_KEY, handshake::COOKIE_VALUE)
            .env(handshake::VERSIONS, handshake::APP_VERSION.to_string())
            .env(handshake::SOCKET_DIR, directory.path())
            .env_remove(handshake::CLIENT_CERT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the plugin's executable can be started");
        let stdout = child.stdout.take();
        let process = Self { child, _socket_directory: directory };
        let socket = tokio::task::spawn_blocking(|| socket(stdout));
        let socket = socket.await.expect("the plugin prints a handshake");
        (process, connect(socket).await)
    }

    /// Returns its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the handshake, and leaves a thread that reads the rest, which ends with the process.
fn socket(stdout: Option<ChildStdout>) -> PathBuf {
    let mut stdout = BufReader::new(stdout.expect("its standard output is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("its standard output can be read");
    let handshake = Handshake::parse(&line).expect("its first line is a handshake");
    thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    match handshake.address {
        Address::Unix(path) => path,
        Address::Tcp(address) => {
            panic!("the plugin listens on {address}, and not on a unix socket")
        }
    }
}

async fn connect(socket: PathBuf) -> Channel {
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    endpoint.connect_with_connector(connector).await.expect("the plugin accepts connections")
}
