//! Landlock: files by path, TCP ports, and who can be signalled.

use super::rules::{Access, FileRule, Rules};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
    make_bitflags,
};
use std::io;

/// The newest version whose rights are asked for.
const NEWEST: ABI = ABI::V9;

/// Makes a rule set; `None` if the rules ask for none.
pub(super) fn prepare(rules: &Rules) -> io::Result<Option<RulesetCreated>> {
    if rules.files.is_none() && rules.connect_ports.is_none() && !rules.scoped {
        return Ok(None);
    }
    ruleset(rules).map(Some).map_err(io::Error::other)
}

/// Applies a rule set.
pub(super) fn apply(ruleset: RulesetCreated) -> io::Result<()> {
    // What must be so is already so: a kernel of less than was asked for would have been noticed when rules were made.
    ruleset.no_new_privs(false).restrict_self().map(drop).map_err(io::Error::other)
}

fn ruleset(rules: &Rules) -> Result<RulesetCreated, RulesetError> {
    let mut wanted = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    if rules.files.is_some() {
        wanted = wanted.handle_access(AccessFs::from_all(ABI::V1))?;
        // Rights that are younger are taken away where the kernel knows them.
        wanted = wanted.set_compatibility(CompatLevel::BestEffort);
        wanted = wanted.handle_access(AccessFs::from_all(NEWEST))?;
        wanted = wanted.set_compatibility(CompatLevel::HardRequirement);
    }
    if rules.connect_ports.is_some() {
        wanted = wanted.handle_access(make_bitflags!(AccessNet::{BindTcp | ConnectTcp}))?;
    }
    if rules.scoped {
        wanted = wanted.scope(make_bitflags!(Scope::{AbstractUnixSocket | Signal}))?;
    }
    let mut made = wanted.create()?.set_compatibility(CompatLevel::BestEffort);
    for rule in rules.files.iter().flatten() {
        made = add(made, rule)?;
    }
    for port in rules.connect_ports.iter().flatten() {
        made = made.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    Ok(made)
}

fn add(made: RulesetCreated, rule: &FileRule) -> Result<RulesetCreated, RulesetError> {
    // What is not there can't be left to anybody.
    let Ok(open) = PathFd::new(&rule.path) else { return Ok(made) };
    let all = rights(rule.access);
    // A right that only directories have is an error for a file.
    let rights = if rule.path.is_dir() { all } else { all & AccessFs::from_file(NEWEST) };
    made.add_rule(PathBeneath::new(open, rights))
}

fn rights(access: Access) -> BitFlags<AccessFs> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    match access {
        Access::Read => read,
        Access::Execute => read | AccessFs::Execute,
        Access::Device => read | AccessFs::WriteFile | AccessFs::IoctlDev,
        Access::Write => {
            let not = make_bitflags!(AccessFs::{Execute | MakeChar | MakeBlock | IoctlDev});
            AccessFs::from_all(NEWEST) & !not
        }
    }
}
