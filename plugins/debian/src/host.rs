//! What the build host must have, and what of its settings a build takes over.

use crate::disk::{grub, uki};
use crate::program::{is_installed, missing};
use factory_plugin_sdk::{Failure, Fault, Operation, proto, tool::Tool};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Programs, and the Debian packages that hold them.
const PROGRAMS: &[(&str, &str)] = &[
    ("apt-config", "apt"),
    ("chroot", "coreutils"),
    ("grub-mkimage", "grub-common"),
    ("mcopy", "mtools"),
    ("mkfs.vfat", "dosfstools"),
    ("mmdebstrap", "mmdebstrap"),
    ("mke2fs", "e2fsprogs"),
    ("tar", "tar"),
    ("unshare", "util-linux"),
];

/// What an ordinary user needs besides.
const PROGRAMS_OF_USERS: &[(&str, &str)] = &[("newgidmap", "uidmap"), ("newuidmap", "uidmap")];

/// Ids that an image may use: all that fit into 16 bits, `nobody` being 65534.
const IDS: u64 = 65_536;

/// What is left to the host at least when an image is unpacked in memory.
const MEMORY_SPARED: u64 = 1 << 30;
/// Less than this is not worth trying.
const MEMORY_WORTHWHILE: u64 = 2 << 30;

const PROXIES: &[&str] = &["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"];

/// apt's settings that say how to reach the network.
const NETWORK_OPTIONS: &[&str] = &[
    "Acquire::http::",
    "Acquire::https::",
    "Acquire::ftp::",
    "Acquire::Retries",
    "Acquire::ForceIPv",
];

/// Answers the programs for the plugin's description.
pub(crate) fn tools() -> Vec<proto::Tool> {
    let all = PROGRAMS.iter().chain(PROGRAMS_OF_USERS);
    all.map(|&(program, package)| proto::Tool {
        program: program.to_owned(),
        debian_package: package.to_owned(),
        optional: false,
    })
    .collect()
}

/// Finds everything that is missing on this host.
pub(crate) fn problems() -> Vec<Failure> {
    let is_root = rustix::process::geteuid().is_root();
    let of_users = if is_root { &[] } else { PROGRAMS_OF_USERS };
    let absent = |&&(program, _): &&(&str, &str)| !is_installed(program);
    let mut problems: Vec<_> = PROGRAMS
        .iter()
        .chain(of_users)
        .filter(absent)
        .map(|(program, package)| missing(program, package))
        .collect();
    let boot = Path::new(grub::MODULES).join("boot.img");
    for (file, package) in
        [(boot.as_path(), "grub-pc-bin"), (Path::new(uki::STUB), "systemd-boot-efi")]
    {
        if !file.exists() {
            problems.push(missing(&file.display().to_string(), package));
        }
    }
    if !is_root {
        problems.extend(["/etc/subuid", "/etc/subgid"].into_iter().filter_map(no_range));
    }
    problems
}

/// Answers how many bytes of memory an image of `disk_size` may be unpacked into; 0 if it should not be. What does not fit
/// onto the disk need not fit into memory.
pub(crate) fn memory_for(disk_size: u64) -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = available(&meminfo).min(allowed()).saturating_sub(MEMORY_SPARED);
    if available < MEMORY_WORTHWHILE.min(disk_size) { 0 } else { available.min(disk_size) }
}

/// Answers the environment variables that lead to the network.
pub(crate) fn proxies() -> BTreeMap<String, String> {
    let both = PROXIES.iter().flat_map(|name| [(*name).to_owned(), name.to_ascii_uppercase()]);
    both.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect()
}

/// Answers the host's apt settings that a build takes over: how to reach the network and, if the sources are the host's
/// own too, how much it trusts their dates.
///
/// # Errors
/// If apt can't tell; if the operation is to stop.
pub(crate) async fn apt_options(
    operation: &Operation,
    from_host: bool,
) -> Result<Vec<String>, Failure> {
    let dump = Tool::new("apt-config").arg("dump").package("apt").output(operation).await?;
    Ok(relevant(&String::from_utf8_lossy(&dump.stdout), from_host))
}

fn relevant(dump: &str, from_host: bool) -> Vec<String> {
    let is_relevant = |line: &&str| {
        NETWORK_OPTIONS.iter().any(|prefix| line.starts_with(prefix))
            || (from_host && line.starts_with("Acquire::Check-"))
    };
    // The dump names every node of the tree; those without a value say nothing.
    let lines = dump.lines().filter(is_relevant).filter(|line| !line.ends_with(" \"\";"));
    lines.map(str::to_owned).collect()
}

fn no_range(file: &str) -> Option<Failure> {
    let uid = rustix::process::geteuid().as_raw();
    let name = user_name(uid)?;
    let text = fs::read_to_string(file).unwrap_or_default();
    if has_range(&text, &name, uid) {
        return None;
    }
    let message = format!("{file} gives user {name} no range of {IDS} ids");
    let flag = file.trim_start_matches("/etc/").replace("sub", "--add-sub") + "s";
    Some(Failure::new(Fault::Host, "NO_SUBORDINATE_IDS", message).hint(format!(
        "as root: usermod {flag} 100000-165535 {name} (another range if that one is taken)"
    )))
}

fn has_range(text: &str, name: &str, uid: u32) -> bool {
    let uid = uid.to_string();
    text.lines().any(|line| {
        let mut fields = line.trim().split(':');
        let ours = fields.next().is_some_and(|owner| owner == name || owner == uid);
        let count = fields.nth(1).and_then(|count| count.parse::<u64>().ok());
        ours && count.is_some_and(|count| count >= IDS)
    })
}

/// Answers a user's name; `None` if it is not in this host's own list, but in a directory service.
fn user_name(uid: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid))?;
    line.split(':').next().map(str::to_owned)
}

fn available(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Answers what the control group still allows; without a limit, as much as one likes.
fn allowed() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::")) else {
        return u64::MAX;
    };
    let group = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    let number = |file: &str| {
        let text = fs::read_to_string(group.join(file)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    match (number("memory.max"), number("memory.current")) {
        (Some(limit), used) => limit.saturating_sub(used.unwrap_or_default()),
        (None, _) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_if_it_is_large_enough() {
        let text = "other:100000:65536\nme:165536:1000\n1001:300000:65536\n";
        assert!(has_range(text, "other", 7));
        assert!(!has_range(text, "me", 1000));
        assert!(has_range(text, "you", 1001));
        assert!(!has_range("", "me", 1000));
    }

    #[test]
    fn only_settings_that_lead_to_the_network_are_taken_over() {
        let dump = "APT::Architecture \"amd64\";\nAcquire \"\";\nAcquire::Check-Date \"false\";\n\
            Acquire::GzipIndexes \"true\";\nAcquire::http \"\";\nAcquire::http::Proxy \"http://proxy:3128\";\n\
            Acquire::http::Proxy::example.org \"DIRECT\";\nAcquire::https::Proxy \"\";\n";
        let network = [
            "Acquire::http::Proxy \"http://proxy:3128\";",
            "Acquire::http::Proxy::example.org \"DIRECT\";",
        ];
        assert_eq!(relevant(dump, false), network);
        assert_eq!(relevant(dump, true)[0], "Acquire::Check-Date \"false\";");
    }

    #[test]
    fn available_memory_is_read_in_bytes() {
        let meminfo = "MemTotal:       24683912 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(available(meminfo), 2 << 20);
        assert_eq!(available(""), 0);
    }
}
