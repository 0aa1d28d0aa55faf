//! Seals, applied to processes of the system that then try what was taken from them.

use super::{Access, Container, FileRule, Ids, Rules, Syscalls, prepare};
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

/// Answers a container with some directories, and the ids that this user can have.
fn container(own: Vec<FileRule>) -> Option<Container> {
    let machine = super::Machine::probe();
    let ids =
        if machine.privileged { Ids::Foreign { first: 0x6fff_0000 } } else { Ids::Subordinate };
    let mut files = system();
    files
        .extend([FileRule::new("/proc", Access::Read), FileRule::new("/dev/null", Access::Device)]);
    let container = Container { ids, files, own, temporary: None };
    machine.has(super::Feature::UserNamespace).then_some(container)
}

#[test]
fn who_is_contained_is_root_of_what_is_its_own_and_can_undo_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["own", "inputs", "others"] {
        std::fs::create_dir(path(name)).unwrap();
        std::fs::write(path(name).join("file"), name).unwrap();
    }
    let own = vec![
        FileRule::new(path("own"), Access::Write),
        FileRule::new(path("inputs"), Access::Read),
        FileRule::new(path("not-there"), Access::Read),
    ];
    let Some(container) = container(own) else { return };
    let rules = Rules { container: Some(container), ..Rules::default() };
    let here = directory.path().display();
    let script = format!(
        "id -u; cd {here}; cat own/file inputs/file; echo; echo new > own/new; chown 7:8 own/new; stat -c %u:%g own/new; \
         mount -t tmpfs none own; ls own; umount own; unshare --mount --pid --fork --mount-proc ls /proc/1/exe; \
         exec 2>&1; cat others/file; cat /etc/shadow; echo x > inputs/new; rm -rf inputs; \
         mount -o remount,rw,bind inputs; umount inputs; umount -l /usr; echo x > inputs/new; touch /usr/x; mknod own/m b 8 0"
    );
    let said = says(&sealed(rules, &script));
    let own = "0\nowninputs\n7:8\n/proc/1/exe\n";
    assert!(said.starts_with(own), "{said}");
    let refused: Vec<_> = said[own.len()..].lines().filter(|it| !it.contains("dmesg")).collect();
    let expected = [
        "others/file: No such file",
        "/etc/shadow: No such file",
        "inputs/new: Read-only file system",
        "Read-only file system",
        "inputs: permission denied",
        "umount: ",
        "umount: ",
        "inputs/new: Read-only file system",
        "Read-only file system",
        "own/m: Operation not permitted",
    ];
    assert_eq!(refused.len(), expected.len(), "{said}");
    for (refused, expected) in refused.iter().zip(expected) {
        assert!(refused.contains(expected), "{expected} in {said}");
    }
    assert_eq!(std::fs::read_to_string(path("inputs/file")).unwrap(), "inputs");
}
