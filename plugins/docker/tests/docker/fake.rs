//! A registry of ten lines, for what the real one can't be made to do: hand out tokens, be busy.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A server that gives prepared answers and notes what it was asked. It serves until the test ends.
pub(crate) struct Fake {
    /// Host and port.
    pub(crate) address: String,
    asked: Receiver<Asked>,
}

/// A request, as far as the tests look at it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
}

impl Fake {
    /// Starts; `answer` makes status, headers and body of a request.
    pub(crate) fn start(
        answer: impl Fn(&Asked, &str) -> (u16, String, String) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (note, asked) = channel();
        let own = address.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &own, &answer, &note);
            }
        });
        Self { address, asked }
    }

    /// Returns what was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

fn serve(
    mut stream: TcpStream,
    address: &str,
    answer: &impl Fn(&Asked, &str) -> (u16, String, String),
    note: &Sender<Asked>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(line) = lines.next() else { return };
    let headers: HashMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(k, v)| (k.to_lowercase(), v.to_owned())))
        .collect();
    let asked = Asked { line, authorization: headers.get("authorization").cloned() };
    let (status, header, body) = answer(&asked, address);
    let _ = note.send(asked);
    let _ = write!(
        stream,
        "HTTP/1.1 {status} x\r\n{header}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
