//! The template's wishes, in Oz's order: repositories, precommands, packages, files, commands; then the repositories
//! that are not to stay are removed.

use super::chroot::Chroot;
use super::plan::Plan;
use super::tree::Tree;
use super::{packages, say};
use crate::disk::{grub, io_failure};
use crate::program::Error;
use crate::{disk, password};
use factory_plugin_sdk::{CloudContent, Failure, Fault, Template, proto};
use std::io;

/// Makes the installed packages what the template describes, and lists them.
///
/// # Errors
/// If a command or a package fails, or a file can't be written.
pub(crate) fn base(tree: &Tree, plan: &Plan) -> Result<proto::PackageList, Failure> {
    let template = plan.template.clone().unwrap_or_default();
    let chroot = open(tree, plan)?;
    add_repositories(tree, plan)?;
    run_all(&chroot, "precommand", "template/precommands/command", &template.precommands)?;
    if !plan.later_packages.is_empty() || !plan.repositories.is_empty() {
        packages::install(&chroot, &plan.later_packages)?;
    }
    packages::finish_kernel(&chroot)?;
    chroot.program("systemctl").args(["--quiet", "enable", "systemd-networkd.service"]).logged()?;
    write_menu(tree, plan)?;
    write_files(tree, "template/files/file", &template.files)?;
    run_all(&chroot, "command", "template/commands/command", &template.commands)?;
    set_password(&chroot, plan, &template)?;
    remove_repositories(tree, plan)?;
    let packages = packages::list(&chroot, plan)?;
    close(chroot)?;
    Ok(packages)
}

/// Adds packages to an image and puts what a cloud wants into it. Answers the packages if they may have changed.
///
/// # Errors
/// As [`base`].
pub(crate) fn target(tree: &Tree, plan: &Plan) -> Result<Option<proto::PackageList>, Failure> {
    let CloudContent { files, commands } = plan.cloud_content.clone().unwrap_or_default();
    let file = |file: proto::ContentFile| proto::File { name: file.name, content: file.content };
    let files: Vec<_> = files.into_iter().map(file).collect();
    let command = |command: proto::ContentCommand| proto::Command {
        name: command.name,
        content: command.content,
    };
    let commands: Vec<_> = commands.into_iter().map(command).collect();
    if commands.is_empty() && plan.later_packages.is_empty() {
        add_repositories(tree, plan)?;
        write_files(tree, "cloud_content/files", &files)?;
        remove_repositories(tree, plan)?;
        return Ok(None);
    }
    let chroot = open(tree, plan)?;
    add_repositories(tree, plan)?;
    if !plan.later_packages.is_empty() {
        packages::install(&chroot, &plan.later_packages)?;
    }
    write_files(tree, "cloud_content/files", &files)?;
    run_all(&chroot, "command", "cloud_content/commands", &commands)?;
    remove_repositories(tree, plan)?;
    let packages = packages::list(&chroot, plan)?;
    close(chroot)?;
    Ok(Some(packages))
}

fn open<'a>(tree: &'a Tree, plan: &Plan) -> Result<Chroot<'a>, Failure> {
    Chroot::open(tree, plan).map_err(|error| io_failure("failed to enter the image".into(), &error))
}

fn close(chroot: Chroot<'_>) -> Result<(), Failure> {
    chroot.close().map_err(|error| io_failure("failed to leave the image".into(), &error))
}

fn add_repositories(tree: &Tree, plan: &Plan) -> Result<(), Failure> {
    for repository in &plan.repositories {
        let path = repository_path(&repository.file);
        tree.write(&path, 0o644, repository.text.as_bytes()).map_err(writing(&path))?;
    }
    Ok(())
}

fn remove_repositories(tree: &Tree, plan: &Plan) -> Result<(), Failure> {
    for repository in plan.repositories.iter().filter(|repository| !repository.persisted) {
        let path = repository_path(&repository.file);
        tree.remove(&path).map_err(writing(&path))?;
    }
    Ok(())
}

fn repository_path(file: &str) -> String {
    format!("/etc/apt/sources.list.d/{file}")
}

fn write_menu(tree: &Tree, plan: &Plan) -> Result<(), Failure> {
    let path = "/boot/grub/grub.cfg";
    let menu = grub::menu(&plan.title, &super::configure::command_line(plan)?);
    tree.write(path, 0o644, menu.as_bytes()).map_err(writing(path))
}

fn write_files(tree: &Tree, path: &str, files: &[proto::File]) -> Result<(), Failure> {
    for (index, file) in files.iter().enumerate() {
        say(&format!("writing file {} of {}: {}", index + 1, files.len(), file.name));
        let failed = |error| writing(&file.name)(error).path(format!("{path}[{}]", index + 1));
        tree.write(&file.name, 0o644, &file.content).map_err(failed)?;
    }
    Ok(())
}

fn run_all(
    chroot: &Chroot<'_>,
    kind: &str,
    path: &str,
    commands: &[proto::Command],
) -> Result<(), Failure> {
    let count = commands.len();
    for (number, command) in (1..).zip(commands) {
        say(&format!("running {kind} {number} of {count}: {}", command.name));
        let ended = chroot.script(&command.content).map_err(writing("the script"))?;
        ended.map_err(|error| {
            command_failed(kind, &command.name, &error).path(format!("{path}[{number}]"))
        })?;
    }
    Ok(())
}

fn command_failed(kind: &str, name: &str, error: &Error) -> Failure {
    let how = match error {
        Error::Failed { status, .. } => match status.code() {
            Some(code) => format!("failed with exit status {code}"),
            None => format!("was ended: {status}"),
        },
        Error::Missing { .. } | Error::Run { .. } => "could not be run".to_owned(),
    };
    Failure::new(Fault::User, "COMMAND_FAILED", format!("{kind} {name:?} {how}"))
        .step(format!("run {kind}s"))
        .hint("correct the command; its last lines of output are in the detail")
}

/// Sets the root password, if the template has one. Without one the account stays locked, as installed.
fn set_password(chroot: &Chroot<'_>, plan: &Plan, template: &Template) -> Result<(), Failure> {
    let secret = template.os.as_ref().and_then(|os| os.root_password.as_ref());
    let Some(secret) = secret.filter(|secret| !secret.value.is_empty()) else {
        return Ok(());
    };
    say("setting the root password");
    let salt = super::configure::ids(plan)?.bytes("root password");
    let hash = password::hash(&secret.value, &salt)?;
    let line = format!("root:{hash}\n");
    Ok(chroot.program("chpasswd").arg("--encrypted").input(line).quiet().map(drop)?)
}

fn writing(what: &str) -> impl Fn(io::Error) -> Failure {
    let message = format!("failed to write {what} into the image");
    move |error| disk::io_failure(message.clone(), &error)
}
