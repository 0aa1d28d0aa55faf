//! `template/commands` and `template/precommands`: scripts, and the order in which they run.

use super::content;
use super::problem::{Fault, Faults};
use super::values::{cut_off, name_of};
use super::xml::Element;
use crate::domain::Command;
use crate::report::quote;

/// Reads `commands` or `precommands`, found at `path`, in the order in which they run: that of the document, or that of
/// their positions if they have any.
pub(super) fn read(commands: &Element<'_>, path: &str, faults: &mut Faults) -> Vec<Command> {
    let elements: Vec<&Element<'_>> = commands.named("command").collect();
    let path_of = |index: usize| format!("{path}/command[{}]", index + 1);
    let order = order(&elements, &path_of, faults);
    let mut list = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        if let Some(command) = one(element, &path_of(index), faults) {
            list.push((order.get(index).copied().unwrap_or(index), command));
        }
    }
    list.sort_by_key(|(position, _)| *position);
    list.into_iter().map(|(_, command)| command).collect()
}

fn one(command: &Element<'_>, path: &str, faults: &mut Faults) -> Option<Command> {
    if command.text().trim().is_empty() {
        let message = format!("the command {} is empty", quote(&name_of(command)));
        let fault = Fault::new("empty-command", command.span.clone(), path, message);
        faults.add(fault.expected("a script").maybe_hint(cut_off(command)));
        return None;
    }
    let content = content::read(command, path, faults)?;
    Some(Command { name: name_of(command), content })
}

/// Answers the position of each command, or nothing if the order of the document counts.
fn order(
    commands: &[&Element<'_>],
    path_of: &impl Fn(usize) -> String,
    faults: &mut Faults,
) -> Vec<usize> {
    if commands.iter().all(|command| command.attribute("position").is_none()) {
        return Vec::new();
    }
    let mut taken = vec![false; commands.len()];
    let mut positions = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        positions.extend(position(command, &mut taken, &path_of(index), faults));
    }
    positions
}

fn position(
    command: &Element<'_>,
    taken: &mut [bool],
    path: &str,
    faults: &mut Faults,
) -> Option<usize> {
    let Some(attribute) = command.attribute("position") else {
        let message = "this command has no `position`, but others have";
        let fault = Fault::new("bad-position", command.span.clone(), path, message);
        faults.add(fault.expected("a position on every command or on none"));
        return None;
    };
    match claim(&attribute.value, taken) {
        Ok(position) => Some(position),
        Err(message) => {
            let path = format!("{path}/@position");
            let fault = Fault::new("bad-position", attribute.value_span.clone(), path, message);
            faults.add(fault.expected(format!("the positions 1 to {}, each once", taken.len())));
            None
        }
    }
}

/// Takes the position that `value` names, or says why that cannot be.
fn claim(value: &str, taken: &mut [bool]) -> Result<usize, String> {
    let count = taken.len();
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{} is not a position", quote(value)));
    }
    let position = value.parse().unwrap_or(usize::MAX);
    match position.checked_sub(1).and_then(|index| taken.get_mut(index)) {
        None => Err(format!("position {} is not among 1 to {count}", quote(value))),
        Some(true) => Err(format!("position {position} is taken by an earlier command")),
        Some(free) => {
            *free = true;
            Ok(position)
        }
    }
}
