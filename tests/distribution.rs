//! Plugins from packages: out of a real registry, its mirrors, archives and directories, into a factory that builds with them.

use crate::support::client::assert_complete;
use crate::support::factory::Sandbox;
use crate::support::program::{Ended, Program};
use crate::support::registry::{ACCOUNT, Access, Registry};
use crate::support::stalled::Stalled;
use crate::support::tdl::Tdl;
use crate::support::vendor::{Vendor, run, skopeo_copy};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// A factory that trusts a vendor and has no plugins but what is installed.
struct Site {
    sandbox: Sandbox,
    key: String,
}

impl Site {
    fn new(vendor: &Vendor) -> Self {
        let empty = tempfile::Builder::new().prefix("factory-e2e-").tempdir().unwrap().keep();
        let sandbox = Sandbox::new().with_plugins(&empty);
        Self { sandbox, key: vendor.public_key() }
    }

    fn plugin(&self, flags: &[&str], words: &[&str]) -> Command {
        let mut command = self.sandbox.factory();
        command.args(["--trusted-key", &self.key]).args(flags).arg("plugin").args(words);
        command
    }

    #[track_caller]
    fn done(&self, flags: &[&str], words: &[&str]) -> String {
        run(&self.plugin(flags, words)).succeeded().stdout
    }

    /// Returns what is said of something that is refused, and sees that nothing of it is left.
    #[track_caller]
    fn refused(&self, flags: &[&str], source: &str) -> String {
        let Ended { status, stderr, stdout, .. } = run(&self.plugin(flags, &["install", source]));
        assert!(!status.success(), "{source}: {stdout}");
        assert_eq!(self.found(), [""; 0], "{stderr}");
        stderr
    }

    /// Lists what is in the place of installed plugins, and what is pinned.
    fn found(&self) -> Vec<String> {
        let plugins = self.sandbox.store().join("plugins");
        let mut found: Vec<String> = names(&plugins);
        found.retain(|name| name != ".installed");
        found.extend(names(&plugins.join(".installed")));
        let lock = fs::read_to_string(self.sandbox.store().join("factory.lock"));
        let lock: Value = lock.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        found.extend(
            lock["plugins"].as_object().into_iter().flatten().map(|(name, _)| name.clone()),
        );
        found
    }

    fn installed(&self, name: &str) -> PathBuf {
        self.sandbox.store().join("plugins").join(name)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.sandbox.plugins());
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Writes the credentials of the registry's account as `docker login` does.
fn credentials(directory: &Path, registry: &Registry) -> PathBuf {
    let path = directory.join("config.json");
    // "factory:registry-password" in base64.
    assert_eq!(ACCOUNT, ("factory", "registry-password"));
    let auth = "ZmFjdG9yeTpyZWdpc3RyeS1wYXNzd29yZA==";
    let text = json!({"auths": {registry.address(): {"auth": auth}}}).to_string();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_out_of_a_registry_builds_an_image_and_is_refused_once_it_was_changed() {
    let (vendor, registry) = (Vendor::new(), Registry::start(Access::Account));
    let site = Site::new(&vendor);
    let reference = format!("oci://{}/plugins/mock-os:0.1.0", registry.address());
    let auth = credentials(vendor.path(), &registry);
    let pushed = vendor.publish_mock(&site.sandbox, &reference, &auth);
    assert!(site.refused(&[], &reference).contains("asks for credentials"));

    let auth = ["--registry-auth", auth.to_str().unwrap()];
    let said = site.done(&auth, &["install", &reference]);
    assert!(said.contains(pushed["manifest"].as_str().unwrap()), "{said}");
    assert!(said.contains("needs   network none"), "{said}");
    let lock = fs::read_to_string(site.sandbox.store().join("factory.lock")).unwrap();
    let lock: Value = serde_json::from_str(&lock).unwrap();
    let package = &lock["plugins"]["mock-os"]["package"];
    assert_eq!(package["source"], reference);
    assert_eq!(package["digest"], pushed["manifest"]);
    assert!(!lock.to_string().contains("registry-password"));

    let daemon = site.sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.create_base(&Tdl::mock("installed"), &json!({})).await.unwrap();
    assert_complete(&client.ended(&image.id).await);
    daemon.stop().succeeded();

    let licence = site.installed("mock-os").join("README");
    fs::write(&licence, "was not there").unwrap();
    let listed = run(&site.plugin(&[], &["list"]));
    assert_eq!(listed.status.code(), Some(1));
    assert!(listed.stdout.contains("README is there and was not installed with it"), "{listed:?}");
    let daemon = site.sandbox.daemon();
    let mut client = daemon.connect().await;
    let refused = client.create_base(&Tdl::mock("changed"), &json!({})).await.unwrap_err();
    assert!(
        refused.message().contains("its package is not what was installed: README"),
        "{refused}"
    );
    let hint = format!("`factory plugin install {reference}` installs it as it was");
    assert!(String::from_utf8_lossy(refused.details()).contains(&hint), "{refused}");
    daemon.stop().succeeded();
    site.done(&auth, &["install", &reference]);
    site.done(&[], &["list"]);
}

#[test]
fn what_was_tampered_with_or_is_not_trusted_is_refused_and_nothing_is_left() {
    let (vendor, other, registry) = (Vendor::new(), Vendor::new(), Registry::start(Access::Open));
    let site = Site::new(&vendor);
    let reference = |tag: &str| format!("oci://{}/toy:{tag}", registry.address());
    let archive = other.publish_toy(&site.sandbox, "0.3.0", &reference("0.3.0"));
    let unknown = site.refused(&[], &reference("0.3.0"));
    assert!(unknown.contains("which is not trusted"), "{unknown}");
    assert!(
        site.refused(&["--unsigned", "archive"], archive.to_str().unwrap()).contains("not trusted")
    );

    // Whoever has the registry can make digests right, but no signature.
    vendor.publish_toy(&site.sandbox, "0.1.0", &reference("0.1.0"));
    let forged = vendor.path().join("forged");
    fs::create_dir(&forged).unwrap();
    let layout = |rest: &str| format!("oci:{}{rest}", forged.display());
    skopeo_copy(&format!("docker://{}/toy:0.1.0", registry.address()), &layout(":0.1.0"));
    forge(&forged, "sed -i s/echo/eval/ factory-plugin-toy");
    assert!(
        site.refused(&[], &layout(":0.1.0"))
            .contains("\"factory-plugin-toy\" is not what SHA256SUMS says")
    );
    forge(
        &forged,
        "sed -i 's/^# .*/# factory-plugin 1 toy 0.1.0 any/; s/^[0-9a-f]* .*toy$//' SHA256SUMS",
    );
    let wrong = site.refused(&[], &layout(":0.1.0"));
    assert!(wrong.contains("its signature is not of this package"), "{wrong}");
    skopeo_copy(&layout(":0.1.0"), &format!("docker://{}/toy:forged", registry.address()));
    assert!(
        site.refused(&[], &reference("forged")).contains("its signature is not of this package")
    );
    forge(&forged, "rm SHA256SUMS.minisig");
    let words = ["--unsigned", "directory"];
    assert!(site.refused(&words, &layout(":0.1.0")).contains("it is not signed; ask its maker"));

    // A registry, or a disk, that is no more to be trusted than that.
    let good = vendor.publish_toy(&site.sandbox, "0.2.0", &reference("0.2.0"));
    let found = sha256(&good);
    let mut bytes = fs::read(registry.blob(&found)).unwrap();
    bytes[100] ^= 1;
    fs::write(registry.blob(&found), bytes).unwrap();
    let tampered = site.refused(&[], &reference("0.2.0"));
    assert!(tampered.contains(&found), "{tampered}");
    skopeo_copy(
        &format!("docker://{}/toy:0.1.0", registry.address()),
        &format!("docker://{}/toy:7.0.0", registry.address()),
    );
    let other = site.refused(&[], &reference("7.0.0"));
    assert!(other.contains("is toy 0.1.0 (any), not version 7.0.0"), "{other}");
    let good = good.to_str().unwrap();
    assert!(site.done(&[], &["install", good, "--dry-run"]).contains("would be installed"));
    let said = site.done(&[], &["install", &reference("0.1.0"), "--dry-run"]);
    assert!(said.contains("would be installed"), "{said}");
    assert_eq!(site.found(), [""; 0]);
    site.done(&[], &["install", &reference("0.1.0")]);
    assert_eq!(site.found(), ["toy", "toy", "toy"], "a link, a directory and a pin");
}

#[test]
fn an_air_gapped_factory_asks_its_mirrors_alone() {
    let (vendor, registry) = (Vendor::new(), Registry::start(Access::Open));
    let (site, mirror) = (Site::new(&vendor), Registry::start(Access::Open));
    let published = format!("{}/toy:0.1.0", registry.address());
    let archive = vendor.publish_toy(&site.sandbox, "0.1.0", &format!("oci://{published}"));
    let directory = vendor.path().join("disk");
    fs::create_dir_all(directory.join("toy")).unwrap();
    let on_disk = format!("oci:{}/toy:0.1.0", directory.display());
    skopeo_copy(&format!("docker://{published}"), &on_disk);
    skopeo_copy(&on_disk, &format!("docker://{}/all/toy:0.1.0", mirror.address()));
    // Nobody answers to this name, and nobody is asked.
    let wanted = "oci://registry.invalid/plugins/toy:0.1.0";
    let none = site.refused(&["--air-gap"], wanted);
    assert!(none.contains("registries are not asked themselves"), "{none}");
    let by_disk = format!("--registry-mirror=registry.invalid/plugins=oci:{}", directory.display());
    let by_mirror = format!("--registry-mirror=registry.invalid/plugins={}/all", mirror.address());

    // The first mirror is broken: the next one serves.
    let blob = directory.join("toy/blobs/sha256").join(sha256(&archive).replace("sha256:", ""));
    let whole = fs::read(&blob).unwrap();
    fs::write(&blob, &whole[..whole.len() - 1]).unwrap();
    let broken = site.refused(&["--air-gap", &by_disk], wanted);
    assert!(
        broken.contains("its layer is")
            && !broken.contains("oci://registry.invalid/plugins/toy:0.1.0:"),
        "{broken}"
    );
    site.done(&["--air-gap", &by_disk, &by_mirror], &["install", wanted]);
    let listed: Value = serde_json::from_str(&site.done(&[], &["list", "--json"])).unwrap();
    assert_eq!(listed[0]["source"], wanted, "and a mirror is nobody's source");
    site.done(&[], &["remove", "toy"]);
    fs::write(&blob, whole).unwrap();
    drop((registry, mirror));
    site.done(&["--air-gap", &by_disk], &["install", wanted]);
    let newest = site.done(&["--air-gap", &by_disk], &["update"]);
    assert_eq!(newest, "toy 0.1.0 is the newest there is\n");
}

#[test]
fn an_update_replaces_a_plugin_that_a_daemon_goes_on_with_until_it_ends() {
    let (vendor, registry) = (Vendor::new(), Registry::start(Access::Open));
    let site = Site::new(&vendor);
    let reference = |tag: &str| format!("oci://{}/toy:{tag}", registry.address());
    vendor.publish_toy(&site.sandbox, "0.9.0", &reference("0.9.0"));
    site.done(&[], &["install", &reference("0.9.0")]);
    let old = site.installed("toy").canonicalize().unwrap();
    let daemon = site.sandbox.daemon();
    vendor.publish_toy(&site.sandbox, "0.10.0", &reference("v0.10.0"));
    vendor.publish_toy(&site.sandbox, "1.0.0-rc.1", &reference("1.0.0-rc.1"));

    assert!(
        site.done(&[], &["update", "--dry-run"])
            .contains("toy 0.10.0 (any) would be installed, in place of 0.9.0")
    );
    assert_eq!(site.installed("toy").canonicalize().unwrap(), old);
    let said = site.done(&[], &["update"]);
    assert!(said.contains("a factory that runs goes on with what it replaces"), "{said}");
    assert_ne!(site.installed("toy").canonicalize().unwrap(), old);
    let mut ask = site.sandbox.factory();
    let shown = run(ask.args(["--server", daemon.address(), "plugins", "toy"])).succeeded().stdout;
    assert!(shown.contains(&old.display().to_string()) && shown.contains("accepted on"), "{shown}");
    daemon.stop().succeeded();
    assert!(old.exists());
    assert_eq!(site.done(&[], &["update"]), "toy 0.10.0 is the newest there is\n");
    assert!(!old.exists(), "nobody can start it any more");

    let refused = run(&site.plugin(&[], &["install", &reference("0.9.0")]));
    assert_eq!(refused.status.code(), Some(3));
    assert!(refused.stderr.contains("toy 0.10.0 is installed, which is newer than 0.9.0"));
    site.done(&[], &["install", &reference("0.9.0"), "--allow-downgrade"]);
    let unknown = run(&site.plugin(&[], &["remove", "toy", "tow"]));
    assert!(
        unknown.stderr.contains("no plugin tow is installed here (installed: toy)"),
        "{unknown:?}"
    );
    assert_eq!(site.done(&[], &["remove", "toy"]), "toy is removed\n");
    assert_eq!(site.found(), [""; 0]);
}

#[test]
fn an_install_that_is_interrupted_or_killed_leaves_nothing() {
    let (vendor, stalled) = (Vendor::new(), Stalled::start());
    let site = Site::new(&vendor);
    let source = format!("oci://{}/toy:0.1.0", stalled.address());
    let install = Program::start(&site.plugin(&[], &["install", &source]));
    stalled.has_begun(DEADLINE);
    install.signal(Signal::TERM);
    let ended = install.wait(DEADLINE);
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted; nothing half done is left"));
    assert_eq!(site.found(), [""; 0]);

    let install = Program::start(&site.plugin(&[], &["install", &source]));
    stalled.has_begun(DEADLINE);
    install.kill();
    assert!(
        site.found().iter().all(|name| name.starts_with(".new-")),
        "nobody takes it for a plugin"
    );
    let toy = vendor.toy("0.1.0");
    let toy = toy.to_str().unwrap();
    assert!(
        site.refused(&[], toy).contains("say so by --allow-unsigned"),
        "and the next one cleans up"
    );
    site.done(&[], &["install", toy, "--allow-unsigned"]);
    assert!(site.done(&[], &["update"]).contains("install what is newer there"));
}

/// Changes the package in an OCI layout, and every digest on the way to it.
#[track_caller]
fn forge(layout: &Path, change: &str) {
    let script = r#"
import hashlib, json, os, subprocess, sys, tempfile
layout, change = sys.argv[1:]
blob = lambda digest: f"{layout}/blobs/sha256/{digest.split(':')[1]}"
def put(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    open(blob(digest), "wb").write(data)
    return {"digest": digest, "size": len(data)}
top = json.load(open(f"{layout}/index.json"))
index = json.load(open(blob(top["manifests"][0]["digest"])))
manifest = json.load(open(blob(index["manifests"][0]["digest"])))
with tempfile.TemporaryDirectory() as work:
    run = lambda command: subprocess.run(["sh", "-ec", command], cwd=work, check=True)
    run(f"tar -xzf {blob(manifest['layers'][0]['digest'])}")
    run(change)
    names = sorted(os.listdir(work), key=lambda name: (not name.startswith("SHA256SUMS"), name))
    archive = subprocess.run(["tar", "--format=ustar", "-cz", *names], cwd=work, check=True, stdout=subprocess.PIPE)
    manifest["layers"][0].update(put(archive.stdout))
index["manifests"][0].update(put(json.dumps(manifest).encode()))
top["manifests"][0].update(put(json.dumps(index).encode()))
json.dump(top, open(f"{layout}/index.json", "w"))
"#;
    let mut python = Command::new("python3");
    run(python.args(["-c", script]).arg(layout).arg(change)).succeeded();
}

fn sha256(path: &Path) -> String {
    let mut command = Command::new("sha256sum");
    let printed = run(command.arg(path)).succeeded().stdout;
    format!("sha256:{}", printed.split(' ').next().unwrap())
}
