//! `factory plugin new`: what it makes builds, keeps the protocol and makes images, as it is.

use super::support::binaries::repository;
use super::support::factory::Sandbox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Where new plugins are built, one run after the other.
const BUILDS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/new-plugins");

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Makes a plugin in a directory, and builds it there.
fn make(sandbox: &Sandbox, directory: &Path, kind: &str, name: &str) -> PathBuf {
    let made = directory.join(name);
    let mut new = sandbox.factory();
    new.args(["plugin", "new", name, "--kind", kind, "--lang", "rust", "--directory"]).arg(&made);
    succeeded(&new.arg("--sdk").arg(repository("plugin-sdk")).output().unwrap());
    // The versions that our own programs are built of, which are here already.
    std::fs::copy(repository("Cargo.lock"), made.join("Cargo.lock")).unwrap();
    for check in [&["fmt", "--check"][..], &["test", "--quiet"], &["build", "--quiet"]] {
        let mut cargo = Command::new(env!("CARGO"));
        succeeded(
            &cargo.args(check).current_dir(&made).env("CARGO_TARGET_DIR", BUILDS).output().unwrap(),
        );
    }
    let program = format!("factory-plugin-{name}");
    std::fs::copy(Path::new(BUILDS).join("debug").join(&program), made.join(&program)).unwrap();
    made
}

fn assert_conforms(sandbox: &Sandbox, made: &Path) {
    let program = made.join(format!("factory-plugin-{}", made.file_name().unwrap().display()));
    let mut check = sandbox.factory();
    check.args(["plugin", "check", "--request"]).arg(made.join("conformance.json")).arg(program);
    let text = succeeded(&check.output().unwrap());
    let last = text.lines().last().unwrap_or_default();
    assert!(last.contains(" passed, 0 failed, "), "{text}");
}

#[test]
fn new_plugins_keep_the_protocol_and_put_an_image_into_a_cloud() {
    let (plugins, cloud) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let sandbox = Sandbox::new().with_plugins(plugins.path());
    let os = make(&sandbox, plugins.path(), "os", "be-os");
    assert_conforms(&sandbox, &os);
    assert_conforms(&sandbox, &make(&sandbox, plugins.path(), "cloud", "acme"));

    let provider = format!(r#"acme={{"directory": "{}"}}"#, cloud.path().display());
    let mut build = sandbox.factory();
    build.args(["--sandbox-allow", &format!("acme={}", cloud.path().display()), "build"]);
    build.arg(os.join("example.tdl")).args(["--parameter", "motd=Hello", "--target", "acme"]);
    succeeded(&build.args(["--provider", &provider]).output().unwrap());
    let images: Vec<_> = std::fs::read_dir(cloud.path()).unwrap().map(Result::unwrap).collect();
    let [image] = &images[..] else { panic!("{images:?}") };
    assert_eq!(std::fs::read_to_string(image.path()).unwrap(), "be-os-example: Hello\n");
}

#[test]
fn a_plugin_that_can_not_be_made_leaves_nothing_and_harms_nothing() {
    let (sandbox, directory) = (Sandbox::new(), TempDir::new().unwrap());
    let new = |name: &str, kind: &str| {
        let mut new = sandbox.factory();
        new.current_dir(directory.path()).args(["plugin", "new", name, "--kind", kind]);
        new.output().unwrap()
    };
    succeeded(&new("mine", "os"));
    std::fs::write(directory.path().join("mine/src/lib.rs"), "mine").unwrap();
    for (name, said) in
        [("mine", "can't make mine"), ("Mine", "no name for a plugin"), ("../x", "no name")]
    {
        let output = new(name, "cloud");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(said), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(directory.path().join("mine/src/lib.rs")).unwrap(), b"mine");
    let info = std::fs::read(directory.path().join("mine/mine.info")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&info).unwrap()["type"], "os");
}
