//! `.info` files, several of them with a NUL between, and who serves what by them.

use factory_proto::info::{Info, Kind, Registry, Target};
use serde_json::Value;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let infos: Vec<Info> =
        text.split('\0').enumerate().filter_map(|(index, text)| read(index, text)).collect();
    // No version and no architecture of the input is as long, so that only general claims fit it.
    let unheard_of = "x".repeat(bytes.len() + 1);
    let registry = Registry::new(&infos);
    let reversed = Registry::new(infos.iter().rev());
    for kind in [Kind::Os, Kind::Cloud] {
        let targets = registry.targets(kind);
        assert!(targets.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order");
        assert_eq!(targets, reversed.targets(kind), "whatever order they come in");
        for target in targets {
            is_served_by_who_claims_it(&infos, &registry, kind, target, &unheard_of);
        }
    }
    for conflict in registry.conflicts() {
        assert!(conflict.winner < conflict.loser, "{conflict:?}");
    }
}

fn read(index: usize, text: &str) -> Option<Info> {
    let name = format!("plugin{index:05}");
    match Info::parse(&name, text) {
        Ok(info) => {
            let written = Value::Object(info.raw.clone()).to_string();
            let again =
                Info::parse(&name, &written).expect("what was read can be written and read");
            assert_eq!(again, info);
            Some(info)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

fn is_served_by_who_claims_it(
    infos: &[Info],
    registry: &Registry,
    kind: Kind,
    target: &Target,
    unheard_of: &str,
) {
    let winner = match (kind, target.as_slice()) {
        (Kind::Cloud, [Some(name)]) => registry.cloud(name),
        (Kind::Os, [Some(name), Some(version), Some(arch)]) => registry.os(name, version, arch),
        (Kind::Os, [Some(name), Some(version), None]) => registry.os(name, version, unheard_of),
        (Kind::Os, [Some(name), None, None]) => registry.os(name, unheard_of, unheard_of),
        // Image Factory reads a target with an architecture but no version, and never finds it.
        (Kind::Os, [Some(_), None, Some(_)]) => return,
        _ => panic!("{target:?} can never match"),
    };
    let claims = |info: &&Info| info.kind == kind && info.targets.contains(target);
    let first = infos.iter().find(claims).map(|info| info.name.as_str());
    assert_eq!(winner, first, "{target:?}");
}
