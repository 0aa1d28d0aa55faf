//! Plugins in Python under the real daemon: one made with our SDK, and original ones of Image Factory over the bridge. And the
//! SDK's own tests.
//!
//! `make python` makes the virtual environment with the SDK and these plugins. Each is found as its author's users find it: by an
//! `.info` file, and the console script of the environment.

use crate::support::binaries::repository;
use crate::support::client::{Client, assert_begun, assert_complete, assert_failed, log_lines};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::plugins::Plugins;
use crate::support::program::Ended;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{Image, ImageStatus, event::Kind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long the SDK's own tests may take, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(600);
const NOVA: &str = "nova-example";

/// A program of the virtual environment.
fn program(name: &str) -> PathBuf {
    let path = repository("target/python/bin").join(name);
    assert!(path.is_file(), "{} is missing: run `make python`", path.display());
    path
}

fn in_sdk(arguments: &[&str]) -> Ended {
    let mut command = Command::new(program("python"));
    let ended =
        Ended::of(command.args(arguments).current_dir(repository("plugin-sdk/python")), DEADLINE);
    assert!(ended.status.success(), "{}\n{}", ended.stdout, ended.stderr);
    ended
}

/// The example plugin, and a factory that has it.
fn nova() -> (Plugins, Sandbox) {
    let info = format!("plugin-sdk/python/examples/nova/src/nova_example/{NOVA}.info");
    let plugins = Plugins::new().with_python(&info);
    let sandbox = Sandbox::new().with_plugins(plugins.path());
    (plugins, sandbox)
}

fn template() -> Tdl {
    Tdl::mock("python").os("Fedora", "40")
}

async fn begin(client: &mut Client, parameters: &Value) -> Image {
    let image = client.create_base(&template(), parameters).await.unwrap();
    let mut events = client.follow(&image.id, 0).await;
    while let Some(event) = events.message().await.unwrap() {
        if matches!(event.kind, Some(Kind::Progress(_))) {
            return image;
        }
    }
    panic!("the build ended before it began: {:?}", client.image(&image.id).await);
}

/// The process of a plugin, by a word of its command line.
fn process(daemon: &Daemon, word: &str) -> Pid {
    let members = daemon.brood().members();
    let of_plugin = |line: &&String| line.contains(word) && !line.contains("describe");
    let line = members.iter().find(of_plugin).unwrap_or_else(|| panic!("{members:#?}"));
    let digits = line.split(|character: char| !character.is_ascii_digit());
    Pid::from_raw(digits.into_iter().find(|it| !it.is_empty()).unwrap().parse().unwrap()).unwrap()
}

#[test]
fn the_sdk_passes_its_own_tests() {
    in_sdk(&["-m", "pytest", "--quiet"]);
}

#[test]
fn the_sdk_is_typed_throughout() {
    in_sdk(&["-m", "mypy", "--cache-dir", "../../target/mypy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_python_reports_as_novas_does_and_that_is_shown() {
    let (_plugins, sandbox) = nova();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.create_base(&template(), &json!({})).await.unwrap();
    let events = client.events(&image.id, 0).await;
    assert_complete(&client.image(&image.id).await);
    assert!(log_lines(&events).contains(&"creating a base image of Fedora 40"), "{events:?}");
    let tenth = |kind: &Option<Kind>| matches!(kind, Some(Kind::Progress(it)) if 9.0 < it.percent && it.percent <= 10.0);
    assert!(events.iter().any(|event| tenth(&event.kind)), "{events:?}");
    let plugin = client.plugins().await.into_iter().find(|plugin| plugin.name == NOVA).unwrap();
    assert_eq!(plugin.error, "", "{plugin:?}");
    let shown = Ended::of(sandbox.factory().args(["show", &image.id]), DEADLINE).succeeded().stdout;
    assert!(shown.contains("x-image-properties-glance_id"), "{shown}");
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_python_is_cancelled_and_lost_and_works_again() {
    let (_plugins, sandbox) = nova();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let cancelled = begin(&mut client, &json!({"seconds": "600"})).await;
    let before = process(&daemon, NOVA);
    client.cancel(&cancelled.id).await.unwrap();
    assert_failed(&client.ended(&cancelled.id).await, &["CANCELLED"]);

    let lost = begin(&mut client, &json!({"seconds": "600"})).await;
    assert_eq!(process(&daemon, NOVA), before, "a cancellation ends no process");
    kill_process(before, Signal::KILL).unwrap();
    assert_begun(&mut client, &lost.id, "create-base-image", 2).await;
    client.cancel(&lost.id).await.unwrap();
    assert_failed(&client.ended(&lost.id).await, &["CANCELLED"]);
    let again = client.create_base(&template(), &json!({})).await.unwrap();
    assert_complete(&client.ended(&again.id).await);
    assert_ne!(process(&daemon, NOVA), before);
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}

/// Installs an original plugin of the virtual environment, as its users do.
fn install_original(name: &str, directory: &Path) {
    let packages = "import imagefactory_plugins as it; print(it.__path__[0])";
    let found = Ended::of(Command::new(program("python")).args(["-c", packages]), DEADLINE);
    let info = Path::new(found.succeeded().stdout.trim()).join(format!("{name}/{name}.info"));
    let mut bridge = Command::new(program("factory-plugin-bridge"));
    bridge.arg("--info").arg(info).arg("--install").arg(directory);
    Ended::of(&bridge, DEADLINE).succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn original_plugins_of_image_factory_make_a_base_a_target_and_a_provider_image() {
    let sandbox = Sandbox::new();
    let plugins = sandbox.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    for name in ["MockOS", "MockCloud"] {
        install_original(name, &plugins);
    }
    let sandbox = sandbox.with_plugins(&plugins);
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let target = client.create_target(&Tdl::mock("bridge"), "mock", &json!({})).await.unwrap();
    let events = client.events(&target.id, 0).await;
    let target = client.image(&target.id).await;
    assert_complete(&target);
    let base = client.image(&target.parent_id).await;
    assert_complete(&base);
    let written = |image: &Image| std::fs::read_to_string(&image.artifacts[0].path).unwrap();
    assert_eq!(written(&base), format!("MockOS base_image file for id ({})", base.id));
    let expected = format!("MockOS target_image file for id ({})", target.id);
    assert_eq!(written(&target), format!("{expected} with ['/etc/cloud'], finished for mock"));
    let order =
        [format!("should: mock of {}", base.id), "will: mock of bridge".into(), "did: mock".into()];
    let lines = log_lines(&events);
    assert_eq!(lines.iter().filter(|it| order.iter().any(|o| o == *it)).count(), 3, "{lines:?}");
    assert!(base.properties_json.contains(&format!("glance-{}", base.id)), "{base:?}");

    let provider = client.create_provider(&target, "here").await.unwrap();
    let provider = client.ended(&provider.id).await;
    assert_complete(&provider);
    assert_eq!(provider.provider_account_identifier, "mock_user");
    client.delete(&provider.id).await.unwrap();
    assert_eq!(client.ended(&provider.id).await.status(), ImageStatus::Deleted);
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}
