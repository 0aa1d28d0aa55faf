//! Whether a command line is one of Image Factory's.

use super::Arguments;
use clap::CommandFactory;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The name under which the program is Image Factory's command line.
const NAME: &str = "imagefactory";
/// Verbs that only Image Factory has.
const VERBS: [&str; 4] = ["base_image", "target_image", "provider_image", "import_base_image"];
/// Options that mark Image Factory's form of any verb.
const MARKS: [&str; 2] = ["--output", "--raw"];
/// Options that mark its form of `delete`; `ID` and `--credentials` mean the same in both.
const DELETE_MARKS: [&str; 5] =
    ["--provider", "--target", "--parameter", "--parameters", "--file-parameter"];

/// Tells whether a command line, the program's name included, is one of Image Factory's.
pub(crate) fn is_meant(words: &[OsString]) -> bool {
    let Some((program, words)) = words.split_first() else { return false };
    if Path::new(program).file_name() == Some(OsStr::new(NAME)) {
        return true;
    }
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let Some(verb) = position_of_verb(&words) else { return false };
    let rest = &words[verb + 1..];
    let marked = |marks: &[&str]| {
        words.iter().any(|word| marks.contains(&word.split('=').next().unwrap_or_default()))
    };
    match words[verb] {
        verb if VERBS.contains(&verb) => true,
        "images" => marked(&MARKS) || rest.iter().any(|word| word.trim_start().starts_with('{')),
        "delete" => marked(&MARKS) || marked(&DELETE_MARKS),
        "plugins" => marked(&MARKS) || marked(&["--id"]),
        _ => false,
    }
}

/// The first word that is neither an option nor an option's value.
fn position_of_verb(words: &[&str]) -> Option<usize> {
    let options = Arguments::command();
    let takes_value = |word: &str| {
        let mut arguments = options.get_arguments();
        let named = |name| word.strip_prefix("--") == Some(name);
        arguments.any(|it| it.get_long().is_some_and(named) && it.get_action().takes_values())
    };
    let mut position = 0;
    while let Some(word) = words.get(position) {
        match word {
            word if takes_value(word) => position += 2,
            word if word.starts_with('-') => position += 1,
            _ => return Some(position),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(line: &str) -> bool {
        is_meant(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn image_factorys_forms_are_known_by_name_verb_or_option() {
        for line in [
            "imagefactory",
            "/usr/bin/imagefactory images",
            "factory base_image t.tdl",
            "factory --output json target_image kvm --id 1",
            "factory --store images --config build provider_image",
            "factory --plugins /p import_base_image disk",
            r#"factory images {"type":"BaseImage"}"#,
            "factory --output json images",
            "factory images --output=json",
            "factory delete 1 --provider @p",
            "factory delete 1 --raw",
            "factory plugins --id EC2",
        ] {
            assert!(meant(line), "{line}");
        }
    }

    #[test]
    fn our_own_forms_stay_ours() {
        for line in [
            "factory",
            "factory --help",
            "factory build base_image",
            "factory images --kind base",
            "factory images --json",
            "factory delete 1 2 --cascade --credentials c",
            "factory plugins --json",
            "factory --server base_image images",
            "factory build t.tdl --parameter a=b --target kvm",
        ] {
            assert!(!meant(line), "{line}");
        }
    }
}
