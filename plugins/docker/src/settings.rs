//! The parameters of a container image, read and checked. Their names are Image Factory's.

use crate::compression::Compression;
use crate::exclude::{self, Excludes};
use crate::image::{Identity, platform};
use crate::problem::{self, error, warning};
use crate::reference::{ImageName, is_repository, is_tag, repository_from};
use chrono::DateTime;
use factory_plugin_sdk::{Diagnostic, Parameters, Template};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// An image; a plain tar of the root file system otherwise.
    pub create_metadata: bool,
    /// How it is compressed.
    pub compression: Compression,
    /// What is left out of it.
    pub excludes: Excludes,
    /// What the image says about itself.
    pub identity: Identity,
    /// The time of the image, in seconds since 1970; the newest file's otherwise.
    pub created: Option<u64>,
}

impl Settings {
    /// Reads the parameters for a template. Answers the settings, if nothing forbids them, and all that is to be said.
    pub fn read(
        parameters: &Parameters,
        template: Option<&Template>,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let mut reader = Reader { parameters, found: Vec::new() };
        let settings = reader.settings(template);
        let fatal = reader.found.iter().any(problem::is_error);
        (Some(settings).filter(|_| !fatal), reader.found)
    }
}

struct Reader<'a> {
    parameters: &'a Parameters,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn settings(&mut self, template: Option<&Template>) -> Settings {
        let create_metadata = self.boolean("create_docker_metadata").unwrap_or(true);
        self.note_ignored();
        Settings {
            create_metadata,
            compression: self.compression(create_metadata),
            excludes: self.excludes(),
            identity: self.identity(template),
            created: self.created(),
        }
    }

    fn identity(&mut self, template: Option<&Template>) -> Identity {
        let arch = template.and_then(|template| template.os.as_ref()).map(|os| os.arch.clone());
        let arch = arch.filter(|arch| !arch.is_empty());
        let arch = arch.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let shell = || vec!["/bin/sh".to_owned()];
        Identity {
            name: self.name(template.map_or("", |template| &template.name)),
            labels: self.labels(&arch),
            arch,
            os: self.text("os").unwrap_or_else(|| "linux".to_owned()),
            cmd: if self.parameters.get("docker_cmd").is_some() {
                self.json("docker_cmd", r#"a list of texts, such as ["/bin/sh", "-l"]"#)
            } else {
                Some(shell())
            },
            env: self.env(),
            comment: self.text("comment").unwrap_or_else(|| "Created by Image Factory".to_owned()),
        }
    }

    fn name(&mut self, template_name: &str) -> ImageName {
        let given = self.text("repository").map(|text| text.to_ascii_lowercase());
        let repository = given.unwrap_or_else(|| repository_from(template_name));
        if !is_repository(&repository) {
            let hint = format!("for example {}", repository_from(&repository));
            self.wrong("repository", &format!("{repository:?} is not a repository name"), &hint);
        }
        let tag = self.text("tag").unwrap_or_else(|| "latest".to_owned());
        if !is_tag(&tag) {
            let hint = "up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`";
            self.wrong("tag", &format!("{tag:?} is not a tag"), hint);
        }
        ImageName { repository, tag }
    }

    fn env(&mut self) -> Option<Vec<String>> {
        let env: Option<Vec<String>> =
            self.json("docker_env", r#"a list of texts, such as ["LANG=C.UTF-8"]"#);
        for variable in env.iter().flatten().filter(|variable| !variable.contains('=')) {
            let message = format!("{variable:?} in docker_env sets no variable");
            self.wrong("docker_env", &message, "write NAME=VALUE");
        }
        env
    }

    fn labels(&mut self, arch: &str) -> BTreeMap<String, String> {
        let given = self.json("docker_label", r#"an object of texts, such as {"version": "1"}"#);
        let mut labels: BTreeMap<String, String> = given.unwrap_or_default();
        if self.boolean("docker_set_arch_label").unwrap_or(false) {
            labels.insert("architecture".to_owned(), platform(arch).0.to_owned());
        }
        labels
    }

    fn compression(&mut self, create_metadata: bool) -> Compression {
        let Some(text) = self.text("compress") else { return Compression::Gzip };
        let Some(compression) = Compression::parse(&text) else {
            let message = format!("compress is {text:?}, but must be none, gzip or zstd");
            let hint = "xz and bzip2 work too, with create_docker_metadata=false";
            self.wrong("compress", &message, hint);
            return Compression::Gzip;
        };
        if create_metadata && compression.layer_media_type().is_none() {
            let message =
                format!("compress is {text:?}, but an image's layer is none, gzip or zstd");
            let hint = "choose zstd, or set create_docker_metadata=false for a plain tar";
            self.wrong("compress", &message, hint);
        }
        compression
    }

    fn excludes(&mut self) -> Excludes {
        match self.parameters.get("tar_excludes") {
            None => Excludes::new(exclude::DEFAULT.iter().copied()),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                Excludes::new(list.iter().filter_map(Value::as_str))
            }
            Some(_) => {
                let text = self.text("tar_excludes").unwrap_or_default();
                Excludes::new(text.split([',', '\n']).map(str::trim).filter(|p| !p.is_empty()))
            }
        }
    }

    fn created(&mut self) -> Option<u64> {
        let text = self.text("created")?;
        let seconds = text.parse().ok().or_else(|| {
            let time = DateTime::parse_from_rfc3339(&text).ok()?;
            u64::try_from(time.timestamp()).ok()
        });
        if seconds.is_none() {
            let message = format!("created is {text:?}, but must be a time");
            self.wrong("created", &message, "seconds since 1970, or 2025-01-31T00:00:00Z");
        }
        seconds
    }

    /// Says which of Image Factory's parameters have no effect any more.
    fn note_ignored(&mut self) {
        for (name, why) in [
            ("docker_image_id", "an image's id is the digest of its configuration"),
            ("dockerversion", "there is one format, which Docker, Podman and OCI tools all read"),
            ("tar_options", "the tar is written here: extended attributes are always kept"),
        ] {
            if self.parameters.get(name).is_some() {
                let message = format!("parameter {name} has no effect: {why}");
                self.found.push(warning(&format!("parameters.{name}"), message, "leave it out"));
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let text = self.parameters.text(name);
        text.unwrap_or_else(|_| {
            self.wrong(name, &format!("{name} is a list or an object"), "give a text");
            None
        })
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        let boolean = self.parameters.boolean(name);
        boolean.unwrap_or_else(|_| {
            self.wrong(name, &format!("{name} is neither true nor false"), "give true or false");
            None
        })
    }

    /// Reads JSON, which may be written as a text (as Image Factory has it, and as a command line must).
    fn json<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let value = self.parameters.get(name)?;
        let parsed = match value {
            Value::String(text) => serde_json::from_str::<Option<T>>(text),
            value => serde_json::from_value(value.clone()),
        };
        parsed.unwrap_or_else(|cause| {
            let hint = format!("write {expected}, or null");
            self.wrong(name, &format!("{name} is not what it must be: {cause}"), &hint);
            None
        })
    }

    fn wrong(&mut self, name: &str, message: &str, hint: &str) {
        self.found.push(error(&format!("parameters.{name}"), message, hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use factory_plugin_sdk::OperatingSystem;
    use serde_json::json;

    fn read(parameters: Value) -> (Option<Settings>, Vec<Diagnostic>) {
        let os = OperatingSystem { arch: "x86_64".into(), ..Default::default() };
        let template = Template { name: "Debian 12".into(), os: Some(os), ..Default::default() };
        let parameters = Parameters::new(&parameters.to_string(), Default::default()).unwrap();
        Settings::read(&parameters, Some(&template))
    }

    #[test]
    fn nothing_needs_to_be_given() {
        let (settings, found) = read(json!({}));
        let settings = settings.unwrap();
        assert!(found.is_empty());
        assert_eq!(settings.identity.name.short(), "debian-12:latest");
        assert_eq!(settings.identity.cmd.unwrap(), ["/bin/sh"]);
        assert_eq!(settings.compression, Compression::Gzip);
        assert!(settings.create_metadata && settings.excludes.matches(b"etc/fstab"));
    }

    #[test]
    fn json_may_be_given_as_it_is_or_as_text() {
        for (cmd, env, label) in [
            (json!(["/bin/true"]), json!(["A=b"]), json!({"k": "v"})),
            (json!(r#"["/bin/true"]"#), json!(r#"["A=b"]"#), json!(r#"{"k": "v"}"#)),
        ] {
            let (settings, _) = read(json!({
                "docker_cmd": cmd, "docker_env": env, "docker_label": label,
                "docker_set_arch_label": "true",
            }));
            let identity = settings.unwrap().identity;
            assert_eq!(identity.cmd.unwrap(), ["/bin/true"]);
            assert_eq!(identity.env.unwrap(), ["A=b"]);
            assert_eq!(identity.labels["k"], "v");
            assert_eq!(identity.labels["architecture"], "amd64");
        }
        let (settings, _) = read(json!({"docker_cmd": "null"}));
        assert_eq!(settings.unwrap().identity.cmd, None);
    }

    #[test]
    fn every_problem_is_found_at_once() {
        let (settings, found) = read(json!({
            "compress": "xz", "repository": "a//b", "tag": "-x", "docker_cmd": "/bin/sh",
            "docker_env": ["PATH"], "created": "yesterday", "create_docker_metadata": "maybe",
        }));
        assert!(settings.is_none());
        let mut paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        paths.sort_unstable();
        let expected = [
            "compress",
            "create_docker_metadata",
            "created",
            "docker_cmd",
            "docker_env",
            "repository",
            "tag",
        ];
        assert_eq!(paths, expected.map(|name| format!("parameters.{name}")));
        assert!(found.iter().all(|problem| !problem.hint.is_empty()));
    }

    #[test]
    fn what_has_no_effect_is_said_and_forbids_nothing() {
        let (settings, found) =
            read(json!({"docker_image_id": "0", "dockerversion": "1.10.1", "tar_options": "acls"}));
        assert!(settings.is_some());
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_plain_tar_may_be_xz_and_excludes_are_replaced() {
        let (settings, found) = read(json!({
            "create_docker_metadata": false, "compress": "xz", "tar_excludes": "./a, ./b",
            "created": "1970-01-01T00:01:00Z",
        }));
        let settings = settings.unwrap();
        assert!(found.is_empty());
        assert_eq!((settings.compression, settings.created), (Compression::Xz, Some(60)));
        assert!(settings.excludes.matches(b"b") && !settings.excludes.matches(b"etc/fstab"));
    }
}
