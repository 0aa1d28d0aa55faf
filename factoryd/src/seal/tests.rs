//! Seals, applied to processes of the system that then try what was taken from them.

use super::{Access, FileRule, Rules, Syscalls, prepare};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// Runs a shell with these rules.
#[expect(unsafe_code, reason = "a seal is applied between fork and exec")]
fn sealed(rules: Rules, script: &str) -> Output {
    let mut prepared = prepare(rules).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    // SAFETY: what is applied was prepared before the fork; the kernel is asked, and little else is done.
    unsafe { command.pre_exec(move || prepared.apply()) };
    command.output().unwrap()
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn system() -> Vec<FileRule> {
    ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"]
        .map(|path| FileRule::new(path, Access::Execute))
        .to_vec()
}

#[test]
fn files_that_are_not_left_are_denied_and_those_that_are_can_be_read_or_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["own", "inputs", "others"] {
        std::fs::create_dir(path(name)).unwrap();
        std::fs::write(path(name).join("file"), name).unwrap();
    }
    let mut files = system();
    files.push(FileRule::new(path("own"), Access::Write));
    files.push(FileRule::new(path("inputs"), Access::Read));
    files.push(FileRule::new(path("not-there"), Access::Read));
    let rules = Rules { no_new_privileges: true, files: Some(files), ..Rules::default() };
    let here = directory.path().display();
    let script = format!(
        "cd {here}; cat own/file inputs/file; echo new > own/new && cat own/new; \
         cat others/file; echo x > inputs/new; ln inputs/file own/linked"
    );
    let said = says(&sealed(rules, &script));
    assert!(said.starts_with("owninputsnew\n"), "{said}");
    assert!(said.contains("others/file: Permission denied"), "{said}");
    assert!(said.contains("inputs/new: Permission denied"), "{said}");
    assert!(!path("own/linked").exists(), "a link would make what is read writable: {said}");
}

#[test]
fn system_calls_that_are_not_left_are_not_permitted() {
    let rules = |namespaces| Rules {
        no_new_privileges: true,
        syscalls: Some(Syscalls { namespaces, network: true }),
        ..Rules::default()
    };
    let script = "unshare --user true 2>&1; echo $?";
    let denied = says(&sealed(rules(false), script));
    assert!(denied.contains("Operation not permitted") && !denied.ends_with("\n0\n"), "{denied}");
    let output = says(&sealed(rules(true), "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status"));
    assert_eq!(output, "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

#[test]
fn capabilities_that_are_not_kept_are_gone() {
    if !super::Machine::probe().privileged {
        // An ordinary user has none to lose.
        return;
    }
    let rules = Rules { capabilities: Some(vec![0, 1]), ..Rules::default() };
    let said = says(&sealed(rules, "grep ^Cap[BE][nf]. /proc/self/status"));
    assert_eq!(said, "CapEff:\t0000000000000003\nCapBnd:\t0000000000000003\n");
}
