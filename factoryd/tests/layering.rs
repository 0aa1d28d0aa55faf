//! The architecture as a test: what each module of `factoryd` may import.
//!
//! Reads `src/**`, looks at every path that starts with `crate` or climbs there with `super`, and fails on one that the
//! table does not allow, and on a table that is no order.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A module may name only the modules listed beside it. The table is the whole architecture: if a line must grow, say why
/// in the commit that grows it. A module that is not there yet may be listed; one that is there must be.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("report", &[]),
    ("redact", &[]),
    ("secret_file", &[]),
    ("secrets", &["domain", "report", "secret_file"]),
    ("manual", &[]),
    ("filesystem", &["domain"]),
    ("seal", &[]),
    ("confine", &["seal"]),
    ("sandbox", &["domain", "seal"]),
    ("tdl", &["domain", "report"]),
    ("schema", &["domain", "report"]),
    ("delegate", &["domain", "schema"]),
    ("store", &["domain", "filesystem"]),
    ("access", &["domain", "report", "secret_file", "store"]),
    ("transport", &["access"]),
    ("package", &[]),
    ("outbound", &["domain", "delegate", "report"]),
    ("callbacks", &["domain", "report", "secret_file", "store", "outbound"]),
    ("import", &["domain", "filesystem", "report"]),
    (
        "plugin",
        &[
            "domain", "delegate", "redact", "report", "schema", "confine", "package", "sandbox",
            "seal",
        ],
    ),
    ("distribution", &["domain", "report", "secret_file", "package", "plugin"]),
    (
        "pipeline",
        &[
            "domain",
            "filesystem",
            "redact",
            "report",
            "tdl",
            "delegate",
            "store",
            "secrets",
            "reap",
        ],
    ),
    ("reap", &["domain", "report", "delegate", "store", "secrets"]),
    ("jobs", &["domain", "filesystem", "delegate", "store", "pipeline", "report"]),
    (
        "factory",
        &[
            "domain",
            "redact",
            "report",
            "schema",
            "tdl",
            "delegate",
            "store",
            "callbacks",
            "secrets",
            "import",
            "plugin",
            "pipeline",
            "jobs",
            "reap",
        ],
    ),
    ("rest", &["domain", "access", "transport", "factory", "report", "schema"]),
    ("grpc", &["domain", "access", "factory", "report"]),
    (
        "config",
        &[
            "manual",
            "confine",
            "domain",
            "filesystem",
            "report",
            "tdl",
            "access",
            "transport",
            "store",
            "seal",
            "sandbox",
            "plugin",
            "jobs",
            "outbound",
            "callbacks",
            "package",
            "distribution",
            "rest",
            "grpc",
        ],
    ),
    (
        "daemon",
        &[
            "domain",
            "redact",
            "report",
            "store",
            "access",
            "transport",
            "seal",
            "sandbox",
            "schema",
            "plugin",
            "outbound",
            "callbacks",
            "secrets",
            "pipeline",
            "jobs",
            "reap",
            "factory",
            "rest",
            "grpc",
            "config",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "filesystem",
            "manual",
            "tdl",
            "report",
            "secret_file",
            "package",
            "distribution",
            "schema",
            "plugin",
            "workbench",
            "factory",
            "config",
            "daemon",
        ],
    ),
    ("workbench", &["redact", "report"]),
];

type Layers<'a> = &'a [(&'a str, &'a [&'a str])];

#[test]
fn modules_import_only_what_the_table_allows() {
    let sources = sources();
    assert!(!sources.is_empty(), "no modules found");
    let violations: Vec<_> =
        sources.iter().flat_map(|(file, text)| violations(LAYERS, file, text)).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_table_is_an_order() {
    assert_eq!(cycle(LAYERS), None);
}

#[test]
fn a_planted_illegal_import_is_caught() {
    let planted = [
        ("plugin/mod.rs", "use crate::{domain::Image, jobs::Job};", "jobs"),
        ("pipeline/base.rs", "fn f() { let x: crate::plugin::Host = todo(); }", "plugin"),
        ("store/rows.rs", "use super::super::tdl::parse;", "tdl"),
        ("store/mod.rs", "use super::tdl::parse;", "tdl"),
        ("report.rs", "mod tests { use super::super::super::domain::Kind; }", ""),
        ("report.rs", "mod tests { use super::super::domain::Kind; }", "domain"),
        ("domain/event.rs", "fn f() { info!(\"{}\", crate::store::Error::X) }", "store"),
        ("tdl/mod.rs", "use crate::{domain::{self}, {store::{Store, Error}}};", "store"),
        ("tdl/mod.rs", "use self::super::{domain, store as kept};", "store"),
        ("tdl/mod.rs", "use super::{super::x, jobs};", "jobs"),
        ("tdl/mod.rs", "use crate::*;", "*"),
        ("unlisted.rs", "", "unlisted"),
    ];
    for (file, text, forbidden) in planted {
        let found = violations(LAYERS, Path::new(file), text);
        let named = found.iter().any(|one| one.contains(&format!("`{forbidden}`")));
        assert_eq!(named, !forbidden.is_empty(), "{file}: {text}: {found:?}");
    }
}

#[test]
fn what_the_table_allows_is_not_caught() {
    let allowed = [
        ("plugin/mod.rs", "use crate::{domain::Image, report::Chain, delegate::{self, Error}};"),
        ("store/rows.rs", "pub(crate) use super::Error; pub(super) fn f() {}"),
        ("store/rows.rs", "use crate::store::Error; mod tests { use super::super::jobs; }"),
        ("domain/event.rs", "// crate::store\n/* crate::jobs */ const X: &str = \"crate::jobs\";"),
        ("domain/event.rs", "/// See crate::store.\npub(in crate::domain) struct X<'a>(&'a str);"),
        ("cli/mod.rs", "use other::crate_::store; use tokio::jobs;"),
    ];
    for (file, text) in allowed {
        assert_eq!(violations(LAYERS, Path::new(file), text), [""; 0], "{file}: {text}");
    }
}

#[test]
fn a_table_with_a_cycle_is_caught() {
    let round: Layers = &[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &[])];
    assert_eq!(cycle(round).as_deref(), Some("a, b, c"));
    assert_eq!(cycle(&[("a", &["a"])]).as_deref(), Some("a"));
    assert_eq!(cycle(&[("a", &["missing"])]).as_deref(), Some("a"));
}

/// Answers the modules left when all that can be put in order is: those of a cycle, and those above it.
fn cycle(layers: Layers) -> Option<String> {
    let mut left = layers.to_vec();
    let mut placed = BTreeSet::new();
    loop {
        let before = left.len();
        left.retain(|(module, imports)| {
            let ready = imports.iter().all(|import| placed.contains(import));
            if ready {
                placed.insert(*module);
            }
            !ready
        });
        if left.is_empty() {
            return None;
        }
        if left.len() == before {
            return Some(left.iter().map(|(module, _)| *module).collect::<Vec<_>>().join(", "));
        }
    }
}

/// Answers what is wrong with a file, by its path below `src`.
fn violations(layers: Layers, file: &Path, text: &str) -> Vec<String> {
    let path = module_path(file);
    let module = path[0].as_str();
    let Some((_, allowed)) = layers.iter().find(|(listed, _)| *listed == module) else {
        return vec![format!("{}: module `{module}` is not in the table", file.display())];
    };
    let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut imports = BTreeSet::new();
    collect(tokens, path.len(), &mut imports);
    let illegal =
        imports.iter().filter(|import| *import != module && !allowed.contains(&import.as_str()));
    illegal
        .map(|import| format!("{}: `{module}` may not import `{import}`", file.display()))
        .collect()
}

/// Answers the modules that a file is in: `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module_path(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let mut path: Vec<_> = parts.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// Collects the names of top-level modules that code names, `depth` modules below the crate.
fn collect(tokens: TokenStream, depth: usize, imports: &mut BTreeSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner = depth + usize::from(is_module_body(&tokens[..index], group));
                collect(group.stream(), inner, imports);
            }
            TokenTree::Ident(_) if !follows_path(&tokens[..index]) => {
                let start = match token.to_string().as_str() {
                    "crate" => 0,
                    "super" => depth.saturating_sub(1),
                    "self" => depth,
                    _ => continue,
                };
                name(&tokens[index + 1..], start, imports);
            }
            _ => {}
        }
    }
}

/// Collects what `::a`, `::super::a`, `::{a, b::c}` or `::*` name, if that is in the crate's root; `depth` says where
/// the path before it has led.
fn name(after: &[TokenTree], depth: usize, imports: &mut BTreeSet<String>) {
    let [TokenTree::Punct(one), TokenTree::Punct(two), rest @ ..] = after else { return };
    if (one.as_char(), two.as_char()) == (':', ':') {
        item(rest, depth, imports);
    }
}

fn item(tokens: &[TokenTree], depth: usize, imports: &mut BTreeSet<String>) {
    match tokens {
        [TokenTree::Ident(ident), rest @ ..] if ident == "super" => {
            name(rest, depth.saturating_sub(1), imports);
        }
        [TokenTree::Ident(ident), rest @ ..] if ident == "self" => name(rest, depth, imports),
        [TokenTree::Ident(ident), ..] if depth == 0 => _ = imports.insert(ident.to_string()),
        [TokenTree::Punct(star), ..] if depth == 0 && star.as_char() == '*' => {
            imports.insert("*".to_owned());
        }
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            let comma =
                |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
            tokens.split(comma).for_each(|one| item(one, depth, imports));
        }
        _ => {}
    }
}

fn is_module_body(before: &[TokenTree], group: &Group) -> bool {
    let module =
        matches!(before, [.., TokenTree::Ident(word), TokenTree::Ident(_)] if word == "mod");
    module && group.delimiter() == Delimiter::Brace
}

fn follows_path(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Punct(one), TokenTree::Punct(two)]
        if (one.as_char(), two.as_char()) == (':', ':'))
}

/// Answers every file below `src` that belongs to a module, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).expect("it was found there").to_owned();
                files.push((below, std::fs::read_to_string(&path).expect("sources are UTF-8")));
            }
        }
    }
    files.retain(|(file, _)| file != Path::new("lib.rs") && !file.starts_with("bin"));
    files
}
