//! The original's keys that have a meaning here.

use super::clients::Clients;
use super::{Original, Translated, gone};
use crate::config::document::{Node, NodeValue};
use crate::config::problem::{Problem, Spot};
use crate::report::{Lines, quote};
use serde_json::Value as Json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

/// Where the original listened unless told otherwise.
const USUAL_PORT: u16 = 8075;
/// Where its plugins were, which are modules for Python.
const USUAL_PLUGINS: &str = "/etc/imagefactory/plugins.d";

/// A translation that is being made.
pub(super) struct Draft<'a> {
    file: &'a str,
    text: &'a str,
    settings: Vec<Translated>,
    clients: Clients,
    address: Option<(IpAddr, Range<usize>)>,
    port: Option<(u16, Range<usize>)>,
    debug: bool,
    plain_text: bool,
    warnings: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Draft<'a> {
    /// Begins with nothing.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            settings: Vec::new(),
            clients: Clients::default(),
            address: None,
            port: None,
            debug: false,
            plain_text: false,
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Takes a key.
    pub(super) fn take(&mut self, key: &str, value: &Json) {
        if let Some(instead) = gone::instead_of(key) {
            return self.warn(key, &format!("has no meaning any more: {instead}"));
        }
        match key {
            "address" => self.take_address(value),
            "port" => self.take_port(value),
            "no_ssl" => self.take_no_ssl(value),
            "ssl_pem" => self.take_ssl_pem(value),
            "no_oauth" => self.take_no_oauth(value),
            "clients" => self.take_clients(value),
            "plugins" => self.take_plugins(value),
            "image_manager_args" => self.take_store(value),
            "max_concurrent_local_sessions" => self.take_sessions(value),
            "tdl_require_root_pw" => {
                if let Some(required) = self.boolean(key, value) {
                    self.set("require_root_password", NodeValue::Boolean(required), key);
                }
            }
            "debug" | "verbose" => self.take_log(key, value),
            _ => self.warn(key, "is no key of Image Factory's; it is left out"),
        }
    }

    /// Answers the translation, or all that is wrong.
    pub(super) fn finish(mut self) -> Result<Original, Vec<Problem>> {
        self.listen();
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let Self { file, settings, clients, warnings, .. } = self;
        Ok(Original { file: file.to_owned(), settings, clients, warnings })
    }

    fn take_address(&mut self, value: &Json) {
        match value.as_str().map(|text| (text, text.parse())) {
            Some((_, Ok(address))) => self.address = Some((address, self.span("address"))),
            _ => self.wrong("address", "an IP address"),
        }
    }

    fn take_port(&mut self, value: &Json) {
        match whole(value).and_then(|port| u16::try_from(port).ok()) {
            Some(port) => self.port = Some((port, self.span("port"))),
            None => self.wrong("port", "a whole number from 0 to 65535"),
        }
    }

    fn take_no_ssl(&mut self, value: &Json) {
        match self.boolean("no_ssl", value) {
            Some(true) => self.plain_text = true,
            Some(false) => self.warn(
                "no_ssl",
                "has no meaning any more: TLS is spoken once `[tls]` names a certificate and a key",
            ),
            None => {}
        }
    }

    fn take_ssl_pem(&mut self, value: &Json) {
        match value.as_str() {
            Some("*") => self.warn(
                "ssl_pem",
                "has no meaning any more: `[tls] self_signed = true` makes a certificate",
            ),
            Some(path) if !path.is_empty() => {
                self.set("tls.certificate", NodeValue::Text(path.to_owned()), "ssl_pem");
                self.set("tls.key", NodeValue::Text(path.to_owned()), "ssl_pem");
            }
            _ => self.wrong("ssl_pem", "the path of a file"),
        }
    }

    fn take_no_oauth(&mut self, value: &Json) {
        if self.boolean("no_oauth", value) == Some(true) {
            self.set("access.anonymous", NodeValue::Text("admin".to_owned()), "no_oauth");
            let why =
                "lets in whoever calls from this machine, and nobody else: give others tokens";
            self.warn("no_oauth", why);
        }
    }

    fn take_clients(&mut self, value: &Json) {
        let Some(clients) = value.as_object() else {
            return self.wrong("clients", "an object of names and secrets");
        };
        for (name, secret) in clients {
            let taken = match secret.as_str() {
                Some(secret) => self.clients.add(name, secret),
                None => Err("its secret is no string"),
            };
            if let Err(why) = taken {
                self.warn("clients", &format!("names {}, which is left out: {why}", quote(name)));
            }
        }
    }

    fn take_plugins(&mut self, value: &Json) {
        match value.as_str() {
            Some(USUAL_PLUGINS) => self.warn(
                "plugins",
                "is left out: plugins of Image Factory are Python modules; ours are found where they are installed",
            ),
            Some(path) if !path.is_empty() => {
                let node = Node { span: self.span("plugins"), value: text(path) };
                self.set("plugins", NodeValue::List(vec![node]), "plugins");
            }
            _ => self.wrong("plugins", "the path of a directory"),
        }
    }

    fn take_store(&mut self, value: &Json) {
        let Some(arguments) = value.as_object() else {
            return self.wrong("image_manager_args", "an object");
        };
        for (key, value) in arguments {
            match (key.as_str(), value.as_str()) {
                ("storage_path", Some(path)) if !path.is_empty() => {
                    self.set("store", text(path), "storage_path");
                    let why = format!(
                        "becomes the store; the images there are taken over by `factory import-store {path}`"
                    );
                    self.warn("storage_path", &why);
                }
                ("storage_path", _) => self.wrong("storage_path", "the path of a directory"),
                _ => self.warn(key, "has no meaning any more: `store` is all there is to say"),
            }
        }
    }

    fn take_sessions(&mut self, value: &Json) {
        let key = "max_concurrent_local_sessions";
        match whole(value).filter(|number| *number > 0) {
            Some(number) => {
                self.set("jobs.concurrent_builds", NodeValue::Number(number.to_string()), key);
            }
            None => self.wrong(key, "a whole number from 1"),
        }
    }

    fn take_log(&mut self, key: &str, value: &Json) {
        let Some(true) = self.boolean(key, value) else { return };
        if self.debug {
            return;
        }
        self.debug = key == "debug";
        self.settings.retain(|setting| setting.key != "log");
        self.set("log", text(if self.debug { "debug" } else { "info" }), key);
    }

    /// The original served REST in any case, and to everybody.
    fn listen(&mut self) {
        let port = self.port.clone();
        let (port, port_span) = port.unwrap_or((USUAL_PORT, 0..0));
        let (address, span) = self.address.clone().unwrap_or_else(|| {
            let why =
                "is not said: REST is served to this machine only; the original served it to all";
            self.warn("address", why);
            (IpAddr::V4(Ipv4Addr::LOCALHOST), port_span)
        });
        let value = NodeValue::Text(SocketAddr::new(address, port).to_string());
        self.settings.push(Translated { key: "rest.listen", value, span });
        let has_tls = self.settings.iter().any(|setting| setting.key == "tls.certificate");
        if address.is_loopback() || has_tls {
            return;
        }
        if self.plain_text {
            self.set("access.plain_text", NodeValue::Boolean(true), "no_ssl");
        } else {
            let why = "is open to other machines: name a certificate and a key in `[tls]`, or say \
                       `plain_text = true` in `[access]`";
            self.warn("address", why);
        }
    }

    /// Python's idea of truth, as far as people use it in such files.
    fn boolean(&mut self, key: &str, value: &Json) -> Option<bool> {
        let truth = match value {
            Json::Bool(truth) => Some(*truth),
            Json::Number(number) => number.as_i64().map(|number| number != 0),
            Json::String(word) => match word.as_str() {
                "1" | "true" | "True" => Some(true),
                "" | "0" | "false" | "False" => Some(false),
                _ => None,
            },
            Json::Null => Some(false),
            _ => None,
        };
        if truth.is_none() {
            self.wrong(key, "true or false, 1 or 0");
        }
        truth
    }

    fn set(&mut self, key: &'static str, value: NodeValue, from: &str) {
        let span = self.span(from);
        self.settings.push(Translated { key, value, span });
    }

    fn warn(&mut self, key: &str, why: &str) {
        let place = match self.span(key) {
            span if span.is_empty() => self.file.to_owned(),
            span => format!("{}:{}", self.file, Lines::of(self.text).place(span).line),
        };
        self.warnings.push(format!("{place}: {} {why}", quote(key)));
    }

    fn wrong(&mut self, key: &str, expected: &str) {
        let line = Lines::of(self.text).place(self.span(key)).line as usize;
        let spot = Spot::Line { file: self.file.to_owned(), line };
        let problem = Problem::new(spot, format!("the value of `{key}` can't be used"));
        self.problems.push(problem.expected(expected));
    }

    /// Finds a key in the text: of two, the last counts, as for the original. Empty if it is not there.
    fn span(&self, key: &str) -> Range<usize> {
        let quoted = Json::from(key).to_string();
        let keys = self.text.match_indices(&quoted).filter(|(start, found)| {
            self.text[start + found.len()..].trim_start().starts_with(':')
        });
        keys.last().map_or(0..0, |(start, found)| start..start + found.len())
    }
}

fn text(value: &str) -> NodeValue {
    NodeValue::Text(value.to_owned())
}

fn whole(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
