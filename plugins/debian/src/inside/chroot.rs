//! Running programs in the image, as if it were a system: with `/proc`, `/sys`, a minimal `/dev` and name resolution, and
//! without starting services. Everything is mounted in the build's own mount namespace, and taken away at the end.

use super::plan::Plan;
use super::tree::Tree;
use crate::program::{self, Program};
use rustix::mount::{MountFlags, UnmountFlags};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Where what is needed during the build is; `/run` is emptied at the end.
pub(crate) const RUN: &str = "/run/factory";

const POLICY: &str = "/usr/sbin/policy-rc.d";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NODES: &[&str] = &["full", "null", "random", "tty", "urandom", "zero"];

/// The image, ready to run programs. [`close`](Self::close) it before its files are taken.
#[derive(Debug)]
pub(crate) struct Chroot<'a> {
    /// The image's files.
    pub(crate) tree: &'a Tree,
    environment: BTreeMap<String, String>,
    mounted: Vec<&'static str>,
    had_policy: bool,
}

impl<'a> Chroot<'a> {
    /// Makes the image ready.
    ///
    /// # Errors
    /// If something can't be mounted or written.
    pub(crate) fn open(tree: &'a Tree, plan: &Plan) -> io::Result<Self> {
        let environment = environment(plan);
        let had_policy = tree.has(POLICY);
        let mut chroot = Self { tree, environment, mounted: vec![], had_policy };
        chroot.mount_all()?;
        if !had_policy {
            tree.write(POLICY, 0o755, b"#!/bin/sh\nexit 101\n")?;
        }
        tree.write(&format!("{RUN}/apt.conf"), 0o644, apt_configuration(plan).as_bytes())?;
        lend_resolver(tree)?;
        Ok(chroot)
    }

    /// Names a program of the image to run.
    pub(crate) fn program(&self, name: &str) -> Program {
        Program::new("chroot", "coreutils")
            .only_envs(&self.environment)
            .arg(self.tree.path())
            .arg(name)
    }

    /// Runs a script with its output in the log: as it says after `#!`, or as a shell script that stops at the first
    /// command that fails.
    ///
    /// # Errors
    /// `Ok(Err(_))` if it fails, the outer error if it can't be written.
    pub(crate) fn script(&self, content: &[u8]) -> io::Result<Result<(), program::Error>> {
        let path = format!("{RUN}/script");
        self.tree.write(&path, 0o700, content)?;
        let program = match content.starts_with(b"#!") {
            true => self.program(&path),
            false => self.program("/bin/sh").args(["-e", &path]),
        };
        let ended = program.logged();
        self.tree.remove(&path)?;
        Ok(ended)
    }

    /// Takes away what was only there for the build.
    ///
    /// # Errors
    /// If something can't be unmounted or removed.
    pub(crate) fn close(mut self) -> io::Result<()> {
        while let Some(path) = self.mounted.pop() {
            let target = self.host_path(path);
            rustix::mount::unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
        }
        if !self.had_policy {
            self.tree.remove(POLICY)?;
        }
        self.tree.empty("/run", &["lock"])
    }

    fn mount_all(&mut self) -> io::Result<()> {
        for directory in ["/dev", "/proc", "/run", "/sys"] {
            self.tree.create_directory(directory)?;
        }
        self.mount("/proc", |target| mount("proc", target, ""))?;
        // A namespace without a network of its own may not mount a fresh sysfs.
        self.mount("/sys", |target| rustix::mount::mount_bind_recursive("/sys", target))?;
        self.mount("/dev", |target| mount("tmpfs", target, "mode=0755"))?;
        populate_dev(&self.host_path("/dev"))
    }

    fn mount(
        &mut self,
        path: &'static str,
        mount: impl FnOnce(&Path) -> rustix::io::Result<()>,
    ) -> io::Result<()> {
        mount(&self.host_path(path))
            .map_err(|error| io::Error::new(error.kind(), format!("mounting {path}: {error}")))?;
        self.mounted.push(path);
        Ok(())
    }

    fn host_path(&self, path: &str) -> std::path::PathBuf {
        self.tree.path().join(path.trim_start_matches('/'))
    }
}

fn mount(kind: &str, target: &Path, options: &str) -> rustix::io::Result<()> {
    let options = std::ffi::CString::new(options).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount(kind, target, kind, flags, options.as_c_str())
}

/// Nodes can't be made in a user namespace, but the host's can be bound.
fn populate_dev(dev: &Path) -> io::Result<()> {
    for name in NODES {
        let target = dev.join(name);
        File::create(&target)?;
        rustix::mount::mount_bind(Path::new("/dev").join(name), &target)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(target, dev.join(name))?;
    }
    fs::create_dir(dev.join("shm"))?;
    fs::create_dir(dev.join("pts"))?;
    let options = "newinstance,ptmxmode=0666,mode=0620,gid=5";
    Ok(mount("devpts", &dev.join("pts"), options)?)
}

fn environment(plan: &Plan) -> BTreeMap<String, String> {
    let fixed = [
        ("PATH", PATH.to_owned()),
        ("HOME", "/root".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("DEBIAN_FRONTEND", "noninteractive".to_owned()),
        ("APT_CONFIG", format!("{RUN}/apt.conf")),
        ("SOURCE_DATE_EPOCH", plan.epoch.to_string()),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value));
    fixed.chain(plan.environment.clone()).collect()
}

/// apt runs inside the image from here on, with the host's way to the network and the host's certificates.
fn apt_configuration(plan: &Plan) -> String {
    let mut lines: Vec<_> = plan.apt_options.clone();
    lines.push(format!("Acquire::https::CaInfo \"{RUN}/certificates.pem\";"));
    for host in &plan.unverified_hosts {
        lines.push(format!("Acquire::https::{host}::Verify-Peer \"false\";"));
        lines.push(format!("Acquire::https::{host}::Verify-Host \"false\";"));
    }
    lines.join("\n") + "\n"
}

/// Lends the image the host's resolver and certificates. `/etc/resolv.conf` may be a link into `/run`: it is followed.
fn lend_resolver(tree: &Tree) -> io::Result<()> {
    if let Ok(resolver) = fs::read("/etc/resolv.conf") {
        tree.write("/run/systemd/resolve/stub-resolv.conf", 0o644, &resolver)?;
        tree.write("/run/systemd/resolve/resolv.conf", 0o644, &resolver)?;
    }
    let certificates = fs::read("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    tree.write(&format!("{RUN}/certificates.pem"), 0o644, &certificates)
}
