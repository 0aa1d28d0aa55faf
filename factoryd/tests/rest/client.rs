//! A server of a world of its own, and the plainest of clients: one request, one connection.

use crate::fake::{Script, World, world};
use factoryd::access::{self, Authenticator};
use factoryd::domain::Role;
use factoryd::domain::{Image, Kind, Parameters};
use factoryd::factory::{BaseImageRequest, RefusedRequest};
use factoryd::rest::{self, Api, Options, Plugin};
use factoryd::transport::Acceptor;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// No answer takes as long.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: JoinSet<std::io::Result<()>>,
}

/// An answer: status, headers in lower case, body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        Self::start_with(script, Options::default()).await
    }

    pub(crate) async fn start_with(script: Script, options: Options) -> Self {
        let world = world(script).await;
        let info = json!({ "type": "os", "targets": [["FakeOS", null, null]], "custom": 1 });
        let Value::Object(info) = info else { unreachable!() };
        let plugins = vec![Plugin { name: "Fake".into(), info }];
        let stop = CancellationToken::new();
        let api = Api::new(world.factory.clone(), Arc::new(move || plugins.clone()), stop.clone());
        let acceptor = Acceptor::new(None, b"http/1.1");
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let options_of_access =
            access::Options { anonymous: Some(Role::Admin), ..Default::default() };
        let callers = Authenticator::open(options_of_access, world.store.clone()).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(rest::serve(socket, acceptor, api.into_router(callers), options, stop.clone()));
        Self { world, address, stop, tasks }
    }

    /// Sends bytes as they are and reads to the end of the connection.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let talk = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            // A server may answer and close before it has read everything.
            let _ = stream.write_all(bytes).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        tokio::time::timeout(DEADLINE, talk).await.unwrap()
    }

    /// Sends a request: `METHOD PATH`, lines of headers, a body.
    pub(crate) async fn send(&self, line: &str, headers: &[&str], body: &[u8]) -> Reply {
        let mut request = format!("{line} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        for header in headers.iter().chain(&["Connection: close"]) {
            request += &format!("{header}\r\n");
        }
        let bytes = [request.as_bytes(), b"\r\n", body].concat();
        Reply::parse(&self.raw(&bytes).await)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET /imagefactory{path}"), &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        let json = ["Content-Type: application/json"];
        self.send(&format!("POST /imagefactory{path}"), &json, body.to_string().as_bytes()).await
    }

    /// Records a base image whose template is none.
    pub(crate) async fn refuse_base(&self) -> Image {
        let template_xml = "x".to_owned();
        let request = BaseImageRequest {
            template_xml: template_xml.clone(),
            parameters: Parameters::default(),
        };
        let refusal = self.world.factory.create_base_image(request).await.unwrap_err();
        let (kind, parent, target, provider) = (Kind::Base, None, None, None);
        let snapshot = false;
        let refused = RefusedRequest {
            kind,
            template_xml,
            parent,
            target,
            provider,
            snapshot,
            callbacks: vec![],
        };
        self.world.factory.record_refused(refused, refusal).await.unwrap()
    }

    /// How many images there are, failed ones included.
    pub(crate) async fn count(&self) -> usize {
        self.world.all().await.len()
    }
}

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        let headers: Vec<_> = lines.map(header).collect();
        let reply = Self { status, headers, body: bytes[end + 4..].to_vec() };
        match reply.header("transfer-encoding") {
            Some("chunked") => Self { body: dechunked(&reply.body), ..reply },
            _ => reply,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The id of the image in the answer.
    pub(crate) fn id(&self) -> String {
        let value = self.json();
        let image = value.as_object().unwrap().values().next().unwrap();
        image["id"].as_str().unwrap_or_else(|| panic!("no image: {value}")).to_owned()
    }
}

fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(line) = body.windows(2).position(|two| two == b"\r\n") {
        let length = std::str::from_utf8(&body[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.extend_from_slice(&body[line + 2..line + 2 + length]);
        body = &body[line + 2 + length + 2..];
    }
    whole
}
