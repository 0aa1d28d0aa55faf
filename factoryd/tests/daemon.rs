//! The daemon as a process: it says where it listens, answers, and ends when asked to.
#![expect(clippy::unwrap_used, reason = "tests")]

use factory_proto::factory_v1::factory_client::FactoryClient;
use factory_proto::factory_v1::{ListImagesRequest, WatchRequest};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// A daemon over a store of its own, without plugins. Killed when dropped.
struct Daemon {
    child: Child,
    address: String,
    rest: String,
    _root: TempDir,
}

impl Daemon {
    fn start() -> Self {
        let root = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_factoryd"))
            .args(["--listen", "127.0.0.1:0", "--rest", "127.0.0.1:0", "--anonymous", "admin"])
            .arg("--store")
            .arg(root.path().join("store"))
            .arg("--plugins")
            .arg(root.path())
            .env("XDG_RUNTIME_DIR", root.path())
            .env("FACTORY_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address =
            |prefix| lines.next().unwrap().unwrap().strip_prefix(prefix).unwrap().to_owned();
        let (address, rest) = (address("listening on "), address("REST listening on "));
        Self { child, address, rest, _root: root }
    }

    async fn channel(&self) -> Channel {
        let uri = format!("http://{}", self.address);
        Endpoint::from_shared(uri).unwrap().connect().await.unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daemon_serves_its_api_health_and_reflection_on_the_port_it_names() {
    let daemon = Daemon::start();
    let channel = daemon.channel().await;

    let request = ListImagesRequest::default();
    let images = FactoryClient::new(channel.clone()).list_images(request).await.unwrap();
    assert_eq!(images.into_inner().images, []);

    let request = HealthCheckRequest { service: "factory.v1.Factory".into() };
    let health = HealthClient::new(channel.clone()).check(request).await.unwrap();
    assert_eq!(health.into_inner().status(), ServingStatus::Serving);

    let services = services(channel).await;
    for service in ["factory.v1.Factory", "grpc.health.v1.Health"] {
        assert!(services.iter().any(|name| name == service), "{services:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_signal_ends_streams_and_then_the_daemon() {
    let mut daemon = Daemon::start();
    let mut client = FactoryClient::new(daemon.channel().await);
    let request = WatchRequest { follow: true, ..Default::default() };
    let mut stream = client.watch(request).await.unwrap().into_inner();
    let asked = Instant::now();
    daemon.signal(Signal::TERM);
    let end = stream.message().await.unwrap_err();
    assert_eq!((end.code(), end.message()), (Code::Unavailable, "the factory is shutting down"));
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn rest_is_served_where_it_was_asked_for_and_ends_with_the_daemon() {
    let mut daemon = Daemon::start();
    let mut connection = TcpStream::connect(&daemon.rest).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET /imagefactory/plugins HTTP/1.1\r\nHost: {}\r\n\r\n", daemon.rest);
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    while !answer.ends_with('}') {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        answer.push(char::from(byte[0]));
    }
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("{\"plugins\":[]}"), "{answer}");
    let asked = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(connection.read(&mut [0]).unwrap(), 0, "a client that asks nothing is let go");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

async fn services(channel: Channel) -> Vec<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    match answer.message_response.unwrap() {
        MessageResponse::ListServicesResponse(list) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("{other:?}"),
    }
}
