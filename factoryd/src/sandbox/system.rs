//! What of a system is nobody's secret, and what programs do not run without.

use crate::seal::{Access, FileRule};

/// What every program finds on a machine: libraries, programs, and what these look up.
const SYSTEM: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/opt"];
const LOOKED_UP: &[&str] = &[
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/debian_version",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/machine-id",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/mke2fs.conf",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/proc",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
];
const DEVICES: &[&str] =
    &["/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"];
/// What who runs programs in a tree of its own needs besides: all of both, to mount them there.
const KERNEL: &[(&str, Access)] = &[("/proc", Access::Read), ("/sys", Access::Read)];

/// Answers what every program gets.
pub(super) fn files() -> Vec<FileRule> {
    let all =
        |paths: &'static [&str], access| paths.iter().map(move |path| FileRule::new(*path, access));
    let read = all(SYSTEM, Access::Execute).chain(all(LOOKED_UP, Access::Read));
    read.chain(all(DEVICES, Access::Device)).collect()
}

/// Answers what a program gets that mounts.
pub(super) fn files_for_mounts() -> Vec<FileRule> {
    let below = |rule: &FileRule| KERNEL.iter().any(|(path, _)| rule.path.starts_with(path));
    let mut files = files();
    files.retain(|rule| !below(rule));
    files.extend(KERNEL.iter().map(|(path, access)| FileRule::new(*path, *access)));
    files
}
