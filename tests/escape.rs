//! A hostile plugin tries to get out of its sandbox: every try is stopped, and the failure names the sandbox.

use crate::support::client::{Client, assert_failed};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::tdl::Tdl;
use crate::support::user::is_root;
use factory_proto::factory_v1::Image;
use factoryd::seal::{Feature, Machine};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

const OUT: &str = "OUT";

async fn attempt(client: &mut Client, tries: &[String]) -> (Image, Value) {
    let parameters = json!({"mock_misbehave": "escape", "mock_escape": tries});
    let image = client.create_base(&Tdl::mock("escape"), &parameters).await.unwrap();
    let ended = client.ended(&image.id).await;
    let properties: Value = serde_json::from_str(&ended.properties_json).unwrap();
    let outcomes = properties["mock_escape"].clone();
    assert_eq!(outcomes.as_object().unwrap().len(), tries.len(), "{outcomes}");
    (ended, outcomes)
}

/// What no plugin may do, whoever it is run by.
fn forbidden(sandbox: &Sandbox, daemon: &Daemon, others: &str, tcp: &str) -> Vec<String> {
    let store = sandbox.store().display().to_string();
    let daemon = daemon.pid();
    [
        format!("read {store}/factory.db"),
        format!("list {store}"),
        format!("list {store}/images"),
        format!("list {store}/work"),
        format!("read {store}/factory.lock"),
        format!("write {store}/escaped"),
        format!("read {others}"),
        "list /root".to_owned(),
        "list /home".to_owned(),
        "list /tmp".to_owned(),
        "read /etc/shadow".to_owned(),
        "write /usr/escaped".to_owned(),
        "write /etc/escaped".to_owned(),
        format!("read /proc/{daemon}/environ"),
        format!("read /proc/{daemon}/mem"),
        format!("list /proc/{daemon}/fd"),
        "read /proc/1/environ".to_owned(),
        "list /proc/1/root".to_owned(),
        format!("kill {daemon}"),
        format!("ptrace {daemon}"),
        format!("connect {tcp}"),
        "connect 192.0.2.1:80".to_owned(),
        "abstract factory-escape-test".to_owned(),
        "key".to_owned(),
        "bpf".to_owned(),
        "mount".to_owned(),
        "chroot".to_owned(),
        "user-namespace".to_owned(),
        "network-namespace".to_owned(),
        "io-uring".to_owned(),
        "disk".to_owned(),
    ]
    .to_vec()
}

#[tokio::test]
async fn every_way_out_is_closed_and_the_failure_names_the_sandbox() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Named anew in each network namespace: what is listened on here is no secret, only a place to reach.
    let name = SocketAddr::from_abstract_name("factory-escape-test").unwrap();
    let _abstract = UnixListener::bind_addr(&name);
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;

    // What another plugin works on.
    let mut work = std::fs::read_dir(sandbox.store().join("work")).unwrap();
    let owner = work
        .next()
        .map_or_else(|| sandbox.store().join("work/none"), |entry| entry.unwrap().path());
    let others = owner.join("other/work/secret");
    std::fs::create_dir_all(others.parent().unwrap()).unwrap();
    std::fs::write(&others, "of another plugin").unwrap();

    let tries = forbidden(&sandbox, &daemon, &others.display().to_string(), &address);
    let (image, outcomes) = attempt(&mut client, &tries).await;
    for (attempt, outcome) in outcomes.as_object().unwrap() {
        assert_ne!(outcome, OUT, "{attempt}");
        assert!(!outcome.as_str().unwrap().contains("is no try"), "{attempt}: {outcome}");
    }
    let denied = |attempt: &str| {
        let outcome = outcomes[attempt].as_str().unwrap();
        ["Permission denied", "Operation not permitted"].iter().any(|it| outcome.contains(it))
    };
    for attempt in ["list /root", "read /etc/shadow", "key", "bpf", "mount", "user-namespace"] {
        assert!(denied(attempt), "{attempt}: {}", outcomes[attempt]);
    }
    assert!(denied(&format!("connect {address}")), "{outcomes}");
    assert_failed(&image, &["MOCK_ESCAPE"]);
    let error = image.error.unwrap();
    assert!(error.hint.contains("the sandbox of plugin mock-os allows: no network"), "{error:?}");
    assert!(error.hint.contains("factory plugins mock-os"), "{error:?}");
    assert!(!sandbox.store().join("escaped").exists());
    drop(listener);

    // The next build works, and people see what the plugin may do.
    let image = client.create_base(&Tdl::mock("after"), &json!({})).await.unwrap();
    assert_eq!(client.ended(&image.id).await.error, None);
    let plugins = client.plugins().await;
    let mock = plugins.iter().find(|plugin| plugin.name == "mock-os").unwrap();
    assert_eq!((mock.trust.as_str(), mock.sandbox.as_str()), ("accepted", "enforce"));
    assert_eq!(mock.asks, ["network none"]);
    assert!(mock.gets.contains(&"no network".to_owned()), "{:?}", mock.gets);
    // What this kernel can't do, people see too.
    let sockets = mock.not_enforced.iter().any(|it| it.contains("sockets in the file system"));
    assert_eq!(sockets, !Machine::probe().has(Feature::LandlockUnix), "{:?}", mock.not_enforced);
    if is_root() {
        assert!(mock.gets.contains(&"root with few capabilities".to_owned()), "{:?}", mock.gets);
    }
}

#[tokio::test]
async fn without_a_sandbox_the_same_ways_are_open_so_that_these_tests_can_fail() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let daemon = sandbox.daemon_with(&["--sandbox", "off"]);
    let mut client = daemon.connect().await;
    let store = sandbox.store().display().to_string();
    let tries = [
        format!("read {store}/factory.db"),
        format!("connect {}", listener.local_addr().unwrap()),
        "list /tmp".to_owned(),
    ];
    let (image, outcomes) = attempt(&mut client, &tries).await;
    for attempt in &tries {
        assert_eq!(outcomes[attempt], OUT, "{attempt}");
    }
    assert_eq!(image.error, None);
}

#[tokio::test]
async fn a_changed_plugin_is_refused_until_it_is_accepted() {
    let sandbox = Sandbox::new();
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let info = crate::support::binaries::repository("plugins/mock-os/mock-os.info");
    std::fs::copy(info, directory.path().join("mock-os.info")).unwrap();
    let script = directory.path().join("factory-plugin-mock-os");
    let program = crate::support::binaries::binary("factory-plugin-mock-os");
    let write = |more: &str| {
        let text = format!("#!/bin/sh\n# {more}\nexec {} \"$@\"\n", program.display());
        std::fs::write(&script, text).unwrap();
        use std::os::unix::fs::PermissionsExt;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&script, executable).unwrap();
    };
    write("one");
    let sandbox = sandbox.with_plugins(directory.path());
    let template = sandbox.template(&Tdl::mock("pinned"));
    let build = || {
        let mut command = sandbox.factory();
        // What the script starts is nowhere that a plugin may execute.
        command.args(["--sandbox", "off", "build"]).arg(&template);
        command.output().unwrap()
    };
    let text = |output: &std::process::Output| {
        String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
    };
    let first = build();
    assert!(first.status.success(), "{}", text(&first));
    write("two");
    let refused = text(&build());
    assert!(refused.contains("its executable is not the one accepted on"), "{refused}");
    assert!(refused.contains("factory plugins accept mock-os"), "{refused}");
    let listed = text(&sandbox.factory().arg("plugins").output().unwrap());
    assert!(listed.contains("mock-os: changed since it was accepted"), "{listed}");
    let accepted = sandbox.factory().args(["plugins", "accept", "mock-os"]).output().unwrap();
    let said = text(&accepted);
    assert!(
        accepted.status.success() && said.contains("  was ") && said.contains("  is "),
        "{said}"
    );
    let again = build();
    assert!(again.status.success(), "{}", text(&again));
    let shown = text(&sandbox.factory().args(["plugins", "mock-os"]).output().unwrap());
    assert!(shown.contains("trust           accepted on "), "{shown}");
}

#[tokio::test]
async fn locked_plugins_are_refused_until_they_are_accepted_and_missing_features_are_named() {
    let sandbox = Sandbox::new();
    let template = sandbox.template(&Tdl::mock("locked"));
    let locked = || {
        let mut command = sandbox.factory();
        command.args(["--plugin-trust", "locked"]);
        command
    };
    let refused = locked().arg("build").arg(&template).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("nobody has accepted it yet"), "{said}");
    let accepted = locked().args(["plugins", "accept", "mock-os"]).output().unwrap();
    assert!(accepted.status.success());
    let built = locked().arg("build").arg(&template).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
