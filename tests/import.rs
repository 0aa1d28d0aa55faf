//! What was made elsewhere: disks and stores, by the real program.

use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::program::{Ended, Program};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);
const ID: &str = "0192f3a4-5b6c-4d8e-9f01-000000000001";
const MIB: usize = 1 << 20;

#[track_caller]
fn factory(sandbox: &Sandbox, words: &[&str]) -> Ended {
    let mut command = sandbox.factory();
    Ended::of(command.args(words), DEADLINE)
}

#[track_caller]
fn json(sandbox: &Sandbox, words: &[&str]) -> Value {
    let ended = factory(sandbox, words).succeeded();
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A raw disk with a file system that says what system it is.
fn disk(sandbox: &Sandbox) -> PathBuf {
    let (root, disk) = (sandbox.path().join("root"), sandbox.path().join("disk.raw"));
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::write(root.join("etc/os-release"), "ID=fedora\nVERSION_ID=41\n").unwrap();
    fs::copy("/usr/bin/true", root.join("usr/bin/ls")).unwrap();
    fs::File::create(&disk).unwrap().set_len(64 << 20).unwrap();
    run(Command::new("/usr/sbin/mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&root).arg(&disk));
    disk
}

#[test]
fn a_disk_becomes_a_target_without_a_plugin_for_its_system() {
    let sandbox = Sandbox::new();
    let raw = disk(&sandbox);
    let qcow2 = sandbox.path().join("disk.qcow2");
    run(Command::new("qemu-img").args(["convert", "-O", "qcow2"]).arg(&raw).arg(&qcow2));
    for file in [&raw, &qcow2] {
        let file = file.to_str().unwrap();
        let base = json(&sandbox, &["import", file, "--json"]);
        assert_eq!(base["status"], "COMPLETE");
        let (id, body) =
            (base["id"].as_str().unwrap(), base["artifacts"][0]["path"].as_str().unwrap());
        let target = json(&sandbox, &["target_image", "kvm", "--id", id, "--output", "json"]);
        assert_eq!((&target["status"], &target["base_image_id"]), (&json!("COMPLETE"), &json!(id)));
        let made = target["data"].as_str().unwrap();
        run(Command::new("qemu-img").args(["compare", "-q", body, made]));
        assert!(
            target["properties"]["run_command"].as_str().unwrap().starts_with("qemu-system-x86_64")
        );
        let ended = factory(&sandbox, &["target_image", "docker", "--id", id]);
        assert_eq!(ended.status.code(), Some(1));
        assert!(
            ended
                .stdout
                .contains("a disk alone, such as an imported one, makes no container image")
        );
    }
    let listed = json(&sandbox, &["images", "--json", "--kind", "base"]);
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(
        names.iter().all(|name| name.as_str().unwrap().starts_with("Fedora-41-import-")),
        "{names:?}"
    );
}

#[test]
fn image_factorys_verb_imports_and_tells_in_both_forms() {
    let sandbox = Sandbox::new();
    let disk = disk(&sandbox);
    let disk = disk.to_str().unwrap();
    let words =
        factory(&sandbox, &["import_base_image", disk, "--parameter", "a", "b"]).succeeded();
    assert!(
        words.stdout.contains("Type: import_base_image\nImage filename: /"),
        "{}",
        words.stdout
    );
    assert!(words.stdout.ends_with("Image build completed SUCCESSFULLY!\n"), "{}", words.stdout);
    assert!(words.stderr.contains("warning: parameters mean nothing to import_base_image"));
    let image = json(&sandbox, &["--output", "json", "import_base_image", disk, "--arch", "s390x"]);
    assert!(image["template"].as_str().unwrap().contains("<arch>s390x</arch>"), "{image}");
    let text = sandbox.path().join("note.txt");
    fs::write(&text, "no disk").unwrap();
    let ended = factory(&sandbox, &["import", text.to_str().unwrap()]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("no operating system was found"), "{}", ended.stderr);
    assert_eq!(files_in(&sandbox.store().join("work")), Vec::<PathBuf>::new());
}

/// A store of one image with a body of so many bytes, and files that are no images.
fn old_store(sandbox: &Sandbox, body_len: usize) -> String {
    let old = sandbox.path().join("storage");
    fs::create_dir(&old).unwrap();
    let meta = json!({
        "identifier": ID, "type": "BaseImage", "status": "COMPLETE", "percent_complete": 0, "icicle": null,
        "template": sandbox_template(), "parameters": {"credentials": "x"}, "properties": {},
        "status_detail": {"activity": "done", "error": null}, "data": "/etc/passwd",
    });
    fs::write(old.join(format!("{ID}.meta")), meta.to_string()).unwrap();
    fs::write(old.join("0192f3a4-5b6c-4d8e-9f01-000000000002.meta"), "").unwrap();
    let mut body = fs::File::create(old.join(format!("{ID}.body"))).unwrap();
    for _ in 0..body_len / MIB {
        body.write_all(&[7; MIB]).unwrap();
    }
    old.display().to_string()
}

fn sandbox_template() -> String {
    crate::support::tdl::Tdl::mock("old").xml()
}

#[test]
fn a_store_comes_over_once_and_its_images_are_of_use() {
    let sandbox = Sandbox::new();
    let old = old_store(&sandbox, 4 * MIB);
    let ended = factory(&sandbox, &["import-store", &old]).succeeded();
    assert!(
        ended.stdout.contains("1 imported, 0 there already, 0 refused; 1 files skipped"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains(&format!("{ID}: left out: credentials")), "{}", ended.stderr);
    assert!(ended.stderr.contains(".meta: it is empty"), "{}", ended.stderr);
    let again = json(&sandbox, &["import-store", &old, "--json"]);
    assert_eq!(again["images"][0]["outcome"], "there_already");
    assert_eq!(again["skipped"].as_array().unwrap().len(), 1);
    let target = json(&sandbox, &["--output", "json", "target_image", "mock", "--id", ID]);
    assert_eq!(target["status"], "COMPLETE");
    let refused = factory(&sandbox, &["--server", "127.0.0.1:1", "import-store", &old]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("run it there, without --server"), "{}", refused.stderr);
    let missing = factory(&sandbox, &["import-store", "/no/such/directory"]);
    assert_eq!(missing.status.code(), Some(2));
}

/// Ends an import in its middle; answers how.
fn broken_off(
    sandbox: &Sandbox,
    old: &str,
    end: impl FnOnce(Program) -> Option<i32>,
) -> Option<i32> {
    let mut command = sandbox.factory();
    let mut program = Program::start(command.args(["import-store", "--copy", old]));
    program.stderr.wait_for("copy 0192f3a4", DEADLINE).unwrap();
    end(program)
}

/// What is in the store after an import that did not get to its end: all of it, or nothing.
fn whole_or_nothing(sandbox: &Sandbox, old: &str) {
    let images = json(sandbox, &["images", "--json"]);
    let bodies = files_in(&sandbox.store().join("images"));
    match images.as_array().unwrap().as_slice() {
        [] => assert_eq!(bodies, Vec::<PathBuf>::new()),
        [one] => assert_eq!((&one["status"], bodies.len()), (&json!("COMPLETE"), 1)),
        more => panic!("{more:?}"),
    }
    assert_eq!(files_in(&sandbox.store().join("work")), Vec::<PathBuf>::new());
    let after = json(sandbox, &["import-store", "--json", old]);
    assert_ne!(after["images"][0]["outcome"], "refused");
    let images = json(sandbox, &["images", "--json"]);
    let body = images[0]["artifacts"][0]["path"].as_str().unwrap();
    let theirs = Path::new(old).join(format!("{ID}.body"));
    assert!(fs::read(body).unwrap() == fs::read(theirs).unwrap(), "the body is not whole");
}

#[test]
fn an_import_that_is_killed_leaves_nothing_half() {
    let sandbox = Sandbox::new();
    let old = old_store(&sandbox, 192 * MIB);
    broken_off(&sandbox, &old, |program| {
        program.kill();
        None
    });
    whole_or_nothing(&sandbox, &old);
}

#[test]
fn an_import_that_is_asked_to_stop_cleans_up_at_once() {
    let sandbox = Sandbox::new();
    let old = old_store(&sandbox, 192 * MIB);
    let code = broken_off(&sandbox, &old, |program| {
        program.signal(Signal::INT);
        let ended = program.wait(DEADLINE);
        assert_eq!(files_in(&sandbox.store().join("work")), Vec::<PathBuf>::new());
        ended.status.code()
    });
    assert!(matches!(code, Some(130 | 0)), "{code:?}");
    whole_or_nothing(&sandbox, &old);
}
