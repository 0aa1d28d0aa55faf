//! What is installed: programs that find their plugins, units that systemd takes, scripts that shells take, manuals.

use super::support::binaries::{DIRECTORY, repository};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

/// An installation below a temporary directory.
static INSTALLED: LazyLock<TempDir> = LazyLock::new(|| {
    let root = TempDir::new().unwrap();
    let profile = DIRECTORY.file_name().unwrap().to_str().unwrap().replace("debug", "dev");
    let output = Command::new("make")
        .current_dir(repository("."))
        .args(["--silent", "install", "PREFIX=/opt/factory"])
        .arg(format!("PROFILE={profile}"))
        .arg(format!("DESTDIR={}", root.path().display()))
        .output()
        .expect("package make");
    assert!(output.status.success(), "{output:?}");
    root
});

fn installed(path: &str) -> PathBuf {
    INSTALLED.path().join("opt/factory").join(path)
}

/// A program that sees nothing of what the user has set, and keeps its sockets below the installation.
fn on_its_own(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("XDG_RUNTIME_DIR").env("TMPDIR", INSTALLED.path());
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FACTORY_"))
    {
        command.env_remove(name);
    }
    command
}

#[track_caller]
fn quiet(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{output:?}");
}

#[test]
fn installed_programs_find_the_plugins_that_were_installed_with_them() {
    let store = TempDir::new().unwrap();
    assert!(installed("bin/imagefactory").is_file(), "the name of Image Factory's command line");
    let mut command = on_its_own(&installed("bin/factory"));
    let output = command.env("FACTORY_STORE", store.path()).args(["plugins", "--json"]).output();
    let output = output.unwrap();
    quiet(&output);
    let plugins: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["debian", "docker", "kvm"] {
        let plugin = plugins.iter().find(|plugin| plugin["name"] == name).unwrap();
        let executable = installed("lib/factory/plugins").join(format!("factory-plugin-{name}"));
        assert_eq!(plugin["executable"], executable.to_str().unwrap());
        assert!(plugin["error"].as_str().is_none_or(str::is_empty), "{plugin}");
    }
}

#[test]
fn systemd_takes_the_units() {
    let units = installed("lib/systemd/system");
    let service = std::fs::read_to_string(units.join("factoryd.service")).unwrap();
    assert!(service.contains("\nExecStart=/opt/factory/bin/factoryd\n"), "{service}");
    // The program is not where the unit will look for it.
    let copies = TempDir::new().unwrap();
    let program = installed("bin/factoryd").display().to_string();
    let service = service.replace("/opt/factory/bin/factoryd", &program);
    std::fs::write(copies.path().join("factoryd.service"), service).unwrap();
    for socket in ["factoryd.socket", "factoryd-rest.socket"] {
        std::fs::copy(units.join(socket), copies.path().join(socket)).unwrap();
    }
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "./factoryd.service", "./factoryd.socket"])
        .arg("./factoryd-rest.socket")
        .current_dir(copies.path())
        .output()
        .expect("package systemd");
    quiet(&verify);
}

#[test]
fn shells_take_the_completion_scripts() {
    for (shell, file) in [
        ("bash", "share/bash-completion/completions/"),
        ("zsh", "share/zsh/site-functions/_"),
        ("fish", "share/fish/vendor_completions.d/"),
    ] {
        for program in ["factory", "factoryd"] {
            let suffix = if shell == "fish" { ".fish" } else { "" };
            let script = installed(&format!("{file}{program}{suffix}"));
            let text = std::fs::read_to_string(&script).unwrap();
            let verb = if program == "factory" { "template" } else { "config" };
            assert!(text.contains(verb), "{shell} knows no verb of {program}");
            let output = Command::new(shell).arg("-n").arg(&script).output();
            quiet(&output.unwrap_or_else(|_| panic!("package {shell}")));
        }
    }
}

#[test]
fn bash_completes_verbs() {
    let script = installed("share/bash-completion/completions/factoryd");
    let ask = format!(
        "source {}; COMP_WORDS=(factoryd config tr); COMP_CWORD=2; _factoryd factoryd tr config; \
         printf '%s ' \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "translate ", "{output:?}");
}

#[test]
fn every_command_has_a_manual_page_that_formatters_take() {
    let directory = installed("share/man/man1");
    let pages: Vec<PathBuf> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    for page in ["factory.1", "factory-template-check.1", "factoryd.1", "factoryd-config-show.1"] {
        assert!(pages.contains(&directory.join(page)), "no {page} among {pages:?}");
    }
    let lint = Command::new("mandoc").args(["-Tlint", "-W", "warning"]).args(&pages).output();
    let lint = lint.expect("package mandoc");
    assert!(lint.status.success() && lint.stdout.is_empty(), "{lint:?}");
    let shown = Command::new("mandoc").arg("-Thtml").arg(directory.join("factoryd.1")).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert!(shown.contains("Build so many images at once"), "{shown}");
    assert!(!shown.contains("factoryd-help"), "a page that is named is there");
}

#[test]
fn the_settings_in_the_readme_are_valid() {
    let readme = std::fs::read_to_string(repository("README.md")).unwrap();
    let (_, after) = readme.split_once("```toml\n").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    let place = TempDir::new().unwrap();
    let file = place.path().join("factory.toml");
    std::fs::write(&file, example).unwrap();
    let mut command = on_its_own(&DIRECTORY.join("factoryd"));
    let output = command.args(["config", "check", "--config"]).arg(&file).output().unwrap();
    quiet(&output);
    let mut command = on_its_own(&DIRECTORY.join("factoryd"));
    let output = command.args(["config", "show", "--config"]).arg(&file).output().unwrap();
    let named = format!("{}:", file.display());
    let used = String::from_utf8(output.stdout).unwrap().matches(&named).count();
    assert_eq!(used, example.lines().filter(|line| line.contains(" = ")).count());
}
