//! What stops each try of a hostile plugin: with one layer of the sandbox alone, with all but one, with all, with none; as root
//! and as an ordinary user. And a plugin that makes user namespaces, which has other layers.

use crate::support::binaries::{binary, repository};
use crate::support::factory::Sandbox;
use crate::support::program::Ended;
use crate::support::story::Story;
use crate::support::tdl::Tdl;
use crate::support::user::{User, is_root};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);
const OUT: &str = "OUT";
const LAYERS: [&str; 6] = ["files", "ports", "signals", "system-calls", "network", "capabilities"];

/// A try, and the sets of layers each of which is enough to stop it. One that nobody needs to stop has an empty set.
struct Try {
    what: String,
    stopped_by: Vec<Vec<&'static str>>,
}

impl Try {
    /// Words with `+` between them are enough together only.
    fn new(what: impl Into<String>, stopped_by: &[&'static str]) -> Self {
        let stopped_by = stopped_by.iter().map(|set| set.split('+').collect()).collect();
        Self { what: what.into(), stopped_by }
    }

    fn is_stopped(&self, on: &[&str]) -> bool {
        self.stopped_by.iter().any(|set| set.iter().all(|layer| on.contains(layer)))
    }
}

/// Where the tries are made, and who makes them.
struct Arena {
    sandbox: Sandbox,
    user: Option<User>,
    victim: Child,
    tcp: TcpListener,
    abstract_name: String,
    _abstract: UnixListener,
}

impl Arena {
    fn new(user: Option<User>) -> Self {
        let sandbox = Sandbox::new();
        let abstract_name = format!("{}", sandbox.path().display());
        let name = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let listener = UnixListener::bind_addr(&name).unwrap();
        let sleep = Path::new("sleep");
        let command = user.as_ref().map_or_else(|| Command::new(sleep), |it| it.command(sleep));
        let victim = { command }.arg("600").stdout(Stdio::null()).spawn().unwrap();
        let arena = Self {
            sandbox,
            user,
            victim,
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            abstract_name,
            _abstract: listener,
        };
        std::fs::create_dir_all(arena.secret().parent().unwrap()).unwrap();
        std::fs::write(arena.secret(), "of nobody's").unwrap();
        std::fs::write(arena.sandbox.path().join("escape.tdl"), Tdl::mock("escape").xml()).unwrap();
        arena
    }

    /// A file that is neither the factory's nor a plugin's.
    fn secret(&self) -> PathBuf {
        self.sandbox.path().join("home/secret")
    }

    fn store(&self, path: &str) -> String {
        self.sandbox.store().join(path).display().to_string()
    }

    /// What any user could do.
    fn tries_of_all(&self) -> Vec<Try> {
        let root = self.user.is_none();
        let (secret, tcp) = (self.secret(), self.tcp.local_addr().unwrap());
        // A network of its own takes root; without, sockets are not made.
        let network = if root { "network" } else { "network+system-calls" };
        let mut names = vec!["signals"];
        names.extend(root.then_some("network"));
        vec![
            Try::new(format!("read {}", self.store("factory.db")), &["files"]),
            Try::new(format!("list {}", self.store("images")), &["files"]),
            Try::new(format!("list {}", self.store("work")), &["files"]),
            Try::new(format!("write {}", self.store("escaped")), &["files"]),
            Try::new(format!("read {}", secret.display()), &["files"]),
            Try::new(format!("write {}", secret.display()), &["files"]),
            Try::new("list /home", &["files"]),
            Try::new("list /tmp", &["files"]),
            Try::new(format!("connect {tcp}"), &["ports", network]),
            Try::new(format!("abstract {}", self.abstract_name), &names),
            Try::new("key", &["system-calls"]),
            Try::new("bpf", &["system-calls"]),
            Try::new("io-uring", &["system-calls"]),
            Try::new("user-namespace", &["system-calls"]),
        ]
    }

    /// What only root could do, or only who sees the processes of others, whom root's plugins don't.
    fn tries_of_some(&self) -> Vec<Try> {
        let any_landlock = ["files", "ports", "signals"];
        if self.user.is_some() {
            let pid = self.victim.id();
            return vec![
                Try::new(format!("kill {pid}"), &["signals"]),
                Try::new(format!("ptrace {pid}"), &["files", "ports", "signals", "system-calls"]),
                Try::new(format!("read /proc/{pid}/environ"), &any_landlock),
                Try::new(format!("list /proc/{pid}/root"), &any_landlock),
            ];
        }
        let of_init = ["files", "ports", "signals", "capabilities"];
        vec![
            Try::new("list /root", &["files"]),
            Try::new("read /etc/shadow", &["files"]),
            // Who may watch performance may read it, whatever Landlock says.
            Try::new("read /proc/1/environ", &["capabilities"]),
            Try::new("list /proc/1/root", &of_init),
            Try::new("mount", &["system-calls", "capabilities", "files"]),
            Try::new("chroot", &["system-calls", "capabilities"]),
            Try::new("network-namespace", &["system-calls", "capabilities"]),
            Try::new("disk", &["system-calls", "capabilities", "files"]),
        ]
    }

    /// Makes all tries with just these layers. Answers how each ended.
    fn outcomes(
        &mut self,
        plugin: &str,
        os: &str,
        tries: &[Try],
        on: &[&str],
    ) -> BTreeMap<String, String> {
        let whats: Vec<&str> = tries.iter().map(|it| it.what.as_str()).collect();
        let mut command = self.command();
        for layer in LAYERS.into_iter().filter(|layer| !on.contains(layer)) {
            command.arg("--sandbox-without").arg(format!("{plugin}={layer}"));
        }
        let template = self.sandbox.path().join(format!("{os}.tdl"));
        std::fs::write(&template, Tdl::mock("escape").xml().replace("MockOS_A", os)).unwrap();
        command.arg("build").arg(template).args(["--json", "-p", "mock_misbehave=escape", "-p"]);
        command.arg(format!("mock_escape:={}", json!(whats)));
        let ended = Ended::of(&command, DEADLINE);
        let story = Story::of(&ended);
        let told = &story.image("")["properties"]["mock_escape"];
        let told: Option<BTreeMap<String, String>> = serde_json::from_value(told.clone()).ok();
        told.unwrap_or_else(|| panic!("{on:?}: {}\n{}", ended.stdout, ended.stderr))
    }

    fn assert_stopped(&mut self, plugin: &str, os: &str, tries: &[Try], on: &[&str]) {
        let outcomes = self.outcomes(plugin, os, tries, on);
        let is_wrong = |it: &&Try| it.is_stopped(on) == (outcomes[&it.what] == OUT);
        let wrong: Vec<_> = tries.iter().filter(is_wrong).map(|it| &it.what).collect();
        assert!(
            wrong.is_empty(),
            "with {on:?} {wrong:?} should have ended otherwise: {outcomes:#?}"
        );
    }

    /// Makes the command line, with the mock and with one that says that it makes user namespaces.
    fn command(&mut self) -> Command {
        let programs = self.sandbox.path().join("programs");
        std::fs::create_dir_all(&programs).unwrap();
        let mounts = programs.join("factory-plugin-mock-mounts");
        if !mounts.exists() {
            let info = repository("plugins/mock-os/mock-os.info");
            let info = std::fs::read_to_string(info).unwrap();
            std::fs::write(programs.join("mock-mounts.info"), info.replace("MockOS_", "Mounts_"))
                .unwrap();
            std::fs::copy(binary("factory-plugin-mock-os"), &mounts).unwrap();
        }
        let mut command = match &self.user {
            Some(user) => self.sandbox.factory_as(user, &["mock-os"]),
            None => self.sandbox.factory(),
        };
        command.arg("--plugins").arg(programs);
        command
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// All layers, none, each alone, and all but each.
fn combinations() -> Vec<Vec<&'static str>> {
    let alone = LAYERS.into_iter().map(|layer| vec![layer]);
    let without = |one| LAYERS.into_iter().filter(move |layer| *layer != one).collect();
    let but_one = LAYERS.into_iter().map(without);
    [LAYERS.to_vec(), vec![]].into_iter().chain(alone).chain(but_one).collect()
}

fn assert_each_layer_stops_what_it_is_for(user: Option<User>) {
    let mut arena = Arena::new(user);
    let mut tries = arena.tries_of_all();
    tries.extend(arena.tries_of_some());
    for on in combinations() {
        arena.assert_stopped("mock-os", "MockOS_A", &tries, &on);
    }
}

#[test]
fn each_layer_alone_stops_what_it_is_for_and_nothing_else_does() {
    assert_each_layer_stops_what_it_is_for((!is_root()).then(User::ordinary));
}

#[test]
fn the_same_holds_for_an_ordinary_user() {
    assert_each_layer_stops_what_it_is_for(Some(User::ordinary()));
}

fn assert_who_mounts_sees_only_its_own(user: Option<User>) {
    let mut arena = Arena::new(user);
    let mut tries = vec![
        Try::new("mount", &[]),
        Try::new(format!("read {}", arena.store("factory.db")), &["files"]),
        Try::new(format!("list {}", arena.store("images")), &["files"]),
        Try::new(format!("read {}", arena.secret().display()), &["files"]),
        Try::new("list /home", &["files"]),
    ];
    if arena.user.is_none() {
        tries.extend(
            ["list /root", "read /etc/shadow", "devices"].map(|it| Try::new(it, &["files"])),
        );
    } else {
        // Without a user namespace around it, it has no right to mount.
        tries.remove(0);
    }
    arena.assert_stopped("mock-mounts", "Mounts_A", &tries, &LAYERS);
    let but_files = LAYERS.into_iter().filter(|layer| *layer != "files").collect::<Vec<_>>();
    arena.assert_stopped("mock-mounts", "Mounts_A", &tries, &but_files);
    let mut command = arena.command();
    command.args(["plugins", "mock-mounts"]);
    let shown = Ended::of(&command, DEADLINE).stdout;
    assert!(
        shown.contains("root in a user namespace of its own, with few capabilities"),
        "{shown}"
    );
    assert!(!shown.contains("files: as its user"), "{shown}");
}

#[test]
fn a_plugin_that_mounts_sees_nothing_but_what_is_its_own() {
    assert_who_mounts_sees_only_its_own((!is_root()).then(User::ordinary));
}

#[test]
fn the_same_plugin_of_an_ordinary_user_sees_nothing_but_what_is_its_own() {
    assert_who_mounts_sees_only_its_own(Some(User::ordinary()));
}
