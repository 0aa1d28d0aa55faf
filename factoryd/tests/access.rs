//! Who may call a daemon, and how: roles at both edges, TLS, certificates of clients, the command line as a client.
#![expect(clippy::unwrap_used, reason = "tests")]

use factory_proto::factory_v1::factory_client::FactoryClient;
use factory_proto::factory_v1::tokens_client::TokensClient;
use factory_proto::factory_v1::{self as v1};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use reqwest::{Certificate, Client, Identity, Method};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tonic::{Code, Request, Status};

const UNKNOWN: &str = "0192f3a4-5b6c-7d8e-9f01-23456789abcd";
const ROLES: [&str; 3] = ["viewer", "builder", "admin"];

/// A daemon over a store of its own, without plugins, that serves both APIs. Killed when dropped.
struct Daemon {
    child: Child,
    grpc: String,
    rest: String,
    root: TempDir,
}

impl Daemon {
    fn start(flags: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), flags)
    }

    fn start_in(root: TempDir, flags: &[&str]) -> Self {
        let mut child = program(env!("CARGO_BIN_EXE_factoryd"), root.path())
            .args(["--listen", "127.0.0.1:0", "--rest", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address =
            |prefix| lines.next().unwrap().unwrap().strip_prefix(prefix).unwrap().to_owned();
        let (grpc, rest) = (address("listening on "), address("REST listening on "));
        Self { child, grpc, rest, root }
    }

    fn store(&self) -> PathBuf {
        self.root.path().join("store")
    }

    fn certificate(&self) -> PathBuf {
        self.store().join("tls/certificate.pem")
    }

    /// Makes a token on the store, as an administrator does on the daemon's machine.
    fn token(&self, role: &str) -> String {
        let made = program(env!("CARGO_BIN_EXE_factory"), self.root.path())
            .args(["token", "create", role, "--role", role])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Asks the command line to list the images of this daemon.
    fn images_by_command_line(&self, flags: &[&str]) -> Output {
        let mut command = program(env!("CARGO_BIN_EXE_factory"), self.root.path());
        command.env_remove("FACTORY_STORE").args(["images", "--json"]).args(flags).output().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(path: &str, root: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("HOME", root)
        .env("XDG_RUNTIME_DIR", root)
        .env("FACTORY_STORE", root.join("store"))
        .env("FACTORY_PLUGINS", root)
        .env("FACTORY_LOG", "error");
    command
}

fn with_token<T>(message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

fn code<T>(result: Result<T, Status>) -> Code {
    result.err().map_or(Code::Ok, |status| status.code())
}

/// Nobody, a stranger, and the three roles.
fn callers(daemon: &Daemon) -> Vec<Option<String>> {
    let stranger = format!("factory_0123456789ab_{}", "0".repeat(64));
    let known = ROLES.map(|role| Some(daemon.token(role)));
    [None, Some(stranger)].into_iter().chain(known).collect()
}

#[tokio::test]
async fn over_rest_each_role_may_do_what_it_may_and_no_more() {
    let daemon = Daemon::start(&[]);
    let callers = callers(&daemon);
    let image = format!("/base_images/{UNKNOWN}");
    let expected = [
        (Method::GET, String::new(), [200, 200, 200, 200, 200]),
        (Method::GET, "/openapi.json".into(), [200, 200, 200, 200, 200]),
        (Method::GET, "/docs".into(), [200, 200, 200, 200, 200]),
        (Method::GET, "/jeos".into(), [200, 200, 200, 200, 200]),
        (Method::GET, "/targets".into(), [501, 501, 501, 501, 501]),
        (Method::GET, "/nothing".into(), [404, 404, 404, 404, 404]),
        (Method::GET, "/base_images".into(), [401, 401, 200, 200, 200]),
        (Method::GET, "/plugins".into(), [401, 401, 200, 200, 200]),
        (Method::GET, image.clone(), [401, 401, 404, 404, 404]),
        (Method::GET, format!("{image}/raw_image"), [401, 401, 404, 404, 404]),
        (Method::GET, format!("{image}/events"), [401, 401, 404, 404, 404]),
        (Method::POST, "/base_images".into(), [401, 401, 403, 400, 400]),
        (Method::POST, format!("{image}/cancel"), [401, 401, 403, 404, 404]),
        (Method::DELETE, image, [401, 401, 403, 404, 404]),
    ];
    let client = Client::builder().no_proxy().build().unwrap();
    for (method, path, expected) in expected {
        let mut statuses = Vec::new();
        for token in &callers {
            let url = format!("http://{}/imagefactory{path}", daemon.rest);
            // Known callers may use any name of the daemon.
            let request = client.request(method.clone(), url).header("Host", "factory.example.org");
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = request.send().await.unwrap();
            if answer.status() == 401 {
                assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"factory\"");
            }
            statuses.push(answer.status().as_u16());
        }
        assert_eq!(statuses, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn over_grpc_each_role_may_do_what_it_may_and_no_more() {
    use Code::{InvalidArgument, NotFound, Ok, PermissionDenied, Unauthenticated};
    let daemon = Daemon::start(&[]);
    let address = format!("http://{}", daemon.grpc);
    let mut images = FactoryClient::connect(address.clone()).await.unwrap();
    let mut tokens = TokensClient::connect(address).await.unwrap();
    let (shut, id) = (Unauthenticated, || UNKNOWN.to_owned());
    let expected = [
        (shut, Ok, NotFound, PermissionDenied, PermissionDenied),
        (shut, Ok, NotFound, PermissionDenied, PermissionDenied),
        (Ok, Ok, NotFound, PermissionDenied, PermissionDenied),
        (Ok, Ok, NotFound, InvalidArgument, PermissionDenied),
        (Ok, Ok, NotFound, InvalidArgument, Ok),
    ];
    for (token, expected) in callers(&daemon).iter().zip(expected) {
        let token = token.as_deref();
        let list = v1::ListImagesRequest::default();
        let listed = code(images.list_images(with_token(list, token)).await);
        let plugins = code(images.list_plugins(with_token(v1::ListPluginsRequest {}, token)).await);
        let watch = v1::WatchRequest { image_ids: vec![id()], ..Default::default() };
        let watched = code(images.watch(with_token(watch, token)).await);
        let create = v1::CreateBaseImageRequest::default();
        let created = code(images.create_base_image(with_token(create, token)).await);
        let managed = code(tokens.list_tokens(with_token(v1::ListTokensRequest {}, token)).await);
        assert_eq!(listed, plugins);
        let expected = match expected.0 {
            Unauthenticated => (shut, shut, shut, shut, shut),
            _ => expected,
        };
        assert_eq!((listed, plugins, watched, created, managed), expected, "{token:?}");
        let delete = v1::DeleteRequest { id: id(), ..Default::default() };
        let deleted = code(images.delete(with_token(delete, token)).await);
        let cancelled =
            code(images.cancel(with_token(v1::CancelRequest { id: id() }, token)).await);
        assert_eq!(deleted, cancelled);
        let may = if created == InvalidArgument { NotFound } else { created };
        assert_eq!(deleted, may, "who may create may delete, and nobody else");
    }
}

#[tokio::test]
async fn tls_is_spoken_to_who_trusts_the_certificate_and_to_nobody_else() {
    let daemon = Daemon::start(&["--tls-self-signed", "--anonymous", "viewer"]);
    let url = format!("https://{}/imagefactory/base_images", daemon.rest);
    let pem = std::fs::read(daemon.certificate()).unwrap();
    let builder = || Client::builder().no_proxy();
    let trusting = builder().tls_certs_only([Certificate::from_pem(&pem).unwrap()]);
    assert_eq!(trusting.build().unwrap().get(&url).send().await.unwrap().status(), 200);
    assert!(builder().build().unwrap().get(&url).send().await.is_err(), "nobody vouches for it");

    for address in [&daemon.rest, &daemon.grpc] {
        let mut plain = TcpStream::connect(address).unwrap();
        plain.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        plain.write_all(b"GET /imagefactory HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{address} speaks without TLS");
    }
}

#[tokio::test]
async fn who_is_slow_with_its_handshake_is_in_nobodys_way() {
    let daemon = Daemon::start(&["--tls-self-signed", "--anonymous", "viewer"]);
    let silent: Vec<_> = [&daemon.rest, &daemon.grpc]
        .into_iter()
        .flat_map(|address| (0..50).map(move |_| TcpStream::connect(address).unwrap()))
        .collect();
    let pem = std::fs::read(daemon.certificate()).unwrap();
    let client = Client::builder().no_proxy();
    let client = client.tls_certs_only([Certificate::from_pem(&pem).unwrap()]).build().unwrap();
    let url = format!("https://{}/imagefactory/plugins", daemon.rest);
    assert_eq!(client.get(url).send().await.unwrap().status(), 200);
    let server = format!("https://{}", daemon.grpc);
    let certificate = daemon.certificate();
    let listed = daemon.images_by_command_line(&[
        "--server",
        &server,
        "--ca",
        certificate.to_str().unwrap(),
    ]);
    assert!(listed.status.success(), "{listed:?}");
    drop(silent);
}

/// An authority, and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Answers a client's certificate and key, as PEM.
    fn client(&self, name: &str, unit: &str) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

#[tokio::test]
async fn a_certificate_says_who_calls_if_a_known_authority_signed_it() {
    let root = TempDir::new().unwrap();
    let authority = Authority::new();
    let file = root.path().join("clients.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let flags = ["--tls-self-signed", "--tls-client-ca", file.to_str().unwrap()];
    let daemon = Daemon::start_in(root, &flags);
    let url = format!("https://{}/imagefactory/base_images", daemon.rest);
    let pem = std::fs::read(daemon.certificate()).unwrap();
    let client = |identity: Option<&(String, String)>| {
        let trusted = Certificate::from_pem(&pem).unwrap();
        let builder = Client::builder().no_proxy().tls_certs_only([trusted]);
        let builder = match identity {
            Some((certificate, key)) => {
                let both = format!("{certificate}{key}");
                builder.identity(Identity::from_pem(both.as_bytes()).unwrap())
            }
            None => builder,
        };
        builder.build().unwrap()
    };
    let status = async |client: &Client, method: Method| {
        client.request(method, &url).send().await.map(|answer| answer.status().as_u16())
    };
    let nobody = client(None);
    assert_eq!(status(&nobody, Method::GET).await.unwrap(), 401, "no certificate is no error");
    for (unit, create) in [("viewer", 403), ("builder", 400), ("Engineering", 403)] {
        let known = client(Some(&authority.client("ci", unit)));
        assert_eq!(status(&known, Method::GET).await.unwrap(), 200, "{unit}");
        assert_eq!(status(&known, Method::POST).await.unwrap(), create, "{unit}");
        let page = known.get(&url).header("Origin", "https://example.org").send().await.unwrap();
        assert_eq!(page.status(), 403, "a page of elsewhere uses the certificate of its reader");
    }
    let stranger = client(Some(&Authority::new().client("ci", "admin")));
    assert!(status(&stranger, Method::GET).await.is_err(), "its authority is not known");

    let (certificate, key) = authority.client("ci", "viewer");
    std::fs::write(daemon.root.path().join("c.pem"), certificate).unwrap();
    std::fs::write(daemon.root.path().join("k.pem"), key).unwrap();
    let path = |name: &str| daemon.root.path().join(name).display().to_string();
    let server = format!("https://{}", daemon.grpc);
    let trusted = daemon.certificate().display().to_string();
    let place = ["--server", server.as_str(), "--ca", trusted.as_str()];
    let identity = ["--certificate", &path("c.pem"), "--key", &path("k.pem")];
    let listed = daemon.images_by_command_line(&[&place[..], &identity[..]].concat());
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "[]\n", "{listed:?}");
    let refused = daemon.images_by_command_line(&place);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}

#[test]
fn the_command_line_shows_the_token_of_its_file_and_trusts_whom_it_is_told_to() {
    let daemon = Daemon::start(&["--tls-self-signed"]);
    let file = daemon.root.path().join("token");
    std::fs::write(&file, daemon.token("viewer")).unwrap();
    let server = format!("https://{}", daemon.grpc);
    let (certificate, file) = (daemon.certificate(), file.display().to_string());
    let place = ["--server", &server, "--ca", certificate.to_str().unwrap()];
    let listed = daemon.images_by_command_line(&[&place[..], &["--token-file", &file]].concat());
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "[]\n", "{listed:?}");

    let refused = daemon.images_by_command_line(&place);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.starts_with("error: this factory wants to know who calls"), "{said}");

    let untrusted = daemon.images_by_command_line(&["--server", &server, "--token-file", &file]);
    assert_eq!(untrusted.status.code(), Some(4), "{untrusted:?}");
    assert!(String::from_utf8_lossy(&untrusted.stderr).contains("--ca FILE"), "{untrusted:?}");

    let plain = daemon.images_by_command_line(&["--server", &daemon.grpc]);
    assert_eq!(plain.status.code(), Some(4), "{plain:?}");
    assert!(String::from_utf8_lossy(&plain.stderr).contains("begins with https://"), "{plain:?}");
}

#[test]
fn an_address_that_others_reach_takes_tls_and_callers_with_names() {
    let root = TempDir::new().unwrap();
    let check = |flags: &[&str]| {
        let mut command = program(env!("CARGO_BIN_EXE_factoryd"), root.path());
        let output =
            command.args(["config", "check", "--listen", "0.0.0.0:0"]).args(flags).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (fits, said) = check(&[]);
    assert!(!fits && said.contains("is not a loopback address"), "{said}");
    assert!(said.contains("--tls-self-signed"), "{said}");
    for flags in [&["--tls-self-signed"][..], &["--plain-text"]] {
        let (fits, said) = check(flags);
        assert!(fits, "{flags:?}: {said}");
        let (fits, said) = check(&[flags, &["--anonymous", "viewer"]].concat());
        assert!(!fits && said.contains("--anonymous"), "{flags:?}: {said}");
    }
    for flags in [&["--tls-certificate", "c.pem"][..], &["--tls-client-ca", "c.pem"]] {
        let (fits, said) = check(&[&["--plain-text"], flags].concat());
        assert!(!fits, "{flags:?}: {said}");
    }
}
