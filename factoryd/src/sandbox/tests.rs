//! Profiles, by what a plugin needs and what a machine can.

use super::*;
use crate::domain::{Needs, Network};
use crate::seal::{Access, Feature, FileRule, Ids, Machine, Rules};

fn places() -> Places {
    Places {
        executable: "/usr/lib/factory/plugins/factory-plugin-x".into(),
        interpreter: vec![],
        info: "/usr/lib/factory/plugins/x.info".into(),
        socket: "/run/factory/fp-1/1".into(),
        work: vec!["/store/work/o/x/work".into()],
        temporary: None,
        maps_ids: true,
        inputs: Some("/store/work/o/x/inputs".into()),
        tools: vec![],
        secret: vec!["/store".into(), "/run/factory".into()],
    }
}

fn enforced(needs: &Needs, machine: &Machine) -> Profile {
    let grants = vec!["x=/srv/pool".parse().unwrap(), "y=/srv/other".parse().unwrap()];
    let options = Options { mode: Mode::Enforce, grants, ..Options::default() };
    profile("x", needs, &options, machine, &places())
}

fn root() -> Machine {
    Machine::with(&Feature::ALL, true)
}

fn user() -> Machine {
    let all = Feature::ALL.into_iter().filter(|it| *it != Feature::NetworkNamespace);
    Machine::with(&all.collect::<Vec<_>>(), false)
}

fn access(rules: &Rules, path: &str) -> Option<Access> {
    let files = rules.files.as_ref()?;
    let found = files.iter().filter(|rule| std::path::Path::new(path).starts_with(&rule.path));
    found.map(|rule| rule.access).next_back()
}

#[test]
fn a_plugin_that_says_nothing_gets_its_own_files_and_the_systems_and_no_network() {
    let profile = enforced(&Needs::default(), &root());
    assert!(profile.open.is_empty(), "{:?}", profile.open);
    let rules = profile.rules.unwrap();
    assert!(rules.no_new_privileges && rules.scoped && rules.network_namespace && !rules.loopback);
    let syscalls = rules.syscalls.unwrap();
    assert!(!syscalls.network && !syscalls.namespaces);
    for (path, expected) in [
        ("/store/work/o/x/work/1/disk", Some(Access::Write)),
        ("/store/work/o/x/inputs/1/disk", Some(Access::Read)),
        ("/store/work/o/y/work/1/disk", None),
        ("/store/factory.db", None),
        ("/store/images/1/disk", None),
        ("/run/factory/fp-1/1/socket", Some(Access::Write)),
        ("/run/factory/fp-1/2/socket", None),
        ("/usr/bin/sh", Some(Access::Execute)),
        ("/etc/shadow", None),
        ("/root/.ssh/id", None),
        ("/home/me", None),
        ("/tmp/x", None),
        ("/dev/null", Some(Access::Device)),
        ("/dev/kvm", None),
        ("/srv/pool/disk", Some(Access::Write)),
        ("/srv/other/disk", None),
    ] {
        assert_eq!(access(&rules, path), expected, "{path}");
    }
}

#[test]
fn what_a_plugin_needs_it_gets_but_never_what_is_the_factorys() {
    let needs = Needs {
        devices: vec!["/dev/kvm".into()],
        read_paths: vec!["/etc/apt".into(), "/store/factory.db".into(), "/".into()],
        write_paths: vec!["/var/cache/x".into(), "relative".into()],
        network: Network::Any,
        ..Needs::default()
    };
    let rules = enforced(&needs, &root()).rules.unwrap();
    assert_eq!(access(&rules, "/dev/kvm"), Some(Access::Device));
    assert_eq!(access(&rules, "/etc/apt/sources.list"), Some(Access::Read));
    assert_eq!(access(&rules, "/var/cache/x/y"), Some(Access::Write));
    assert_eq!(access(&rules, "/store/factory.db"), None);
    assert_eq!(access(&rules, "/etc/shadow"), None, "the root directory holds the store");
    assert!(!rules.network_namespace && rules.syscalls.unwrap().network);
    assert_eq!(rules.connect_ports, None);
}

#[test]
fn a_plugin_that_mounts_is_root_of_a_user_namespace_in_which_only_its_own_files_are() {
    let needs = Needs { user_namespaces: true, network: Network::Any, ..Needs::default() };
    let mount = 21;
    for machine in [root(), user()] {
        let profile = enforced(&needs, &machine);
        assert!(profile.open.is_empty(), "{:?}", profile.open);
        let rules = profile.rules.unwrap();
        assert!(rules.files.is_none() && rules.syscalls.unwrap().namespaces && rules.scoped);
        assert!(rules.capabilities.unwrap().contains(&mount));
        let container = rules.container.unwrap();
        assert_eq!(container.ids == Ids::Subordinate, !machine.privileged);
        let has = |files: &[FileRule], path: &str| files.iter().any(|it| it.path.ends_with(path));
        assert!(has(&container.own, "/store/work/o/x/work") && has(&container.files, "/sys"));
        assert!(!has(&container.files, "/store") && !has(&container.files, "/etc"));
    }
}

#[test]
fn a_plugin_that_mounts_where_nothing_can_be_put_around_it_is_kept_from_less_and_that_is_said() {
    let needs = Needs { user_namespaces: true, network: Network::Any, ..Needs::default() };
    let poor = Machine::with(&[Feature::Landlock, Feature::Seccomp], false);
    let profile = enforced(&needs, &poor);
    assert_eq!(profile.rules, Some(Rules::default()), "newuidmap is set-user-ID");
    let said = profile.open.join("\n");
    assert!(said.contains("newuidmap") && said.contains("as an ordinary user"), "{said}");

    let options = Options { mode: Mode::Enforce, ..Options::default() };
    let places = Places { maps_ids: false, ..places() };
    let profile = super::profile("x", &needs, &options, &root(), &places);
    assert!(profile.open[0].contains("can't map ids"), "{:?}", profile.open);
    let rules = profile.rules.unwrap();
    assert!(rules.container.is_none() && rules.capabilities.is_some());
}

#[test]
fn a_part_that_is_left_out_is_left_out_for_that_plugin_only_and_that_is_said() {
    for layer in Layer::ALL {
        let without = vec![format!("x={layer}").parse().unwrap()];
        let options = Options { mode: Mode::Enforce, without, ..Options::default() };
        let made = |plugin| profile(plugin, &Needs::default(), &options, &root(), &places());
        let (with, without) = (made("y").rules.unwrap(), made("x"));
        let changed = without.rules.unwrap() != with;
        // Who has no network connects to no port.
        assert_eq!(changed, layer != Layer::Ports, "{layer}");
        assert!(without.open.iter().any(|it| it.contains("switched off")), "{:?}", without.open);
    }
}

#[test]
fn what_a_machine_cannot_do_is_said_and_not_asked_of_it() {
    let profile = enforced(&Needs::default(), &Machine::with(&[], false));
    let rules = profile.rules.unwrap();
    assert!(rules.files.is_none() && rules.syscalls.is_none() && !rules.scoped);
    let said = profile.open.join("\n");
    for missing in ["Linux 5.13", "Linux 6.7", "Linux 6.12", "seccomp"] {
        assert!(said.contains(missing), "{missing} in {said}");
    }
    let loopback = Needs { network: Network::Loopback, ..Needs::default() };
    let profile = enforced(&loopback, &user());
    assert!(profile.open[0].contains("takes root"), "{:?}", profile.open);
    let rules = enforced(&loopback, &root()).rules.unwrap();
    assert!(rules.network_namespace && rules.loopback);
}

#[test]
fn hosts_are_kept_apart_by_port_and_that_is_said() {
    let hosts = vec!["registry.example:5000".into(), "example.org".into()];
    let needs = Needs { network: Network::Hosts, hosts, ..Needs::default() };
    let profile = enforced(&needs, &root());
    assert_eq!(profile.rules.unwrap().connect_ports, Some(vec![53, 80, 443, 5000]));
    assert!(profile.open[0].contains("by address no host is kept from it"));
}

#[test]
fn a_plugins_own_mode_is_stronger_and_what_is_off_is_said() {
    let plugins = vec!["x=off".parse().unwrap(), "x=warn".parse().unwrap()];
    let options = Options { mode: Mode::Enforce, plugins, ..Options::default() };
    let made = profile("x", &Needs::default(), &options, &root(), &places());
    assert_eq!((made.mode, made.rules), (Mode::Warn, None));
    assert_eq!(made.open, ["the sandbox is only shown: nothing is kept from it"]);
    let other = profile("y", &Needs::default(), &options, &root(), &places());
    assert_eq!(other.mode, Mode::Enforce);
}

#[test]
fn the_directory_of_the_executable_is_read_unless_it_holds_what_is_the_factorys() {
    let has = |executable: &str| {
        let places = Places { executable: executable.into(), ..places() };
        let options = Options { mode: Mode::Enforce, ..Options::default() };
        let rules = profile("x", &Needs::default(), &options, &root(), &places).rules.unwrap();
        let beside = places.executable.parent().unwrap().to_owned();
        rules.files.unwrap().contains(&FileRule::new(beside, Access::Execute))
    };
    assert!(has("/srv/plugins/factory-plugin-x"));
    for executable in ["/factory-plugin-x", "/root/x", "/run/x"] {
        assert!(!has(executable), "{executable}");
    }
}

#[test]
fn the_files_of_a_scripts_interpreter_are_read_unless_they_hold_what_is_the_factorys() {
    let interpreter = ["/srv/venv", "/", "/root", "/run"].map(Into::into).to_vec();
    let places = Places { interpreter, ..places() };
    let options = Options { mode: Mode::Enforce, ..Options::default() };
    let rules = profile("x", &Needs::default(), &options, &root(), &places).rules.unwrap();
    assert_eq!(access(&rules, "/srv/venv/lib/python3/x.py"), Some(Access::Execute));
    for path in ["/etc/shadow", "/root/.ssh/id", "/run/factory/fp-1/2/socket"] {
        assert_eq!(access(&rules, path), None, "{path}");
    }
}

#[test]
fn grants_and_settings_are_read_or_refused() {
    assert_eq!("kvm=/srv".parse::<Grant>().unwrap().to_string(), "kvm=/srv");
    assert!("kvm=srv".parse::<Grant>().is_err());
    assert!("=/srv".parse::<Grant>().is_err());
    assert_eq!("kvm=off".parse::<Setting>().unwrap().to_string(), "kvm=off");
    assert!("kvm=of".parse::<Setting>().is_err());
    assert_eq!("kvm=files".parse::<Without>().unwrap().to_string(), "kvm=files");
    assert!("kvm=file".parse::<Without>().is_err());
}
