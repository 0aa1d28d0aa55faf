//! ^C ends a build, and leaves no trace of it.

use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::program::Program;
use crate::support::story::Story;
use crate::support::tdl::Tdl;
use crate::support::user::User;
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long cleaning up may take.
const CANCEL_DEADLINE: Duration = Duration::from_secs(30);
/// How long "at once" may take.
const SECOND_DEADLINE: Duration = Duration::from_secs(2);
const CANCELLED: Option<i32> = Some(130);

#[track_caller]
fn assert_a_real_build_ends_cleanly(sandbox: &Sandbox, mut factory: Command) {
    factory.arg("build").arg(sandbox.template(&Tdl::debian("e2e-cancelled")));
    factory.args(["--target", "docker", "--json"]);
    let mut program = Program::start(&factory);
    if let Err(silence) = program.stdout.wait_for("\"unit\":\"packages\"", START_DEADLINE) {
        panic!("{silence}\n{}", program.stderr.so_far());
    }
    assert!(program.brood.members().iter().any(|line| line.contains("mmdebstrap")));
    program.signal(Signal::INT);
    let ended = program.wait(CANCEL_DEADLINE);
    assert_eq!(ended.status.code(), CANCELLED, "{}", ended.stderr);
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
    assert_eq!(files_in(&sandbox.store().join("images")), Vec::<std::path::PathBuf>::new());
    for image in Story::of(&ended).images() {
        assert_eq!(image["status"], "FAILED", "{image}");
        assert_eq!(image["error"]["reason"], "CANCELLED", "{image}");
    }
}

#[test]
fn an_interrupted_build_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    assert_a_real_build_ends_cleanly(&sandbox, sandbox.factory());
}

#[test]
fn an_interrupted_build_of_an_ordinary_user_leaves_nothing_behind() {
    let user = User::ordinary();
    let mut sandbox = Sandbox::new();
    let factory = sandbox.factory_as(&user, &["debian", "docker"]);
    assert_a_real_build_ends_cleanly(&sandbox, factory);
}

#[test]
fn a_second_interruption_ends_a_build_that_does_not_listen_at_once() {
    let sandbox = Sandbox::new();
    let mut factory = sandbox.factory();
    factory.arg("build").arg(sandbox.template(&Tdl::mock("deaf")));
    factory.args(["--parameter", "mock_misbehave=ignore-cancel", "--json"]);
    let mut program = Program::start(&factory);
    program.stdout.wait_for("\"to\":\"BUILDING\"", START_DEADLINE).unwrap();
    program.signal(Signal::INT);
    program.stderr.wait_for("ancel", CANCEL_DEADLINE).unwrap();
    program.signal(Signal::INT);
    let ended = program.wait(SECOND_DEADLINE);
    assert_eq!(ended.status.code(), CANCELLED, "{}", ended.stderr);
    assert_eq!(ended.brood.survivors(SECOND_DEADLINE), Vec::<String>::new());
}
