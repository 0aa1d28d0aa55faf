//! `factory template`: what a template says, or what is wrong with it. Needs no factory.

use super::arguments::{TemplateArguments, TemplateVerb};
use super::display::print;
use super::error::Error;
use super::exit::Exit;
use super::input;
use crate::domain::{Command, Content, InstallSource, Template};
use crate::tdl::{self, Problems};
use indicatif::HumanBytes;
use serde_json::json;
use std::fmt::Write;
use std::path::Path;

/// Does `template check` or `template show`.
pub(super) fn run(verb: TemplateVerb, options: &tdl::Options) -> Result<Exit, Error> {
    match verb {
        TemplateVerb::Check(arguments) => check(&arguments, options),
        TemplateVerb::Show(arguments) => show(&arguments, options),
    }
}

/// Reads a template, or answers an error that shows every problem in its place.
pub(super) fn parse(xml: &str, path: &Path) -> Result<Template, Error> {
    parse_with(xml, path, &tdl::Options::default())
}

fn parse_with(xml: &str, path: &Path, options: &tdl::Options) -> Result<Template, Error> {
    let shown = |problems| Error::Template(tdl::render(xml, &name(path), &problems));
    tdl::parse_with(xml, options).map_err(shown)
}

fn check(arguments: &TemplateArguments, options: &tdl::Options) -> Result<Exit, Error> {
    let xml = input::text(&arguments.template)?;
    if arguments.json {
        let problems = tdl::parse_with(&xml, options).err().unwrap_or(Problems(Vec::new()));
        let valid = problems.0.is_empty();
        let answer = json!({"valid": valid, "problems": tdl::problems_json(&problems)});
        print(&format!("{answer:#}\n"))?;
        return Ok(if valid { Exit::Done } else { Exit::BadInput });
    }
    let template = parse_with(&xml, &arguments.template, options)?;
    let os = &template.os;
    let file = name(&arguments.template);
    print(&format!("{file}: valid: {} ({} {} {})\n", template.name, os.name, os.version, os.arch))?;
    Ok(Exit::Done)
}

fn show(arguments: &TemplateArguments, options: &tdl::Options) -> Result<Exit, Error> {
    let xml = input::text(&arguments.template)?;
    let template = parse_with(&xml, &arguments.template, options)?;
    if arguments.json {
        print(&format!("{:#}\n", tdl::template_json(&template)))?;
    } else {
        print(&words(&template))?;
    }
    Ok(Exit::Done)
}

fn name(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() }
}

/// A template, one element a line.
fn words(template: &Template) -> String {
    let os = &template.os;
    let (InstallSource::Url(source) | InstallSource::Iso(source)) = &os.install.source;
    let password = if os.root_password.is_some() { "set" } else { "none: the account is locked" };
    let disk = template.disk_size_bytes.map(disk_size);
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<15}{value}");
        }
    };
    line("name", &template.name);
    line("description", template.description.as_deref().unwrap_or_default().trim());
    line("system", &format!("{} {} {}", os.name, os.version, os.arch));
    line("installed from", source);
    line("root password", password);
    line("kernel", os.kernel_parameters.as_deref().unwrap_or_default());
    line("disk", &disk.unwrap_or_default());
    for package in &template.packages {
        line("package", &package.name);
    }
    for repository in &template.repositories {
        let signed = if repository.signed { "signed" } else { "not signed" };
        line("repository", &format!("{} {} ({signed})", repository.name, repository.url));
    }
    for file in &template.files {
        line("file", &format!("{} ({})", file.name, content(&file.content)));
    }
    for command in &template.precommands {
        line("precommand", &script(command));
    }
    for command in &template.commands {
        line("command", &script(command));
    }
    text
}

fn disk_size(bytes: u128) -> String {
    u64::try_from(bytes)
        .map_or_else(|_| format!("{bytes} B"), |bytes| HumanBytes(bytes).to_string())
}

fn script(command: &Command) -> String {
    format!("{} ({})", command.name, content(&command.content))
}

fn content(content: &Content) -> String {
    match content {
        Content::Bytes(bytes) => HumanBytes(bytes.len() as u64).to_string(),
        Content::Url(url) => format!("from {url}"),
    }
}
