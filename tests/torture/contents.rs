//! A server of contents, the first answer of which for each template waits.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
/// How long a request may take to arrive; its sender may have been killed.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// A server, for as long as the test's process lives.
pub(super) struct Contents {
    address: SocketAddr,
    held: Arc<Mutex<Vec<TcpStream>>>,
    count: u64,
}

impl Contents {
    /// Starts it.
    pub(super) fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let held = Arc::<Mutex<Vec<TcpStream>>>::default();
        let holds = Arc::clone(&held);
        thread::spawn(move || {
            let mut known = BTreeSet::new();
            for mut stream in listener.incoming().flatten() {
                match requested(&mut stream) {
                    Some(path) if known.insert(path.clone()) => holds.lock().unwrap().push(stream),
                    _ => answer(stream),
                }
            }
        });
        Self { address, held, count: 0 }
    }

    /// Answers the URL of a content that nobody has asked for.
    pub(super) fn url(&mut self) -> String {
        self.count += 1;
        format!("http://{}/{}", self.address, self.count)
    }

    /// Answers whom it has let wait.
    pub(super) fn release(&self) {
        self.held.lock().unwrap().drain(..).for_each(answer);
    }
}

/// Reads a request, and answers its first line; `None` if it does not come.
fn requested(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(READ_TIMEOUT)).ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).lines().next().map(str::to_owned)
}

fn answer(mut stream: TcpStream) {
    // Who asked may be dead.
    _ = stream.write_all(ANSWER);
}
