//! From needs to rules.

use super::layer::Layer;
use super::options::{Mode, Options};
use super::places::Places;
use super::{ids, system};
use crate::domain::{Needs, Network};
use crate::seal::{Access, Container, Feature, FileRule, Ids, Machine, Rules, Syscalls};
use std::path::Path;

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
        let container = if self.needs.user_namespaces { self.container() } else { None };
        if self.needs.user_namespaces && !self.machine.privileged && container.is_none() {
            // `newuidmap` gives rights by being set-user-ID, and Landlock and seccomp take that away first.
            self.lack(
                "it makes user namespaces as an ordinary user: files, system calls and network \
                 can't be kept from it",
            );
            return Rules::default();
        }
        let network_namespace = self.network_namespace();
        let root = self.machine.privileged || container.is_some();
        Rules {
            no_new_privileges: true,
            files: self.files(),
            container,
            connect_ports: self.connect_ports(),
            scoped: self.on(Layer::Signals) && self.can(Feature::LandlockScope),
            syscalls: self.syscalls(),
            network_namespace,
            loopback: network_namespace && self.needs.network == Network::Loopback,
            capabilities: (root && self.on(Layer::Capabilities)).then(|| self.capabilities()),
        }
    }

    /// A plugin that mounts is kept from files by what there is to mount: Landlock forbids mounts.
    fn container(&mut self) -> Option<Container> {
        if !(self.on(Layer::Files) && self.can(Feature::UserNamespace)) {
            return None;
        }
        let ids = match self.machine.privileged {
            false => Ids::Subordinate,
            true if self.places.maps_ids => ids::of(self.plugin),
            true => {
                self.lack(
                    "the store's file system can't map ids, or the kernel can't (Linux 5.12): files are not kept from a \
                     plugin that makes user namespaces",
                );
                return None;
            }
        };
        Some(Container {
            ids,
            files: system::files_for_mounts(),
            own: [self.own_files(), self.asked_files()].concat(),
            temporary: self.places.temporary.clone(),
        })
    }

    fn files(&mut self) -> Option<Vec<FileRule>> {
        let by_path = !self.needs.user_namespaces && self.on(Layer::Files);
        if !(by_path && self.can(Feature::Landlock)) {
            return None;
        }
        if !self.machine.has(Feature::LandlockUnix) {
            self.lack(Feature::LandlockUnix.missing());
        }
        Some([system::files(), self.own_files(), self.asked_files()].concat())
    }

    fn syscalls(&mut self) -> Option<Syscalls> {
        let on = self.on(Layer::SystemCalls) && self.can(Feature::Seccomp);
        on.then_some(Syscalls {
            namespaces: self.needs.user_namespaces,
            network: self.needs.network != Network::None || !self.on(Layer::Network),
        })
    }

    fn own_files(&self) -> Vec<FileRule> {
        let Places { executable, info, socket, work, inputs, tools, .. } = self.places;
        let mut files = vec![
            FileRule::new(executable, Access::Execute),
            FileRule::new(info, Access::Read),
            FileRule::new(socket, Access::Write),
        ];
        files.extend(self.places.programs().map(|path| FileRule::new(path, Access::Execute)));
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
        if !self.on(Layer::Ports) {
            return None;
        }
        match self.needs.network {
            Network::Any | Network::Loopback => None,
            Network::None if self.sockets_are_kept() => None,
            Network::None => self.can(Feature::LandlockNetwork).then(Vec::new),
            Network::Hosts => {
                let ports = ports(&self.needs.hosts);
                self.lack("by address no host is kept from it: only TCP ports are");
                self.can(Feature::LandlockNetwork).then_some(ports)
            }
        }
    }

    /// Without sockets there is nothing to connect.
    fn sockets_are_kept(&self) -> bool {
        let on = |layer| !self.options.is_without(self.plugin, layer);
        self.machine.has(Feature::Seccomp) && on(Layer::SystemCalls) && on(Layer::Network)
    }

    fn network_namespace(&mut self) -> bool {
        if !self.on(Layer::Network) {
            return false;
        }
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

    /// Tells whether nobody has switched that off.
    fn on(&mut self, layer: Layer) -> bool {
        let on = !self.options.is_without(self.plugin, layer);
        if !on {
            self.lack(layer.missing());
        }
        on
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
        if !self.open.iter().any(|open| open == what) {
            self.open.push(what.to_owned());
        }
    }

    fn gets(&self, rules: &Rules) -> Vec<String> {
        let mut gets = vec![match (self.needs.network, rules.network_namespace) {
            (Network::None, _) if rules.network_namespace || self.sockets_are_kept() => {
                "no network".to_owned()
            }
            (Network::Loopback, true) => "a network of its own, with loopback only".to_owned(),
            (Network::Hosts, _) if rules.connect_ports.is_some() => {
                format!("TCP to ports {}", list(&ports(&self.needs.hosts)))
            }
            _ => "the network of this machine".to_owned(),
        }];
        match rules.files.is_some() || rules.container.is_some() {
            false => gets.push("files: as its user".to_owned()),
            true => {
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
        match rules.capabilities {
            Some(_) if rules.container.is_some() => {
                gets.push("root in a user namespace of its own, with few capabilities".to_owned());
            }
            Some(_) => gets.push("root with few capabilities".to_owned()),
            None => {}
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
