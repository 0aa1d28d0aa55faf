//! How a plugin is started: as a factory does it, or wrongly in one way.

use super::Process;
use super::census::MARK;
use crate::case::Stop;
use crate::place::Place;
use crate::trace::Trace;
use factory_proto::handshake::{
    APP_VERSION, Bootstrap, CLIENT_CERT, COOKIE_KEY, COOKIE_VALUE, SOCKET_DIR, TCP_PORTS, VERSIONS,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;

/// What a plugin inherits: what it takes to find programs and speak to the network.
const INHERITED: [&str; 11] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What a plugin gets on standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A line; then the stream stays open.
    Line(String),
    /// Nothing: the stream ends at once.
    Empty,
}

/// A start of a plugin that is being prepared.
#[derive(Debug)]
pub(crate) struct Launch {
    executable: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    input: Input,
    place: Arc<Place>,
    mark: String,
    trace: Trace,
}

impl Launch {
    /// Prepares a start as a factory does it.
    pub(crate) fn new(executable: &Path, trace: &Trace) -> Result<Self, Stop> {
        Self::at(Arc::new(Place::make()?), executable, trace)
    }

    /// Prepares a start where another one is or was.
    pub(crate) fn at(place: Arc<Place>, executable: &Path, trace: &Trace) -> Result<Self, Stop> {
        let inherited = INHERITED.iter();
        let mut environment: BTreeMap<String, String> = inherited
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let path = |path: PathBuf| path.display().to_string();
        let given = [
            (COOKIE_KEY, COOKIE_VALUE.to_owned()),
            (VERSIONS, APP_VERSION.to_string()),
            (SOCKET_DIR, path(place.sockets())),
            (MARK, mark.clone()),
            ("TMPDIR", path(place.temporary())),
        ];
        let ports = TCP_PORTS.map(|(name, value)| (name, value.to_owned()));
        environment.extend(given.into_iter().chain(ports).map(|(n, v)| (n.to_owned(), v)));
        Ok(Self {
            input: Input::Line(bootstrap(&place)),
            executable: executable.to_owned(),
            arguments: Vec::new(),
            environment,
            place,
            mark,
            trace: trace.clone(),
        })
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes a variable away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Asks for mutual TLS with the owner of a certificate.
    pub(crate) fn certificate(self, pem: &str) -> Self {
        self.env(CLIENT_CERT, pem)
    }

    /// Adds an argument.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Changes what comes on standard input.
    pub(crate) fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// Starts it.
    pub(crate) async fn start(self) -> Result<Process, Stop> {
        self.say();
        #[expect(clippy::disallowed_methods, reason = "the kit is a host of its own")]
        let mut command = Command::new(&self.executable);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.place.home())
            .stdin(if self.input == Input::Empty { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn().map_err(|error| {
            Stop::broken(format!("{} can't be started: {error}", self.executable.display()))
        })?;
        let mut process = Process::new(child, self.place, self.mark, self.trace);
        if let Input::Line(line) = &self.input {
            process.write_line(line).await;
        }
        Ok(process)
    }

    fn say(&self) {
        let ours = |name: &String| !INHERITED.contains(&name.as_str()) && name.as_str() != MARK;
        let variables = self.environment.iter().filter(|(name, _)| ours(name));
        let variables: Vec<_> =
            variables.map(|(name, value)| format!("{name}={value:?}")).collect();
        let words = [&[self.executable.display().to_string()][..], &self.arguments].concat();
        self.trace.say(format!("$ {} {}", variables.join(" "), words.join(" ")));
        if let Input::Line(line) = &self.input {
            self.trace.say(format!("< {line}"));
        }
    }
}

/// Writes the bootstrap document.
pub(crate) fn bootstrap(place: &Place) -> String {
    let document = Bootstrap {
        schema_version: 1,
        instance_id: uuid::Uuid::new_v4().to_string(),
        runtime_dir: place.home(),
        log_level: "debug".to_owned(),
        host_capabilities: Vec::new(),
    };
    serde_json::to_string(&document).unwrap_or_default()
}
