//! A receiver of callbacks that can die at the worst moment, and come back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a delivery may be awaited: a receiver that was away is asked again after some seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// A delivery.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// A server on this machine. It takes a number of deliveries; the next one it reads and dies without an answer.
pub(crate) struct Receiver {
    /// Where it listens.
    pub(crate) port: u16,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    _thread: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    deliveries: Vec<Delivery>,
    dead: bool,
}

impl Receiver {
    /// Listens on a port, 0 for any, and takes so many deliveries.
    pub(crate) fn start(port: u16, taken: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::default();
        let shared = Arc::clone(&heard);
        let thread = thread::spawn(move || serve(listener, &shared, taken));
        Self { port, heard, _thread: thread }
    }

    /// Waits until it has died, and returns what it read, the last one included.
    pub(crate) fn dead(&self) -> Vec<Delivery> {
        self.wait(|heard| heard.dead)
    }

    /// Waits until what it read satisfies `enough`.
    pub(crate) fn until(&self, enough: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        self.wait(|heard| enough(&heard.deliveries))
    }

    fn wait(&self, done: impl Fn(&Heard) -> bool) -> Vec<Delivery> {
        let (heard, changed) = &*self.heard;
        let waited =
            changed.wait_timeout_while(heard.lock().unwrap(), DEADLINE, |heard| !done(heard));
        let (heard, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "not enough was delivered: {:#?}", heard.deliveries);
        heard.deliveries.clone()
    }
}

fn serve(listener: TcpListener, (heard, changed): &(Mutex<Heard>, Condvar), taken: usize) {
    loop {
        let Ok((stream, _)) = listener.accept() else { return };
        // A sender that dies in the middle has sent nothing.
        let Some(delivery) = read(&stream) else { continue };
        let dies = taken <= heard.lock().unwrap().deliveries.len();
        if !dies {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = (&stream).write_all(answer);
        }
        heard.lock().unwrap().deliveries.push(delivery);
        if dies {
            drop((listener, stream));
            heard.lock().unwrap().dead = true;
            changed.notify_all();
            return;
        }
        changed.notify_all();
    }
}

fn read(stream: &TcpStream) -> Option<Delivery> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert!(line.starts_with("PUT /hook "), "{line}");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|len| 0 < *len)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut delivery = Delivery { headers, body: Vec::new() };
    delivery.body = vec![0; delivery.header("content-length").parse().unwrap()];
    reader.read_exact(&mut delivery.body).ok()?;
    Some(delivery)
}

impl Delivery {
    /// Returns a header.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers)).1
    }

    /// Returns the image's id, the event's cursor and the status in the body.
    pub(crate) fn news(&self) -> (String, u64, String) {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let image = body.as_object().unwrap().values().next().unwrap();
        let text = |name: &str| image[name].as_str().unwrap().to_owned();
        (text("id"), self.header("factory-event-cursor").parse().unwrap(), text("status"))
    }
}
