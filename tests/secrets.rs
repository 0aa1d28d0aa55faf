//! The leak gate: secrets are given to a factory wherever it takes some, to plugins that say all they know, and are then looked
//! for wherever anything of it can be read.

use crate::support::canary::Canaries;
use crate::support::client::Client;
use crate::support::factory::{Daemon, Sandbox};
use crate::support::leftovers::files_in;
use crate::support::program::Ended;
use crate::support::receiver::Receiver;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::create_provider_image_request::Source;
use factory_proto::factory_v1::{self as v1, Image, ImageStatus};
use prost::Message;
use serde_json::{Value, json};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tonic::Status;

/// The secrets, by where they are given. Those of documents are the values in them.
const SECRETS: &[(&str, &str)] = &[
    ("root password", "r00t-canary pass+1/%"),
    ("product key", "KEYCA-NARY1-12345-ABCDE"),
    ("installation's URL", "install-canary-77"),
    ("repository's URL", "repository-canary-78"),
    ("content's URL", "content-canary-79"),
    ("sensitive parameter", PARAMETER),
    ("credentials, JSON", "json-canary/+= \"9\""),
    ("credentials, access key", "AKIACANARY0001"),
    ("credentials, XML", "xml-canary-&-3"),
    ("named secret", "named-canary-42+/x"),
    ("callback's signature", "signing-canary-50"),
    ("callback's URL", "hook-canary-51"),
    ("OAuth client", "oauth-canary-52"),
];

const PARAMETER: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHCANARYYwEwYHKoZIzj0CAQYIKoZIzj0DAQcEbTBrAgEBBCB6f/+MvWB0AWvz\n\
    OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n\
    -----END PRIVATE KEY-----\n";

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(60);

fn json_credentials() -> String {
    json!({"access_key": "AKIACANARY0001", "nested": {"secret": "json-canary/+= \"9\""}})
        .to_string()
}

fn xml_credentials() -> String {
    "<provider_credentials><mock><password>xml-canary-&amp;-3</password></mock></provider_credentials>"
        .to_owned()
}

/// A template with secrets in every place that it has for some.
fn template(name: &str) -> Tdl {
    Tdl::mock(name)
        .install("http://me:install-canary-77@example.org/mock")
        .root_password("r00t-canary pass+1/%")
        .product_key("KEYCA-NARY1-12345-ABCDE")
        .section(
            "<repositories><repository name='r'>\
             <url>http://me:repository-canary-78@example.org/r</url></repository></repositories>",
        )
}

/// What was found so far.
struct Gate {
    canaries: Canaries,
    hits: Vec<String>,
    seen: usize,
}

impl Gate {
    fn new(secrets: &[(&str, &str)]) -> Self {
        Self { canaries: Canaries::new(secrets), hits: Vec::new(), seen: 0 }
    }

    fn see(&mut self, place: &str, bytes: &[u8]) {
        self.seen += bytes.len();
        self.hits.extend(self.canaries.hits(place, bytes));
    }

    fn answer(&mut self, answer: Result<Image, Status>) -> Option<Image> {
        match answer {
            Ok(image) => {
                self.see("an answer over gRPC", &image.encode_to_vec());
                Some(image)
            }
            Err(status) => {
                self.see("a refusal over gRPC", status.message().as_bytes());
                self.see("the details of a refusal", status.details());
                None
            }
        }
    }

    /// Waits until an image has ended, and looks at all that is told of it.
    async fn ended(&mut self, client: &mut Client, image: &Image) -> Image {
        for event in client.events(&image.id, 0).await {
            self.see("an event", &event.encode_to_vec());
        }
        let image = client.image(&image.id).await;
        self.see("an image", &image.encode_to_vec());
        image
    }

    /// Looks at the processes of a daemon, and whether they could leave a core.
    fn processes(&mut self, daemon: &Daemon) {
        let members = daemon.brood().members();
        let pids: Vec<String> =
            members.iter().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
        assert!(!pids.is_empty(), "no process was looked at");
        self.hits.extend(self.canaries.in_processes(&pids));
        for pid in pids {
            let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
            let core = limits.lines().find(|line| line.starts_with("Max core file size"));
            if core.is_some_and(|line| !line.contains(" 0                    0 ")) {
                self.hits.push(format!("process {pid} may leave a core: {core:?}"));
            }
        }
    }

    /// Looks at the store and at what is beside it, but not into the bodies of images.
    fn files(&mut self, sandbox: &Sandbox) {
        let bodies = sandbox.store().join("images");
        // Beside bodies there is one file that is a secret by itself: the key of a certificate that the daemon made.
        let key = sandbox.store().join("tls/key.pem");
        let body = |file: &Path| file.starts_with(&bodies) || file == key;
        self.hits.extend(self.canaries.in_files(&sandbox.store(), body));
        self.hits.extend(self.canaries.in_files(sandbox.temporary(), |_| false));
        let is_core = |file: &PathBuf| {
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core"))
        };
        let cores = files_in(sandbox.path()).into_iter().chain(files_in(sandbox.temporary()));
        self.hits.extend(cores.filter(is_core).map(|core| format!("a core: {}", core.display())));
    }

    fn program(&mut self, name: &str, ended: &Ended) {
        self.see(&format!("what {name} printed"), ended.stdout.as_bytes());
        self.see(&format!("what {name} said"), ended.stderr.as_bytes());
    }

    #[track_caller]
    fn close(self) {
        assert!(10_000 < self.seen, "hardly anything was looked at");
        assert!(self.hits.is_empty(), "{} hits:\n{}", self.hits.len(), self.hits.join("\n"));
    }
}

/// Writes a file that only its owner may read.
fn secret_file(directory: &Path, name: &str, text: &str) -> String {
    use std::io::Write;
    let path = directory.join(name);
    let mut options = std::fs::File::options();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A factory that was given secrets by its operator.
struct Secretive {
    sandbox: Sandbox,
    flags: Vec<String>,
}

fn secretive() -> Secretive {
    use std::os::unix::fs::DirBuilderExt;
    let sandbox = Sandbox::new();
    let named = sandbox.path().join("secrets");
    std::fs::DirBuilder::new().mode(0o700).create(&named).unwrap();
    secret_file(&named, "registry", "named-canary-42+/x\n");
    let signing = secret_file(sandbox.path(), "signing", "signing-canary-50");
    let clients = "[clients.ci]\nsecret = \"oauth-canary-52\"\nrole = \"builder\"";
    let clients = secret_file(sandbox.path(), "clients.toml", clients);
    let flags = [
        ("--secrets-dir", named.to_str().unwrap()),
        ("--callback-secret", &signing),
        ("--oauth-clients", &clients),
        ("--outbound-allow", "127.0.0.1"),
        ("--log", "debug"),
        ("--retries", "0"),
    ];
    let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]);
    Secretive { flags: flags.collect(), sandbox }
}

fn parameters(more: &Value) -> Value {
    let mut all = json!({"mock_password": PARAMETER, "mock_echo": true});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn push(target: &Image, credentials: &str, more: &Value) -> v1::CreateProviderImageRequest {
    v1::CreateProviderImageRequest {
        target: "mock".to_owned(),
        provider: "mock-provider".to_owned(),
        credentials: credentials.to_owned(),
        parameters_json: parameters(more).to_string(),
        source: Some(Source::TargetImageId(target.id.clone())),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_a_factory_whatever_its_plugins_say_and_however_they_end() {
    let Secretive { sandbox, flags } = secretive();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let receiver = Receiver::start(0, usize::MAX);
    let hook = format!("http://me:hook-canary-51@127.0.0.1:{}/hook", receiver.port);
    let mut gate = Gate::new(SECRETS);
    let daemon = sandbox.open_daemon_with_rest(&flags);
    let mut client = daemon.connect().await;

    let wanted = parameters(&json!({"callbacks": [hook]}));
    let target = client.create_target(&template("told"), "mock", &wanted).await;
    let target = gate.answer(target).unwrap();
    let target = gate.ended(&mut client, &target).await;
    assert_eq!(target.status(), ImageStatus::Complete, "{:?}", target.error);
    let base = client.image(&target.parent_id).await;
    gate.ended(&mut client, &base).await;
    gate.processes(&daemon);

    for credentials in [json_credentials(), xml_credentials(), "secret:registry".to_owned()] {
        let pushed = client.create_provider_image(push(&target, &credentials, &json!({}))).await;
        let pushed = gate.answer(pushed).unwrap();
        let pushed = gate.ended(&mut client, &pushed).await;
        assert_eq!(pushed.status(), ImageStatus::Complete, "{:?}", pushed.error);
        let request = v1::DeleteRequest {
            id: pushed.id.clone(),
            credentials: if credentials.starts_with("secret:") {
                String::new()
            } else {
                credentials
            },
            parameters_json: parameters(&json!({})).to_string(),
            ..Default::default()
        };
        gate.answer(client.delete_with(request).await).unwrap();
        let deleted = gate.ended(&mut client, &pushed).await;
        assert_eq!(deleted.status(), ImageStatus::Deleted, "{:?}", deleted.error);
        gate.processes(&daemon);
    }
    badly(&mut gate, &daemon, &mut client, &target).await;
    over_rest(&mut gate, &daemon, &target);
    gate.files(&sandbox);

    for delivery in receiver.until(|all| all.iter().any(|it| it.news().2 == "COMPLETE")) {
        gate.see("a callback", &delivery.body);
    }
    let ended = daemon.stop().succeeded();
    gate.program("the daemon", &ended);
    gate.files(&sandbox);
    gate.close();
}

/// Lets everything end badly.
async fn badly(gate: &mut Gate, daemon: &Daemon, client: &mut Client, target: &Image) {
    for misbehaviour in ["fail", "panic", "crash", "exit"] {
        let more = json!({"mock_misbehave": misbehaviour});
        let base = client.create_base(&template(misbehaviour), &parameters(&more)).await;
        let base = gate.answer(base).unwrap();
        let pushed = client.create_provider_image(push(target, &json_credentials(), &more)).await;
        let pushed = gate.answer(pushed).unwrap();
        let snapshot = v1::CreateProviderImageRequest {
            source: Some(Source::TemplateXml(template("snapshot").xml())),
            snapshot: true,
            ..push(target, &xml_credentials(), &more)
        };
        let snapshot = gate.answer(client.create_provider_image(snapshot).await).unwrap();
        for image in [base, pushed, snapshot] {
            let image = gate.ended(client, &image).await;
            assert_eq!(image.status(), ImageStatus::Failed, "{misbehaviour}");
        }
    }
    let more = json!({"mock_misbehave": "hang"});
    let hanging = client.create_provider_image(push(target, "secret:registry", &more)).await;
    let hanging = gate.answer(hanging).unwrap();
    gate.processes(daemon);
    gate.answer(client.cancel(&hanging.id).await);
    assert_eq!(gate.ended(client, &hanging).await.status(), ImageStatus::Failed);

    let content = "<files><file name='/x' type='url'>http://me:content-canary-79@127.0.0.1:1/x</file></files>";
    let unfetched = template("unfetched").section(content);
    let base = client.create_base(&unfetched, &parameters(&json!({}))).await;
    let base = gate.answer(base).unwrap();
    assert_eq!(gate.ended(client, &base).await.status(), ImageStatus::Failed);
    let refused = parameters(&json!({"mock_echo": "refuse"}));
    assert!(gate.answer(client.create_base(&template("refused"), &refused).await).is_none());
    let broken = template("broken").section("<broken");
    assert!(gate.answer(client.create_base(&broken, &parameters(&json!({}))).await).is_none());
}

/// Asks over REST, well and badly, and looks at all answers.
fn over_rest(gate: &mut Gate, daemon: &Daemon, target: &Image) {
    let provider = |credentials: Value, more: Value| {
        json!({"provider_image": {
            "target": "mock", "provider": "p", "credentials": credentials,
            "target_image_id": target.id, "parameters": parameters(&more),
        }})
        .to_string()
    };
    let bodies = [
        provider(json!(json_credentials()), json!({})),
        provider(json!(json_credentials()), json!({"mock_echo": "refuse"})),
        provider(json!("secret:unheard-of"), json!({})),
        provider(json!({"password": "json-canary/+= \"9\""}), json!({})),
        provider(json!([7]), json!({"callbacks": "ftp://me:hook-canary-51@example.org/"})),
        format!("{{\"provider_image\": {{\"credentials\": {}", Value::from(json_credentials())),
        json!({"provider_image": {"credentials": json_credentials()}}).to_string(),
    ];
    for body in bodies {
        let answer = curl(
            &format!("http://{}/imagefactory/provider_images", daemon.rest()),
            &["-H", "Content-Type: application/json", "--data-binary", "@-"],
            &body,
        );
        gate.see("an answer over REST", &answer);
    }
    let base = json!({"base_image": {"template": template("rest").xml(), "parameters": parameters(&json!({}))}});
    let answer = curl(
        &format!("http://{}/imagefactory/base_images", daemon.rest()),
        &["-H", "Content-Type: application/json", "--data-binary", "@-"],
        &base.to_string(),
    );
    gate.see("an answer over REST", &answer);
    let body = answer.iter().position(|byte| *byte == b'{').unwrap();
    let made: Value = serde_json::from_slice(&answer[body..]).unwrap();
    let id = made["base_image"]["id"].as_str().unwrap();
    for path in [
        "base_images",
        "target_images",
        "provider_images",
        "plugins",
        &format!("base_images/{id}"),
        &format!("base_images/{id}/events?wait=30"),
    ] {
        let answer = curl(&format!("http://{}/imagefactory/{path}", daemon.rest()), &[], "");
        gate.see("an answer over REST", &answer);
    }
}

/// Asks a server, and returns its answer with its headers.
fn curl(url: &str, arguments: &[&str], body: &str) -> Vec<u8> {
    use std::io::Write;
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--max-time", "40"]).args(arguments);
    let mut child = command.arg(url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "curl {url}: {}", output.status);
    output.stdout
}

#[test]
fn no_secret_of_a_caller_leaves_a_factory_or_a_command_line() {
    let Secretive { sandbox, mut flags } = secretive();
    flags.push("--tls-self-signed".to_owned());
    let factory = |arguments: &[&str]| {
        let mut command = sandbox.factory();
        command.args(arguments);
        Ended::of(&command, DEADLINE)
    };
    let token = factory(&["token", "create", "ci", "--role", "admin"]).succeeded().stdout;
    let token = token.trim().to_owned();
    let token_file = secret_file(sandbox.path(), "token", &token);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let daemon = sandbox.closed_daemon_with_rest(&flags);
    let key = std::fs::read_to_string(sandbox.store().join("tls/key.pem")).unwrap();
    let key_line = key.lines().nth(1).unwrap();
    let mut gate = Gate::new(&[SECRETS, &[("token", &token), ("TLS key", key_line)]].concat());
    let certificate = sandbox.store().join("tls/certificate.pem").to_str().unwrap().to_owned();
    let server = format!("https://{}", daemon.address());
    let credentials = secret_file(sandbox.path(), "credentials", &json_credentials());
    let parameters_file =
        secret_file(sandbox.path(), "parameters", &parameters(&json!({})).to_string());
    let document = sandbox.template(&template("cli"));
    let client = ["--server", &server, "--ca", &certificate, "--token-file", &token_file];
    let build = ["build", document.to_str().unwrap(), "--target", "mock", "--provider", "mock=p"];
    let provided = ["--credentials", &credentials, "--parameters", &parameters_file];
    for more in [&["--json"][..], &[], &["--parameter", "mock_misbehave=crash"]] {
        let arguments = [&client[..], &build, &provided, more].concat();
        let ended = factory(&arguments);
        let crashes = more.len() == 2;
        assert_eq!(ended.status.success(), !crashes, "{}\n{}", ended.stdout, ended.stderr);
        gate.program("the command line", &ended);
        gate.processes(&daemon);
    }
    for verb in [&["images", "--json"][..], &["images"], &["plugins"]] {
        gate.program("the command line", &factory(&[&client[..], verb].concat()).succeeded());
    }
    let url = format!("https://{}/imagefactory/base_images", daemon.rest());
    for wrong in ["", "x"] {
        let header = format!("Authorization: Bearer {token}{wrong}\n");
        let answer = curl(&url, &["--cacert", &certificate, "-H", "@-"], &header);
        gate.see("an answer over REST", &answer);
    }
    gate.files(&sandbox);
    gate.program("the daemon", &daemon.stop().succeeded());
    gate.files(&sandbox);
    gate.close();
}
