//! What can't work is refused or fails with one message that says what, where and what to do, and leaves nothing behind.

use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::program::Ended;
use crate::support::tdl::Tdl;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(300);

/// Exit codes, as `factory --help` lists them.
const FAILED: i32 = 1;
const BAD_INPUT: i32 = 2;
const REFUSED: i32 = 3;
const UNUSABLE: i32 = 4;

#[track_caller]
fn assert_fails(sandbox: &Sandbox, ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{}\n{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "no {word:?} in:\n{}", ended.stderr);
    }
    assert_eq!(sandbox.left_behind(ended), Vec::<String>::new());
    assert_eq!(files_in(&sandbox.store().join("images")), Vec::<PathBuf>::new());
}

/// Builds a template that can't be built.
#[track_caller]
fn assert_does_not_build(template: &Tdl, target: &str, code: i32, words: &[&str]) {
    let sandbox = Sandbox::new();
    let mut factory = sandbox.factory();
    factory.arg("build").arg(sandbox.template(template)).args(["--target", target]);
    assert_fails(&sandbox, &Ended::of(&factory, DEADLINE), code, words);
}

#[test]
fn a_malformed_template_is_refused_with_the_line() {
    let sandbox = Sandbox::new();
    let path = sandbox.path().join("broken.tdl");
    std::fs::write(&path, "<template>\n  <name>x</name>\n  <os></wrong>\n</template>").unwrap();
    let ended = Ended::of(sandbox.factory().arg("build").arg(&path), DEADLINE);
    assert_fails(&sandbox, &ended, BAD_INPUT, &["broken.tdl:3:"]);
}

#[test]
fn an_unknown_operating_system_is_refused_and_the_known_ones_are_named() {
    let template = Tdl::mock("x").os("PlanNine", "4");
    assert_does_not_build(&template, "docker", REFUSED, &["PlanNine", "Debian"]);
}

#[test]
fn an_unknown_target_is_refused_and_the_known_ones_are_named() {
    assert_does_not_build(&Tdl::mock("x"), "dokcer", REFUSED, &["dokcer", "docker", "kvm"]);
}

#[test]
fn an_unwritable_store_is_named() {
    let sandbox = Sandbox::new();
    // Not even root can make a directory there.
    let mut factory = sandbox.factory();
    factory.args(["build", "--store", "/proc/store"]).arg(sandbox.template(&Tdl::mock("x")));
    let ended = Ended::of(&factory, DEADLINE);
    assert_fails(&sandbox, &ended, UNUSABLE, &["/proc/store"]);
}

#[test]
fn a_plugin_without_its_program_is_named_with_the_places_looked_at() {
    let plugins = tempfile::tempdir().unwrap();
    let info = r#"{"type": "os", "targets": [["Hollow", null, null]]}"#;
    std::fs::write(plugins.path().join("hollow.info"), info).unwrap();
    let sandbox = Sandbox::new().with_plugins(plugins.path());
    let mut factory = sandbox.factory();
    factory.arg("build").arg(sandbox.template(&Tdl::mock("x").os("Hollow", "1")));
    let ended = Ended::of(&factory, DEADLINE);
    let place = plugins.path().join("factory-plugin-hollow");
    assert_fails(&sandbox, &ended, REFUSED, &["hollow", place.to_str().unwrap()]);
}

#[test]
fn a_missing_tool_is_named_with_the_package_to_install() {
    let sandbox = Sandbox::new();
    let programs = tempfile::tempdir().unwrap();
    link_all_but("mmdebstrap", programs.path());
    let mut factory = sandbox.factory();
    factory.env("PATH", programs.path());
    factory.arg("build").arg(sandbox.template(&Tdl::debian("x")));
    let ended = Ended::of(&factory, DEADLINE);
    assert_fails(
        &sandbox,
        &ended,
        BAD_INPUT,
        &["mmdebstrap is not installed", "install the Debian package"],
    );
}

#[test]
fn an_unreachable_mirror_is_named() {
    // Port 9 is for throwing away what comes; nobody listens.
    let template = Tdl::debian("x").install("http://127.0.0.1:9/debian");
    assert_does_not_build(&template, "kvm", FAILED, &["http://127.0.0.1:9/debian"]);
}

#[test]
fn a_package_that_does_not_exist_is_named() {
    let template = Tdl::debian("x").packages(&["no-such-package-anywhere"]);
    assert_does_not_build(&template, "kvm", FAILED, &["no-such-package-anywhere"]);
}

#[test]
fn a_command_that_fails_is_named_with_its_last_words() {
    let commands =
        "<commands><command name='stubborn'>echo I will not >&amp;2; exit 7</command></commands>";
    let template = Tdl::debian("x").section(commands);
    assert_does_not_build(&template, "kvm", FAILED, &["stubborn", "7", "I will not"]);
}

#[test]
fn a_disk_that_is_too_small_for_any_system_is_refused() {
    let template = Tdl::debian("x").disk("20 MiB");
    assert_does_not_build(
        &template,
        "kvm",
        BAD_INPUT,
        &["20 MiB", "template/disk/size", "512 MiB"],
    );
}

#[test]
fn a_disk_that_is_too_small_for_its_packages_is_told_how_large_it_must_be() {
    let template = Tdl::debian("x").disk("512 MiB").packages(&["linux-source"]);
    assert_does_not_build(&template, "kvm", FAILED, &["disk", "512 MiB"]);
}

#[test]
fn every_parameter_that_is_wrong_is_named_at_once_with_what_was_meant() {
    let sandbox = Sandbox::new();
    let mut factory = sandbox.factory();
    factory.arg("build").arg(sandbox.template(&Tdl::mock("x")));
    factory.args(["--target", "mock", "--target", "kvm", "--parameter", "memory_mb=64"]);
    factory.args(["--parameter", "memory_mib=some", "--parameter", "mock_steps=-1"]);
    factory.args(["--parameter", "mock_password:=[\"hunter2-canary\"]"]);
    factory.args(["--parameter", "format=qcow"]);
    let ended = Ended::of(&factory, DEADLINE);
    let words = [
        "parameters.memory_mb: memory_mb is not known; did you mean memory_mib?",
        "parameters.memory_mib: memory_mib must be a whole number, not `some`",
        "parameters.mock_steps: mock_steps must be at least 0, not -1",
        "parameters.format: format must be `qcow2` or `raw`, not `qcow`; did you mean qcow2?",
    ];
    assert_fails(&sandbox, &ended, BAD_INPUT, &words);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    let images = Ended::of(sandbox.factory().args(["images", "--all", "--json"]), DEADLINE);
    assert_eq!(images.succeeded().stdout.trim(), "[]");
}

/// Fills a directory with links to the system's programs, one left out.
fn link_all_but(missing: &str, directory: &Path) {
    for programs in ["/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
        for entry in std::fs::read_dir(programs).unwrap().map_while(Result::ok) {
            if entry.file_name() != missing {
                // The same name twice: the first counts, as on a search path.
                let _ = symlink(entry.path(), directory.join(entry.file_name()));
            }
        }
    }
}
