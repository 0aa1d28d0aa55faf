//! Real builds. Booting what they make is for the tests of the whole system.

use crate::repository::{self, PACKAGE};
use crate::{debian, member, members, printed};
use factory_plugin_sdk::harness::{Ended, Outcome, Request, input_image, template};
use factory_plugin_sdk::proto::{self, event::Kind};
use factory_plugin_sdk::{CloudContent, Template};
use std::fs;
use std::path::Path;
use std::time::Duration;

const PASSWORD: &str = "correct horse";

fn command(name: &str, script: &str) -> proto::Command {
    proto::Command { name: name.into(), content: script.into() }
}

/// A template in which every section leaves something to look for.
fn everything(repository: &str) -> Template {
    let mut template = template("Debian", "12", "x86_64");
    let os = template.os.as_mut().unwrap();
    os.root_password = Some(PASSWORD.to_owned().into());
    os.kernel_parameters = "factory.test=yes".into();
    os.icicle_extra_command = "dpkg-query -W -f '${Version}\\n'".into();
    let repository = |name: &str, persisted| proto::Repository {
        name: name.into(),
        url: repository.into(),
        persisted,
        ..Default::default()
    };
    template.repositories = vec![repository("kept", true), repository("for the build", false)];
    template.precommands =
        vec![command("early", "test ! -e /usr/share/greeting; echo early >> /etc/order")];
    template.packages = vec![proto::Package { name: PACKAGE.into(), ..Default::default() }];
    template.files =
        vec![proto::File { name: "/srv/a/b/marker".into(), content: b"the marker".to_vec() }];
    template.commands = vec![
        command("first", "cat /usr/share/greeting /srv/a/b/marker >> /etc/order"),
        command("second", "#!/usr/bin/perl\nopen(F, '>>', '/etc/order'); print F \"\\nperl\\n\";"),
    ];
    template.disk_size_bytes = (2u64 << 30).to_string();
    template
}

#[tokio::test]
async fn a_template_becomes_a_root_file_system_and_a_disk_and_then_a_target() {
    let plugin = debian().await;
    let template = everything(&repository::serve());
    let ended = plugin.run(Request::base_image(template.clone())).await;
    ended.expect_completed();
    let rootfs = ended.artifact_path("rootfs");
    assert_is_what_the_template_says(&ended, &rootfs);
    assert_tells_how_far_it_is(&ended);
    assert_disk_is_sound(&ended.artifact_path("disk"));
    assert_eq!(entries(ended.work_dir()), ["disk.raw", "rootfs.tar"]);

    let base = input_image(template, &[("rootfs", &rootfs, "tar")]);
    let content = CloudContent {
        files: vec![proto::ContentFile { name: "/etc/cloud".into(), content: b"cloudy".to_vec() }],
        commands: vec![proto::ContentCommand {
            name: "rain".into(),
            content: b"cat /etc/cloud /etc/order > /etc/weather".to_vec(),
        }],
    };
    let target = plugin.run(Request::target_image("kvm", base, content)).await;
    target.expect_completed();
    let weather = member(&target.artifact_path("rootfs"), "etc/weather");
    assert_eq!(weather, "cloudyearly\nhello from the repository\nthe marker\nperl\n");
    assert_disk_is_sound(&target.artifact_path("disk"));
}

#[track_caller]
fn assert_is_what_the_template_says(ended: &Ended, rootfs: &Path) {
    let order = member(rootfs, "etc/order");
    assert_eq!(order, "early\nhello from the repository\nthe marker\nperl\n");
    let members = members(rootfs);
    let has = |line: &str| members.iter().any(|member| member == line);
    assert!(has("-rw-r--r-- 0/0 ./srv/a/b/marker"));
    assert!(has("drwxr-xr-x 0/0 ./srv/a/"));
    assert!(has("-rw-r--r-- 0/0 ./etc/apt/sources.list.d/kept.sources"));
    let below =
        |directory: &str| members.iter().filter(|member| member.contains(directory)).count();
    assert_eq!(below("/sources.list.d/for"), 0);
    // Of what is for a running system or the build only, nothing but the directories is there.
    assert_eq!((below(" ./dev/"), below(" ./proc/"), below(" ./sys/")), (1, 1, 1));
    assert_eq!(below("/usr/sbin/policy-rc.d"), 0);
    let shadow = member(rootfs, "etc/shadow");
    assert!(shadow.lines().any(|line| line.starts_with("root:$6$")), "{shadow}");
    assert_eq!(member(rootfs, "etc/machine-id"), "");
    assert!(member(rootfs, "boot/grub/grub.cfg").contains("console=ttyS0,115200 factory.test=yes"));
    let packages = ended.packages().unwrap();
    let greeting = packages.packages.iter().find(|package| package.name == PACKAGE).unwrap();
    assert_eq!((greeting.version.as_str(), greeting.extra.as_str()), ("1.0", "1.0"));
    assert!(packages.icicle_xml.contains(&format!("<package name=\"{PACKAGE}\">")));
    assert!(!ended.log().contains(PASSWORD));
}

#[track_caller]
fn assert_tells_how_far_it_is(ended: &Ended) {
    let percentages = ended.percentages();
    assert!(percentages.len() >= 50, "{percentages:?}");
    assert_eq!(percentages.last(), Some(&100.0));
    let units: Vec<_> = ended
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            Some(Kind::Progress(progress)) => Some(progress.amount.as_ref()?.unit.as_str()),
            _ => None,
        })
        .collect();
    assert!(units.contains(&"packages") && units.contains(&"bytes"), "{units:?}");
    let phases = ended.phases();
    for phase in ["fetch packages", "install packages", "customize", "write image"] {
        assert!(phases.contains(&phase), "{phase} is not in {phases:?}");
    }
}

/// Checks partition table and file system with others' tools.
#[track_caller]
fn assert_disk_is_sound(disk: &Path) {
    let path = disk.to_str().unwrap();
    let dump = printed("/sbin/sfdisk", &["--json", path]);
    let table: serde_json::Value = serde_json::from_str(&dump).unwrap();
    let partitions = table["partitiontable"]["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 3);
    assert!(printed("/sbin/sfdisk", &["--verify", path]).contains("No errors detected"));
    let root = format!("{path}?offset={}", partitions[2]["start"].as_u64().unwrap() * 512);
    printed("/sbin/e2fsck", &["-fn", &root]);
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_build_that_outgrows_its_memory_goes_on_in_its_directory_and_leaves_nothing_if_cancelled()
{
    let request = Request::base_image(template("Debian", "12", "x86_64"));
    let mut running = debian().await.start(request.parameter("memory_limit", 64 << 20)).await;
    let warns = |kind: &Kind| matches!(kind, Kind::Warning(_));
    let warning = running.until(warns).await.expect("no image fits into 64 MiB");
    assert!(format!("{warning:?}").contains("does not fit into the memory"), "{warning:?}");
    let installs = |kind: &Kind| match kind {
        Kind::Log(line) => line.message.starts_with("Setting up "),
        _ => false,
    };
    running.until(installs).await.expect("the build gets that far");
    running.cancel(Duration::from_secs(20)).await;
    let ended = running.end().await;
    assert!(matches!(&ended.outcome, Outcome::Cancelled(left) if left.is_empty()), "{ended:?}");
    assert_eq!(entries(ended.work_dir()), [] as [&str; 0]);
}
