//! A server that says exactly what it is told to, and names that lead to it.

use async_trait::async_trait;
use factoryd::outbound::{Client, Error, Limits, Location, Lookup, Policy};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Sends this and closes; `{port}` is the server's own.
    Say(String),
    /// Sends this, then that again and again, this long apart.
    Drip(String, &'static [u8], Duration),
    /// Sends this and nothing more.
    Hang(String),
}

/// A server with paths; a path that it does not know is 404.
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(paths: Vec<(&'static str, Reply)>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        task.spawn(serve(socket, paths, requests.clone()));
        Self { port, requests, _task: task }
    }

    /// The requests so far, heads only.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }
}

async fn serve(
    socket: TcpListener,
    paths: Vec<(&'static str, Reply)>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let port = socket.local_addr().unwrap().port().to_string();
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let (paths, requests, port) = (paths.clone(), requests.clone(), port.clone());
        connections.spawn(async move {
            // A client that has enough hangs up.
            let _ = answer(stream, &paths, &requests, &port).await;
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    paths: &[(&str, Reply)],
    requests: &Mutex<Vec<String>>,
    port: &str,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    requests.lock().unwrap().push(head);
    let known = paths.iter().find(|(known, _)| *known == path).map(|(_, reply)| reply.clone());
    match known
        .unwrap_or_else(|| Reply::Say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into()))
    {
        Reply::Say(text) => stream.write_all(text.replace("{port}", port).as_bytes()).await,
        Reply::Hang(text) => {
            stream.write_all(text.as_bytes()).await?;
            // Until the client hangs up.
            stream.read_u8().await.map(drop)
        }
        Reply::Drip(text, drop, pause) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                stream.write_all(drop).await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Names and where they lead; of several answers each is given once, the last for ever.
pub(crate) struct Names(pub(crate) Mutex<Vec<(&'static str, Vec<&'static str>)>>);

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().unwrap();
        let found = names.iter_mut().find(|(name, _)| *name == host);
        let answers = &mut found.ok_or_else(|| io::Error::other(format!("no host {host}")))?.1;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        Ok(answer.split(' ').map(|address| address.parse().unwrap()).collect())
    }
}

/// Limits that a test does not wait for.
pub(crate) fn limits() -> Limits {
    let (idle, whole) = (Duration::from_millis(300), Duration::from_secs(2));
    Limits { size: 1000, idle, whole, redirects: 3, ..Limits::default() }
}

pub(crate) fn client(allow: &[&str], names: Vec<(&'static str, Vec<&'static str>)>) -> Client {
    let policy = Policy::public(allow.iter().map(|entry| entry.parse().unwrap()).collect());
    Client::with_lookup(policy, limits(), Arc::new(Names(Mutex::new(names))))
}

/// Fetches a URL, as text or as why not.
pub(crate) async fn get(client: &Client, url: &str) -> Result<String, Error> {
    client.get(&Location::parse(url)?).await.map(|content| String::from_utf8(content).unwrap())
}

pub(crate) fn ok(body: &str) -> Reply {
    Reply::Say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

pub(crate) fn redirect(status: u16, to: &str) -> Reply {
    Reply::Say(format!("HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
}
