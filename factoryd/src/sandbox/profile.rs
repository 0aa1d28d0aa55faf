//! From needs to rules.

use super::options::{Mode, Options};
use super::places::Places;
use crate::domain::{Needs, Network};
use crate::seal::{Access, Feature, FileRule, Machine, Rules, Syscalls};
use std::path::Path;

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

/// The ports of hosts that are named without one: names, the web, and what is not encrypted.
const USUAL_PORTS: [u16; 3] = [53, 80, 443];

/// What root keeps: files of other users, and becoming one of them (capabilities(7)).
const CHOWN_TO_SETUID: &[u32] = &[0, 1, 3, 4, 5, 6, 7];
/// What it keeps besides to make a system's files: lists of capabilities of files, nodes, locks, ports, roots, namespaces and
/// mounts, priorities, limits, the audit.
const OF_SYSTEMS: &[u32] = &[8, 9, 10, 15, 18, 21, 23, 24, 27, 28, 29, 31];

/// What a plugin may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// How strict it is.
    pub mode: Mode,
    /// What the kernel is told; `None` if nothing is kept from the plugin.
    pub rules: Option<Rules>,
    /// What the plugin gets, for a person: one phrase each.
    pub gets: Vec<String>,
    /// What can't be kept from it here, for a person: one sentence each.
    pub open: Vec<String>,
}

/// Makes a plugin's profile.
pub fn profile(
    plugin: &str,
    needs: &Needs,
    options: &Options,
    machine: &Machine,
    places: &Places,
) -> Profile {
    let mode = options.mode_of(plugin);
    let mut draft = Draft { plugin, needs, options, machine, places, open: Vec::new() };
    let rules = draft.rules();
    let (gets, open) = (draft.gets(&rules), draft.open);
    match mode {
        Mode::Enforce => Profile { mode, rules: Some(rules), gets, open },
        Mode::Warn | Mode::Off => {
            let open = vec![format!("the sandbox is {}: nothing is kept from it", said(mode))];
            Profile { mode, rules: None, gets, open }
        }
    }
}

fn said(mode: Mode) -> &'static str {
    if mode == Mode::Warn { "only shown" } else { "off" }
}

struct Draft<'a> {
    plugin: &'a str,
    needs: &'a Needs,
    options: &'a Options,
    machine: &'a Machine,
    places: &'a Places,
    open: Vec<String>,
}

impl Draft<'_> {
    fn rules(&mut self) -> Rules {
        if self.needs.user_namespaces && !self.machine.privileged {
            // `newuidmap` gives rights by being set-user-ID, and Landlock and seccomp take that away first.
            self.lack(
                "it makes user namespaces as an ordinary user: files, system calls and network \
                 can't be kept from it; run the factory as root for that",
            );
            return Rules::default();
        }
        let network_namespace = self.network_namespace();
        Rules {
            no_new_privileges: true,
            files: self.files(),
            connect_ports: self.connect_ports(),
            scoped: self.can(Feature::LandlockScope),
            syscalls: self.can(Feature::Seccomp).then_some(Syscalls {
                namespaces: self.needs.user_namespaces,
                network: self.needs.network != Network::None,
            }),
            network_namespace,
            loopback: network_namespace && self.needs.network == Network::Loopback,
            capabilities: self.machine.privileged.then(|| self.capabilities()),
        }
    }

    fn files(&mut self) -> Option<Vec<FileRule>> {
        if self.needs.user_namespaces {
            self.lack("it mounts, which Landlock would forbid: files are not kept from it by path");
            return None;
        }
        if !self.can(Feature::Landlock) {
            return None;
        }
        let all = |paths: &[&str], access| {
            paths.iter().map(move |path| FileRule::new(*path, access)).collect::<Vec<_>>()
        };
        let mut files = all(SYSTEM, Access::Execute);
        files.extend(all(LOOKED_UP, Access::Read));
        files.extend(all(DEVICES, Access::Device));
        files.extend(self.own_files());
        files.extend(self.asked_files());
        Some(files)
    }

    fn own_files(&self) -> Vec<FileRule> {
        let Places { executable, info, socket, work, inputs, tools, .. } = self.places;
        let mut files = vec![
            FileRule::new(executable, Access::Execute),
            FileRule::new(info, Access::Read),
            FileRule::new(socket, Access::Write),
        ];
        files.extend(self.places.beside().map(|beside| FileRule::new(beside, Access::Execute)));
        files.extend(work.iter().map(|work| FileRule::new(work, Access::Write)));
        files.extend(inputs.iter().map(|inputs| FileRule::new(inputs, Access::Read)));
        files.extend(tools.iter().map(|tool| FileRule::new(tool, Access::Execute)));
        files
    }

    fn asked_files(&self) -> Vec<FileRule> {
        let rules = |paths: &[String], access| {
            let absolute = paths.iter().filter(|path| path.starts_with('/'));
            absolute.map(|path| FileRule::new(path, access)).collect::<Vec<_>>()
        };
        let mut files = rules(&self.needs.devices, Access::Device);
        files.extend(rules(&self.needs.read_paths, Access::Read));
        files.extend(rules(&self.needs.write_paths, Access::Write));
        files.extend(self.granted().map(|path| FileRule::new(path, Access::Write)));
        files.retain(|rule| !self.is_secret(&rule.path));
        files
    }

    /// No need of a plugin's own opens what is the factory's.
    fn is_secret(&self, path: &Path) -> bool {
        let mut secret = self.places.secret.iter();
        secret.any(|secret| path.starts_with(secret) || secret.starts_with(path))
    }

    fn granted(&self) -> impl Iterator<Item = &Path> {
        let own = self.options.grants.iter().filter(|grant| grant.plugin == self.plugin);
        own.map(|grant| grant.path.as_path())
    }

    fn connect_ports(&mut self) -> Option<Vec<u16>> {
        match self.needs.network {
            Network::Any | Network::Loopback => None,
            // Without sockets there is nothing to connect.
            Network::None if self.machine.has(Feature::Seccomp) => None,
            Network::None => self.can(Feature::LandlockNetwork).then(Vec::new),
            Network::Hosts => {
                let ports = ports(&self.needs.hosts);
                self.lack("by address no host is kept from it: only TCP ports are");
                self.can(Feature::LandlockNetwork).then_some(ports)
            }
        }
    }

    fn network_namespace(&mut self) -> bool {
        match self.needs.network {
            Network::Any | Network::Hosts => false,
            Network::None => self.machine.has(Feature::NetworkNamespace),
            Network::Loopback => self.can(Feature::NetworkNamespace),
        }
    }

    fn capabilities(&self) -> Vec<u32> {
        let of_systems = if self.needs.user_namespaces { OF_SYSTEMS } else { &[] };
        [CHOWN_TO_SETUID, of_systems].concat()
    }

    /// Tells whether the machine can do that, and notes it if it can't.
    fn can(&mut self, feature: Feature) -> bool {
        let has = self.machine.has(feature);
        if !has {
            self.lack(feature.missing());
        }
        has
    }

    fn lack(&mut self, what: &str) {
        self.open.push(what.to_owned());
    }

    fn gets(&self, rules: &Rules) -> Vec<String> {
        let mut gets = vec![match (self.needs.network, rules.network_namespace) {
            (Network::None, _) => "no network".to_owned(),
            (Network::Loopback, true) => "a network of its own, with loopback only".to_owned(),
            (Network::Hosts, _) => format!("TCP to ports {}", list(&ports(&self.needs.hosts))),
            _ => "the network of this machine".to_owned(),
        }];
        match &rules.files {
            None => gets.push("files: as its user".to_owned()),
            Some(_) => {
                gets.push("files: the system's (read), its own".to_owned());
                let asked = self.asked_files();
                gets.extend(
                    asked.iter().map(|rule| format!("{} {}", verb(rule), rule.path.display())),
                );
            }
        }
        if let Some(syscalls) = &rules.syscalls {
            let mounts = if syscalls.namespaces { "with" } else { "without" };
            gets.push(format!("system calls {mounts} mounts and namespaces"));
        }
        if self.machine.privileged && rules.capabilities.is_some() {
            gets.push("root with few capabilities".to_owned());
        }
        gets
    }
}

fn verb(rule: &FileRule) -> &'static str {
    match rule.access {
        Access::Read | Access::Execute => "reads",
        Access::Write => "writes",
        Access::Device => "uses",
    }
}

fn ports(hosts: &[String]) -> Vec<u16> {
    let port = |host: &String| host.rsplit_once(':')?.1.parse().ok();
    let mut ports: Vec<u16> = hosts.iter().filter_map(port).chain(USUAL_PORTS).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn list(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
