//! An ordinary user to run programs as.
//!
//! Tests that run as root make one for as long as they need it; for tests that run as an ordinary user, it is that one.

use rustix::process::{getgid, getuid};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The first of the subordinate ids given to users made here, far above those of people.
const SUBORDINATE_FIRST: u32 = 1_000_000_000;
/// How many each gets.
const SUBORDINATE_COUNT: u32 = 65_536;

/// An ordinary user. Dropping it removes the account if it was made here.
pub(crate) struct User {
    name: Option<String>,
    uid: u32,
    gid: u32,
    home: tempfile::TempDir,
}

/// Tells whether the tests run as root.
pub(crate) fn is_root() -> bool {
    getuid().is_root()
}

impl User {
    /// Makes a user, or takes the one that the tests run as.
    pub(crate) fn ordinary() -> Self {
        let home = tempfile::Builder::new().prefix("factory-e2e-").tempdir().unwrap();
        if !is_root() {
            return Self { name: None, uid: getuid().as_raw(), gid: getgid().as_raw(), home };
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("factory-e2e-{}-{number}", std::process::id());
        succeed(
            Command::new("useradd")
                .args(["--system", "--user-group", "--shell", "/bin/sh"])
                .arg("--home-dir")
                .arg(home.path())
                .arg(&name),
        );
        let id = |flag| -> u32 {
            let output = Command::new("id").args([flag, name.as_str()]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
        };
        let (uid, gid) = (id("-u"), id("-g"));
        let first = SUBORDINATE_FIRST + uid * SUBORDINATE_COUNT % SUBORDINATE_FIRST;
        let range = format!("{first}-{}", first + SUBORDINATE_COUNT - 1);
        succeed(Command::new("usermod").args([
            "--add-subuids",
            &range,
            "--add-subgids",
            &range,
            &name,
        ]));
        let user = Self { name: Some(name), uid, gid, home };
        user.own(user.home());
        user
    }

    /// Returns a directory of the user's own, removed with the user.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Gives a file or directory, and all in it, to the user.
    pub(crate) fn own(&self, path: &Path) {
        if is_root() {
            succeed(
                Command::new("chown").arg("-R").arg(format!("{}:{}", self.uid, self.gid)).arg(path),
            );
        }
    }

    /// Returns a command that runs as the user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = match &self.name {
            None => Command::new(program),
            Some(name) => {
                let mut command = Command::new("setpriv");
                command.args(["--init-groups", "--reuid", name]);
                command.arg(format!("--regid={}", self.gid)).arg("--").arg(program);
                command.env("USER", name).env("LOGNAME", name);
                command
            }
        };
        command.env("HOME", self.home()).current_dir(self.home());
        command
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = Command::new("userdel").arg(name).status();
        }
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_user_runs_programs_and_maps_subordinate_ids() {
        let user = User::ordinary();
        let output = user.command(Path::new("id")).arg("-u").output().unwrap();
        let uid = String::from_utf8(output.stdout).unwrap();
        assert_eq!(uid.trim(), user.uid.to_string());
        assert_ne!(user.uid, 0);
        let script = "unshare --map-auto --map-root-user chown 1:1 . && stat -c %u . && unshare --map-auto --map-root-user chown 0:0 .";
        let output = user.command(Path::new("sh")).args(["-c", script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn an_account_made_here_is_removed() {
        let user = User::ordinary();
        let name = user.name.clone();
        drop(user);
        if let Some(name) = name {
            for file in ["/etc/passwd", "/etc/group", "/etc/subuid", "/etc/subgid"] {
                assert!(!std::fs::read_to_string(file).unwrap().contains(&name), "{file}");
            }
        }
    }
}
