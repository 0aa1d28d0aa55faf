//! `plugins`: what there is, what it may do, and what is accepted.

use super::arguments::{AcceptArguments, PluginsArguments, PluginsVerb};
use super::display::print;
use super::error::Error;
use super::exit::Exit;
use super::json;
use super::parameters::parameter_table;
use super::session::Session;
use super::table::table;
use super::words::printable;
use factory_proto::factory_v1 as v1;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lists plugins, shows one, or accepts some.
pub(super) async fn plugins(
    session: &Session,
    arguments: &PluginsArguments,
) -> Result<Exit, Error> {
    if let Some(PluginsVerb::Accept(arguments)) = &arguments.verb {
        return accept(session, arguments).await;
    }
    let request = v1::ListPluginsRequest {};
    let plugins = session.client().list_plugins(request).await?.into_inner().plugins;
    let Some(name) = &arguments.name else {
        return list(&plugins, arguments.json);
    };
    let known = || plugins.iter().map(|plugin| plugin.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = plugins.iter().find(|plugin| plugin.name == *name);
    let plugin =
        found.ok_or_else(|| Error::UnknownPlugin { name: name.clone(), known: known() })?;
    let request = v1::DescribePluginRequest { name: name.clone() };
    let described = session.client().describe_plugin(request).await.map(|it| it.into_inner());
    let text = match (arguments.json, described) {
        (true, described) => {
            let mut shown = json::plugin(plugin);
            match described {
                Ok(described) => shown["takes"] = json::takes(&described),
                Err(status) => shown["error"] = status.message().into(),
            }
            format!("{shown:#}\n")
        }
        (false, Ok(described)) => details(plugin) + &taken(&described),
        (false, Err(status)) if plugin.error.is_empty() => {
            details(plugin) + &format!("{:<15} {}\n", "fault", printable(status.message()))
        }
        (false, Err(_)) => details(plugin),
    };
    print(&text)?;
    Ok(Exit::Done)
}

/// What a plugin takes: parameters, providers, credentials.
fn taken(described: &v1::PluginDescription) -> String {
    let v1::PluginDescription { parameters, provider, credentials, .. } = described;
    let mut text = parameter_table("PARAMETER", parameters);
    if described.any_parameters {
        text.push_str("\nIt takes other parameters too.\n");
    }
    text + &parameter_table("PROVIDER", provider) + &parameter_table("CREDENTIALS", credentials)
}

fn list(plugins: &[v1::Plugin], as_json: bool) -> Result<Exit, Error> {
    if as_json {
        let all: Value = plugins.iter().map(json::plugin).collect();
        print(&format!("{all:#}\n"))?;
    } else {
        print(&plugin_table(plugins))?;
    }
    Ok(Exit::Done)
}

async fn accept(session: &Session, arguments: &AcceptArguments) -> Result<Exit, Error> {
    let request = v1::AcceptPluginsRequest { names: arguments.names.clone() };
    let accepted = session.client().accept_plugins(request).await?.into_inner().plugins;
    if arguments.json {
        let all: Value = accepted.iter().map(json::acceptance).collect();
        print(&format!("{all:#}\n"))?;
    } else {
        print(&accepted.iter().map(acceptance).collect::<String>())?;
    }
    Ok(Exit::Done)
}

/// All that is known of a plugin.
fn details(plugin: &v1::Plugin) -> String {
    let mut text = String::new();
    let lines = [
        ("name", plugin.name.clone()),
        ("kind", plugin.kind.clone()),
        ("serves", targets(&plugin.targets_json)),
        ("state", plugin.state.clone()),
        ("executable", plugin.executable.clone()),
        ("version", plugin.version.clone()),
        ("trust", trust(plugin)),
        ("sha256", plugin.sha256.clone()),
        ("sandbox", plugin.sandbox.clone()),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<15} {}", printable(value));
    }
    let unknown = ["nothing, or that is not known before its first use".to_owned()];
    let asks = if plugin.asks.is_empty() { &unknown[..] } else { &plugin.asks };
    for (name, values) in
        [("needs", asks), ("gets", &plugin.gets), ("not enforced", &plugin.not_enforced)]
    {
        for (number, value) in values.iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let _ = writeln!(text, "{name:<15} {}", printable(value));
        }
    }
    let fault = (!plugin.error.is_empty()).then_some(&plugin.error);
    for fault in fault.into_iter().chain(&plugin.conflicts) {
        let _ = writeln!(text, "{:<15} {}", "fault", printable(fault));
    }
    text
}

fn trust(plugin: &v1::Plugin) -> String {
    match plugin.trust.as_str() {
        "accepted" => format!("accepted on {}", plugin.accepted),
        "changed" => format!("changed since it was accepted on {}", plugin.accepted),
        other => other.to_owned(),
    }
}

/// What was accepted: old and new digest, version, and what it needs now.
fn acceptance(accepted: &v1::PluginAcceptance) -> String {
    let v1::PluginAcceptance { name, old_sha256, new_sha256, .. } = accepted;
    let mut text = String::new();
    let version = match (accepted.old_version.as_str(), accepted.new_version.as_str()) {
        ("", new) => new.to_owned(),
        (old, new) if old == new => new.to_owned(),
        (old, new) => format!("{old} → {new}"),
    };
    let what = if old_sha256 == new_sha256 { "unchanged" } else { "accepted" };
    let _ = writeln!(text, "{name} {}: {what}", printable(&version));
    if !old_sha256.is_empty() && old_sha256 != new_sha256 {
        let _ = writeln!(text, "  was {old_sha256}");
    }
    let _ = writeln!(text, "  is  {new_sha256}");
    for change in &accepted.changes {
        let _ = writeln!(text, "  {}", printable(change));
    }
    text
}

/// A table of plugins, and what is wrong with them.
pub(super) fn plugin_table(plugins: &[v1::Plugin]) -> String {
    let rows: Vec<_> = plugins.iter().map(plugin_row).collect();
    let mut text = table(["NAME", "KIND", "STATE", "SERVES", "EXECUTABLE"], &rows);
    for plugin in plugins {
        if plugin.trust == "changed" {
            let name = &plugin.name;
            let _ = writeln!(
                text,
                "{name}: changed since it was accepted; if on purpose: `factory plugins accept {name}`"
            );
        }
        let fault = (!plugin.error.is_empty()).then_some(&plugin.error);
        for fault in fault.into_iter().chain(&plugin.conflicts) {
            let _ = writeln!(text, "{}: {}", plugin.name, printable(fault));
        }
    }
    for (open, names) in not_enforced(plugins) {
        let _ = writeln!(text, "{}: not enforced: {}", names.join(", "), printable(open));
    }
    text
}

/// What can't be kept from plugins that have said what they need, with their names.
fn not_enforced(plugins: &[v1::Plugin]) -> BTreeMap<&str, Vec<&str>> {
    let confined = |it: &&v1::Plugin| it.sandbox == "enforce" && !it.asks.is_empty();
    let mut open = BTreeMap::<_, Vec<_>>::new();
    for plugin in plugins.iter().filter(confined) {
        for what in &plugin.not_enforced {
            open.entry(what.as_str()).or_default().push(plugin.name.as_str());
        }
    }
    open
}

fn plugin_row(plugin: &v1::Plugin) -> [String; 5] {
    [
        plugin.name.clone(),
        plugin.kind.clone(),
        plugin.state.clone(),
        targets(&plugin.targets_json),
        plugin.executable.clone(),
    ]
}

/// `Debian 12, Ubuntu`: the parts that are set.
fn targets(json: &str) -> String {
    let targets: Vec<Vec<Option<String>>> = serde_json::from_str(json).unwrap_or_default();
    let words = targets
        .iter()
        .map(|parts| parts.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_show_the_parts_that_are_set() {
        assert_eq!(targets(r#"[["Debian","12",null],["Ubuntu",null,null]]"#), "Debian 12, Ubuntu");
        assert_eq!(targets(r#"[["kvm"]]"#), "kvm");
    }
}
