//! A registry that answers until it is asked for a blob, and then sends the beginning of it and no more.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

const MANIFEST: &str = r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/vnd.factory.plugin.v1",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
    "layers": [{"mediaType": "application/vnd.factory.plugin.package.v1.tar+gzip", "size": 1000000,
        "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}"#;

/// The registry. Its threads end with the test.
pub(crate) struct Stalled {
    address: String,
    asked: Receiver<()>,
}

impl Stalled {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                thread::spawn(move || serve(stream, &tell));
            }
        });
        Self { address, asked }
    }

    /// Returns its `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until part of a blob was sent.
    pub(crate) fn has_begun(&self, deadline: Duration) {
        self.asked.recv_timeout(deadline).expect("nobody asks for the blob");
    }
}

/// Answers the requests of a connection.
fn serve(mut stream: TcpStream, tell: &Sender<()>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let answer = |len: usize, body: &str| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{body}")
        };
        let is_blob = head.contains("/blobs/");
        let text = match head.contains("/manifests/") {
            true => answer(MANIFEST.len(), MANIFEST),
            false if is_blob => answer(1_000_000, "the beginning"),
            false => answer(2, "{}"),
        };
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
        if is_blob {
            // The test may be over.
            let _ = tell.send(());
        }
    }
}
