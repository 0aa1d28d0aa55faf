//! What helps to write plugins: one called by hand, one under a debugger, calls recorded and played again.

use crate::support::binaries::binary;
use crate::support::factory::Sandbox;
use crate::support::program::{Ended, Program};
use crate::support::tdl::Tdl;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);
const CANARY: &str = "hunter2-canary";

/// Starts a program that serves in the place of a plugin, and returns it with what it prints for `--reattach`.
#[track_caller]
fn serving(sandbox: &Sandbox, mut command: Command) -> (Program, String) {
    command.env("TMPDIR", sandbox.temporary());
    let mut program = Program::start(&command);
    match program.stdout.wait_for("\n", DEADLINE) {
        Ok(line) => (program, line.trim().to_owned()),
        Err(silence) => panic!("it serves nothing: {silence}\n{}", program.stderr.so_far()),
    }
}

/// Builds with a plugin that runs already, and returns the images.
#[track_caller]
fn build(sandbox: &Sandbox, reattach: &str, more: &[&str]) -> Ended {
    let mut factory = sandbox.factory();
    factory.arg("build").arg(sandbox.template(&Tdl::mock("x").root_password(CANARY)));
    factory.args(["--reattach", reattach, "--follow-logs"]).args(more);
    Ended::of(&factory, DEADLINE)
}

fn images(sandbox: &Sandbox) -> Vec<Value> {
    let listed = Ended::of(sandbox.factory().args(["images", "--json"]), DEADLINE).succeeded();
    serde_json::from_str(&listed.stdout).unwrap()
}

fn call(sandbox: &Sandbox, method: &str, request: &Value) -> Ended {
    let mut factory = sandbox.factory();
    factory.args(["plugin", "call"]).arg(binary("factory-plugin-mock-os")).arg(method);
    Ended::of(factory.args(["--request", &request.to_string()]), DEADLINE)
}

fn base_image(parameters: &Value) -> Value {
    json!({
        "header": {
            "parameters_json": parameters.to_string(),
            "image": {"id": "an-image", "kind": "base", "attempt": 1},
        },
        "template": {"name": "x", "xml": "<template/>",
            "os": {"name": "MockOS_A", "version": "1", "arch": "x86_64",
                "install": {"url": "http://example.org/"}}},
    })
}

#[test]
fn a_method_is_called_with_json_and_its_events_are_lines() {
    let sandbox = Sandbox::new();
    let described = call(&sandbox, "Plugin/Describe", &json!({})).succeeded();
    let described: Value = serde_json::from_str(&described.stdout).unwrap();
    assert_eq!(described["name"], "mock-os");

    let told = call(&sandbox, "CreateBaseImage", &base_image(&json!({"mock_steps": 2})));
    assert_eq!(told.status.code(), Some(0), "{}\n{}", told.stdout, told.stderr);
    let events: Vec<Value> =
        told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.last().unwrap().get("completed").is_some(), "{}", told.stdout);
    let artifact = events.iter().find_map(|event| event.get("artifact")).unwrap();
    let (_, directory) = told.stderr.rsplit_once("its files are in ").unwrap();
    assert!(Path::new(directory.trim()).join(artifact["path"].as_str().unwrap()).is_file());
    std::fs::remove_dir_all(directory.trim()).unwrap();
    assert_eq!(sandbox.left_behind(&told), Vec::<String>::new());

    let failed = base_image(&json!({"mock_misbehave": "fail", "mock_reason": "WEATHER"}));
    let failed = call(&sandbox, "CreateBaseImage", &failed);
    assert_eq!(failed.status.code(), Some(1), "{}", failed.stderr);
    assert!(failed.stdout.contains("WEATHER"), "{}", failed.stdout);
    let unknown = call(&sandbox, "CreateBaseImge", &json!({}));
    assert_eq!(unknown.status.code(), Some(2));
    assert!(unknown.stderr.contains("did you mean CreateBaseImage?"), "{}", unknown.stderr);
}

#[test]
fn a_plugin_that_runs_under_a_debugger_is_used_and_never_ended() {
    let sandbox = Sandbox::new();
    let mut command = Command::new(binary("factory-plugin-mock-os"));
    command.arg("debug");
    let (plugin, reattach) = serving(&sandbox, command);
    let pid = serde_json::from_str::<Value>(&reattach).unwrap()["mock-os"]["Pid"].clone();
    assert_eq!(pid, plugin.pid());
    for _ in 0..2 {
        build(&sandbox, &reattach, &[]).succeeded();
    }
    // A daemon that is killed does not end it either.
    let file = sandbox.path().join("reattach.json");
    std::fs::write(&file, &reattach).unwrap();
    let daemon = sandbox.daemon_with(&["--reattach", file.to_str().unwrap()]);
    daemon.kill();
    assert_eq!(images(&sandbox).len(), 2);
    plugin.signal(Signal::INT);
    assert!(plugin.wait(DEADLINE).status.success());
    let refused = build(&sandbox, &reattach, &[]);
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("plugin mock-os can't be started"), "{}", refused.stderr);
}

#[test]
fn calls_are_recorded_without_secrets_and_played_again_without_the_plugin() {
    let sandbox = Sandbox::new();
    let record = sandbox.path().join("mock-os.jsonl");
    let mut command = sandbox.factory();
    command.args(["plugin", "record"]).arg(binary("factory-plugin-mock-os"));
    let (recorder, reattach) = serving(&sandbox, {
        command.arg("--output").arg(&record);
        command
    });
    let password = format!("mock_password={CANARY}-2");
    let parameters = ["--parameter", &password, "--parameter", "mock_property:=[1]"];
    build(&sandbox, &reattach, &[&parameters[..], &["--parameter", "mock_echo=true"]].concat())
        .succeeded();
    recorder.signal(Signal::INT);
    recorder.wait(DEADLINE).succeeded();

    let text = std::fs::read_to_string(&record).unwrap();
    assert!(!text.contains("hunter2"), "a secret was recorded");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |method: &str, direction: &str| {
        let is_it = |line: &&Value| line["method"] == method && line["direction"] == direction;
        lines.iter().filter(is_it).collect::<Vec<_>>()
    };
    let [request] = of("OSDelegate/CreateBaseImage", "request")[..] else { panic!("{text}") };
    let secret = &request["message"]["header"]["secret_parameters"]["mock_password"]["value"];
    assert_eq!(secret, "***");
    assert!(!of("OSDelegate/CreateBaseImage", "response").is_empty());
    let [end] = of("OSDelegate/CreateBaseImage", "end")[..] else { panic!("{text}") };
    assert_eq!(end["message"]["code"], 0);

    let mut command = sandbox.factory();
    let (player, reattach) = serving(&sandbox, {
        command.args(["plugin", "replay"]).arg(&record);
        command
    });
    build(&sandbox, &reattach, &["--parameter", "mock_property=other"]).succeeded();
    player.signal(Signal::INT);
    player.wait(DEADLINE).succeeded();
    let [recorded, played] = &images(&sandbox)[..] else { panic!("two images") };
    assert_eq!(recorded["properties"]["mock_property"], json!([1]));
    assert_eq!(played["properties"], recorded["properties"]);
    assert_eq!(played["artifacts"][0]["size"], recorded["artifacts"][0]["size"]);
}

#[test]
fn a_plugin_with_a_schema_that_is_none_is_named_and_stops_no_other() {
    let sandbox = Sandbox::new();
    let record = sandbox.path().join("broken.jsonl");
    let line = |direction: &str, message: Value| json!({"time": "", "call": 1, "method": "Plugin/Describe", "direction": direction, "message": message});
    let schema = json!({"properties": {"a": {"type": "txet"}}}).to_string();
    let broken = json!({"name": "mock-cloud", "kind": "PLUGIN_KIND_CLOUD", "parameters_schema_json": schema});
    let lines = [line("response", broken), line("end", json!({"code": 0, "message": ""}))];
    std::fs::write(&record, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let mut command = sandbox.factory();
    let (player, reattach) = serving(&sandbox, {
        command.args(["plugin", "replay"]).arg(&record);
        command
    });
    let mut factory = sandbox.factory();
    let shown =
        Ended::of(factory.args(["plugins", "mock-cloud", "--reattach", &reattach]), DEADLINE);
    let shown = shown.succeeded().stdout;
    assert!(
        shown.contains("plugin mock-cloud can't be started")
            && shown.contains("its parameters_schema_json can't be used")
            && shown.contains("/properties/a/type"),
        "{shown}"
    );
    build(&sandbox, &reattach, &[]).succeeded();
    let refused = build(&sandbox, &reattach, &["--target", "mock"]);
    assert!(
        refused.stderr.contains("its parameters_schema_json can't be used"),
        "{}",
        refused.stderr
    );
    assert_eq!(images(&sandbox).len(), 1, "nothing is begun of what is refused");
    player.signal(Signal::INT);
    player.wait(DEADLINE).succeeded();
}
