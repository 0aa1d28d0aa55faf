//! A template of Debian becomes a disk that boots and a container image that runs. Built once, for all tests here.

use crate::support::container::Podman;
use crate::support::factory::Sandbox;
use crate::support::guest::{Firmware, Guest, Machine};
use crate::support::leftovers;
use crate::support::program::Ended;
use crate::support::registry::{ACCOUNT, Access, Registry};
use crate::support::story::{Story, complaint, file};
use crate::support::tdl::Tdl;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

/// How long a build may take, with other tests beside it.
pub(crate) const BUILD_DEADLINE: Duration = Duration::from_secs(600);
const PASSWORD: &str = "correct horse";
const DISK_SIZE: u64 = 3 << 30;

/// What all tests here look at.
static BUILT: LazyLock<Built> = LazyLock::new(Built::new);

/// What was built.
struct Built {
    story: Story,
    left_behind: Vec<String>,
}

/// The template: every section of it leaves something to look for.
pub(crate) fn template() -> Tdl {
    without_password().root_password(PASSWORD)
}

/// The same without a password for root.
pub(crate) fn without_password() -> Tdl {
    Tdl::debian("e2e-debian")
        .kernel_parameters("factory.test=yes")
        .packages(&["hello"])
        .disk("3 GiB")
        .section("<files><file name='/etc/marker'>the marker</file></files>")
        .section(
            "<commands>\
             <command name='later' position='2'>echo later >> /etc/order</command>\
             <command name='sooner' position='1'>echo sooner >> /etc/order</command>\
             </commands>",
        )
}

/// A line that a build printed.
#[derive(Debug)]
pub(crate) struct Line {
    /// When, since the first one.
    pub(crate) seconds: f64,
    /// What it says.
    pub(crate) text: String,
}

/// Answers what the build of the base image here printed.
pub(crate) fn lines_of_a_build() -> Vec<Line> {
    let base = BUILT.story.image("");
    let events = BUILT.story.events_of(&base["id"]).into_iter();
    let texts = events.filter_map(|event| Some((event, event["log"]["message"].as_str()?)));
    let mut first = None;
    let line = |(event, text): (&Value, &str)| {
        let time = seconds(event["time"].as_str().unwrap());
        let seconds = (time - *first.get_or_insert(time)).rem_euclid(24.0 * 3600.0);
        Line { seconds, text: text.to_owned() }
    };
    texts.map(line).collect()
}

/// Reads the time of day, in seconds, out of `2026-01-31T23:59:59.5Z`.
fn seconds(time: &str) -> f64 {
    let of_day = time.split_once('T').unwrap().1.trim_end_matches('Z');
    of_day.split(':').fold(0.0, |sum, part| 60.0 * sum + part.parse::<f64>().unwrap())
}

impl Built {
    fn new() -> Self {
        let sandbox = Sandbox::lasting("debian").emptied();
        let mut factory = sandbox.factory();
        factory.arg("build").arg(sandbox.template(&template()));
        factory.args(["--target", "docker", "--target", "kvm", "--json"]);
        let ended = Ended::of(&factory, BUILD_DEADLINE).succeeded();
        let left_behind = sandbox.left_behind(&ended);
        Self { story: Story::of(&ended), left_behind }
    }

    fn factory(&self, arguments: &[&str]) -> Ended {
        let sandbox = Sandbox::lasting("debian");
        Ended::of(sandbox.factory().args(arguments), BUILD_DEADLINE)
    }

    fn id(&self, target: &str) -> &str {
        self.story.image(target)["id"].as_str().unwrap()
    }
}

fn boot(disk: &Path, format: &str, firmware: Firmware) -> Guest {
    let mut guest = Machine { disk, format, firmware }.boot();
    guest.login("root", PASSWORD);
    guest
}

#[track_caller]
fn assert_is_what_the_template_says(guest: &mut Guest) {
    assert_eq!(guest.ask("cat /etc/marker"), "the marker");
    assert_eq!(guest.ask("hello"), "Hello, world!");
    assert_eq!(guest.ask("cat /etc/order"), "sooner\nlater");
    assert_eq!(guest.ask("cat /sys/block/vda/size"), (DISK_SIZE / 512).to_string());
    assert!(guest.ask("cat /proc/cmdline").contains("factory.test=yes"));
    let failed = guest.ask("systemctl is-system-running --wait || systemctl --failed --no-legend");
    assert_eq!(failed, "running");
    // The file system fills the disk, but for what the firmware needs.
    let size: u64 = guest.ask("df --output=size -B1 / | tail -1").parse().unwrap();
    assert!(size > DISK_SIZE / 10 * 8, "{size}");
}

#[test]
fn the_disk_boots_under_bios_and_is_what_the_template_says() {
    let disk = file(BUILT.story.image(""), "disk");
    let mut guest = boot(&disk, "raw", Firmware::Bios);
    assert_is_what_the_template_says(&mut guest);
    assert_ne!(guest.run("test -d /sys/firmware/efi").status, 0);
    assert!(guest.power_off().success());
}

#[test]
fn the_disk_boots_under_uefi_and_is_what_the_template_says() {
    let disk = file(BUILT.story.image(""), "disk");
    let mut guest = boot(&disk, "raw", Firmware::Uefi);
    assert_is_what_the_template_says(&mut guest);
    assert_eq!(guest.run("test -d /sys/firmware/efi").status, 0);
    assert!(guest.power_off().success());
}

#[test]
fn the_kvm_target_boots_in_its_own_format() {
    let mut guest = boot(&file(BUILT.story.image("kvm"), "disk"), "qcow2", Firmware::Bios);
    assert_eq!(guest.ask("cat /etc/marker"), "the marker");
    assert!(guest.power_off().success());
}

#[test]
fn the_docker_target_runs_in_a_container() {
    let podman = Podman::new();
    let image = podman.load(&file(BUILT.story.image("docker"), "archive"));
    let release = podman.run(&image, &["cat", "/etc/os-release"]);
    assert!(release.contains("ID=debian") && release.contains("VERSION_ID=\"12\""), "{release}");
    assert_eq!(podman.run(&image, &["cat", "/etc/marker"]), "the marker");
    assert_eq!(podman.run(&image, &["hello"]), "Hello, world!\n");
}

#[test]
fn the_docker_target_goes_to_a_registry_keeps_its_digest_and_can_be_deleted_there() {
    let registry = Registry::start(Access::Account);
    let (username, password) = ACCOUNT;
    let directory = tempfile::tempdir().unwrap();
    let credentials = directory.path().join("credentials.json");
    let account = serde_json::json!({"username": username, "password": password});
    std::fs::write(&credentials, account.to_string()).unwrap();
    let credentials = credentials.to_str().unwrap();
    let name = format!("{}/e2e/debian:12", registry.address());

    let push =
        ["push", BUILT.id("docker"), "--provider", &name, "--credentials", credentials, "--json"];
    let story = Story::of(&BUILT.factory(&push).succeeded());
    let provider = story.images().into_iter().find(|image| image["kind"] == "provider").unwrap();
    let (_, digest) = provider["identifier_on_provider"].as_str().unwrap().split_once('@').unwrap();

    let pulled = directory.path().join("pulled");
    let mut copy = skopeo("copy", "src-", &name);
    let copy = copy.arg(format!("dir:{}", pulled.display())).output().unwrap();
    assert!(copy.status.success(), "{}", String::from_utf8_lossy(&copy.stderr));
    let manifest = Command::new("sha256sum").arg(pulled.join("manifest.json")).output().unwrap();
    let manifest = String::from_utf8(manifest.stdout).unwrap();
    assert_eq!(format!("sha256:{}", manifest.split(' ').next().unwrap()), digest);

    let id = provider["id"].as_str().unwrap();
    BUILT.factory(&["delete", id, "--credentials", credentials]).succeeded();
    assert!(!skopeo("inspect", "", &name).output().unwrap().status.success());
}

#[test]
fn two_targets_share_one_base_image_that_is_built_once() {
    let listed = BUILT.factory(&["images", "--json"]).succeeded();
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let of_kind =
        |kind: &str| listed.iter().filter(|image| image["kind"] == kind).collect::<Vec<_>>();
    let [base] = of_kind("base")[..] else { panic!("{listed:#?}") };
    let targets = of_kind("target");
    assert_eq!(targets.len(), 2);
    assert!(targets.iter().all(|target| target["parent_id"] == base["id"]));
    let entered = |event: &&&Value| event["status"]["to"] == "BUILDING";
    let events = BUILT.story.events_of(&base["id"]);
    assert_eq!(events.iter().filter(entered).count(), 1);
}

#[test]
fn progress_is_fine_grained_and_never_falls_and_ends_at_100() {
    let mut last = BTreeMap::new();
    let mut count = 0;
    for event in BUILT.story.events() {
        let Some(percent) = event["progress"]["percent"].as_f64() else { continue };
        let before = last.insert(event["image_id"].as_str().unwrap(), percent);
        assert!(before.unwrap_or(0.0) <= percent, "fell from {before:?}: {event}");
        count += 1;
    }
    assert!(50 <= count, "only {count} reports of progress");
    for image in BUILT.story.images() {
        assert_eq!(image["percent_complete"], 100.0, "{}", complaint(image));
        assert_eq!(image["status"], "COMPLETE");
    }
}

#[test]
fn a_reader_who_comes_after_the_end_gets_exactly_what_came_after_its_cursor() {
    let all = Story::of(&BUILT.factory(&["watch", "--no-follow", "--json"]).succeeded());
    let all = all.events();
    assert!(all.windows(2).all(|pair| pair[0]["cursor"].as_u64() < pair[1]["cursor"].as_u64()));
    for at in [0, all.len() / 2, all.len() - 1] {
        let cursor = all[at]["cursor"].to_string();
        let after = BUILT.factory(&["watch", "--after", &cursor, "--no-follow", "--json"]);
        assert_eq!(Story::of(&after.succeeded()).events(), all[at + 1..]);
    }
}

#[test]
fn the_images_know_their_packages_and_hide_the_password() {
    let shown = BUILT.factory(&["show", BUILT.id(""), "--json"]).succeeded().stdout;
    let image: Value = serde_json::from_str(&shown).unwrap();
    let icicle = image["icicle_xml"].as_str().unwrap();
    assert!(icicle.contains("<package name=\"hello\""), "{icicle}");
    assert!(!shown.contains(PASSWORD));
}

#[test]
fn a_build_leaves_nothing_behind_but_its_images() {
    assert_eq!(BUILT.left_behind, Vec::<String>::new());
    // A raw disk of 3 GiB takes what is in it, not what it could hold.
    let disk = file(BUILT.story.image(""), "disk");
    let allocated = leftovers::allocated(&disk);
    assert!(allocated < DISK_SIZE / 2, "{allocated} bytes of disk for {}", disk.display());
}

fn skopeo(verb: &str, side: &str, image: &str) -> Command {
    let (username, password) = ACCOUNT;
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", verb, &format!("--{side}tls-verify=false")]);
    skopeo.arg(format!("--{side}creds={username}:{password}")).arg(format!("docker://{image}"));
    skopeo
}
