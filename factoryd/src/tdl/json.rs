//! A template and its problems as JSON, for programs.

use super::problem::{Problem, Problems};
use crate::domain::{Command, Content, Extra, File, Install, InstallSource, Package};
use crate::domain::{OperatingSystem, Repository, Template};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Answers every element of a template. Contents are base64, sizes are bytes as decimal strings (they may exceed what a
/// JSON number holds); of secrets it says only whether they are there.
pub fn template_json(template: &Template) -> Value {
    json!({
        "name": template.name,
        "description": template.description,
        "os": os(&template.os),
        "packages": list(&template.packages, package),
        "repositories": list(&template.repositories, repository),
        "files": list(&template.files, file),
        "precommands": list(&template.precommands, command),
        "commands": list(&template.commands, command),
        "disk": { "size": template.disk_size_bytes.map(|bytes| bytes.to_string()) },
    })
}

/// Answers a document's problems.
pub fn problems_json(problems: &Problems) -> Value {
    list(&problems.0, problem)
}

fn problem(problem: &Problem) -> Value {
    json!({
        "code": problem.code,
        "message": problem.message,
        "line": problem.line,
        "column": problem.column,
        "offset": problem.offset,
        "length": problem.length,
        "path": problem.path,
        "expected": problem.expected,
        "hint": problem.hint,
    })
}

fn os(os: &OperatingSystem) -> Value {
    json!({
        "name": os.name,
        "version": os.version,
        "arch": os.arch,
        "install": install(&os.install),
        "rootpw": os.root_password.is_some(),
        "key": os.product_key.is_some(),
        "kernelparam": os.kernel_parameters,
        "icicle": { "extra_command": os.icicle_extra_command },
    })
}

fn install(install: &Install) -> Value {
    let (kind, location) = match &install.source {
        InstallSource::Url(url) => ("url", url),
        InstallSource::Iso(url) => ("iso", url),
    };
    let checksum = install.checksum.as_ref();
    json!({
        "type": kind,
        "location": location,
        "checksum": checksum.map(|sum| json!({ "algorithm": sum.algorithm, "url": sum.url })),
        "extras": list(&install.extras, extra),
    })
}

fn extra(extra: &Extra) -> Value {
    json!({
        "type": if extra.directory { "directory" } else { "file" },
        "source": extra.source,
        "destination": extra.destination,
    })
}

fn package(package: &Package) -> Value {
    json!({
        "name": package.name,
        "repository": package.repository,
        "file": package.file,
        "arguments": package.arguments,
    })
}

fn repository(repository: &Repository) -> Value {
    json!({
        "name": repository.name,
        "url": repository.url,
        "signed": repository.signed,
        "persisted": repository.persisted,
        "sslverify": repository.ssl_verify,
    })
}

fn file(file: &File) -> Value {
    with_content(&file.name, &file.content)
}

fn command(command: &Command) -> Value {
    with_content(&command.name, &command.content)
}

fn with_content(name: &str, content: &Content) -> Value {
    match content {
        Content::Bytes(bytes) => {
            json!({ "name": name, "size": bytes.len().to_string(), "base64": STANDARD.encode(bytes) })
        }
        Content::Url(url) => json!({ "name": name, "url": url }),
    }
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(one).collect())
}
