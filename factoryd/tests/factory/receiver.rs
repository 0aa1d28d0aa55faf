//! A receiver of callbacks: a server that writes down what it is sent, and answers as it is told.

use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// No delivery takes as long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A delivery: the head of the request in lower case, and the body.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    deliveries: watch::Receiver<Vec<Delivery>>,
    _task: JoinSet<()>,
}

impl Receiver {
    /// Answers these statuses, one after the other, then 204.
    pub(crate) async fn start(statuses: &[u16]) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let (sender, deliveries) = watch::channel(Vec::new());
        let statuses = Arc::new(Mutex::new(VecDeque::from(statuses.to_vec())));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = socket.accept().await {
                connections.spawn(receive(stream, sender.clone(), statuses.clone()));
            }
        });
        Self { port, deliveries, _task: task }
    }

    /// Waits until there are so many deliveries.
    pub(crate) async fn deliveries(&mut self, count: usize) -> Vec<Delivery> {
        let enough = self.deliveries.wait_for(|all| count <= all.len());
        let enough = tokio::time::timeout(DEADLINE, enough).await;
        enough.unwrap_or_else(|_| panic!("no {count} deliveries")).unwrap().clone()
    }

    /// What was delivered so far.
    pub(crate) fn so_far(&self) -> Vec<Delivery> {
        self.deliveries.borrow().clone()
    }
}

async fn receive(
    mut stream: TcpStream,
    sender: watch::Sender<Vec<Delivery>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    sender.send_modify(|all| all.push(Delivery { head, body }));
    let status = statuses.lock().unwrap().pop_front().unwrap_or(204);
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

impl Delivery {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.split("\r\n").find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.strip_prefix(": "))
    }

    /// The key of the body, and the image in it.
    pub(crate) fn image(&self) -> (String, Value) {
        let Value::Object(body) = serde_json::from_slice(&self.body).unwrap() else { panic!() };
        body.into_iter().next().unwrap()
    }

    /// `base_image BUILDING`.
    pub(crate) fn news(&self) -> String {
        let (key, image) = self.image();
        format!("{key} {}", image["status"].as_str().unwrap())
    }
}
