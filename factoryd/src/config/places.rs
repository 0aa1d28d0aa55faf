//! Where things usually are.

use std::path::{Path, PathBuf};

/// Where plugins are once they are installed.
const INSTALLED: [&str; 2] = ["/usr/lib/factory/plugins", "/etc/factory/plugins.d"];

/// The store: the system's for root, else the user's.
pub(super) fn store() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/factory"));
    }
    let data = match variable("XDG_DATA_HOME") {
        Some(data) => data,
        None => variable("HOME")?.join(".local/share"),
    };
    Some(data.join("factory"))
}

/// The directories that hold `.info` files: of the source tree around this program, those installed with it, the system's.
pub(super) fn plugins() -> Vec<PathBuf> {
    let beside = executables();
    let built = beside.first().and_then(|beside| source_tree(beside));
    let ours = beside.first().and_then(|beside| installed_with(beside));
    let installed = INSTALLED.iter().map(PathBuf::from).filter(|directory| directory.is_dir());
    let mut all: Vec<PathBuf> = built.into_iter().chain(ours).chain(installed).collect();
    all.dedup();
    all
}

/// What is added to target images, if there is such a file.
pub(super) fn target_content() -> Option<PathBuf> {
    let usual = PathBuf::from("/etc/factory/target_content.xml");
    usual.is_file().then_some(usual)
}

/// The directory of secrets, if there is one.
pub(super) fn secrets() -> Option<PathBuf> {
    let usual = PathBuf::from("/etc/factory/secrets");
    usual.is_dir().then_some(usual)
}

/// Where executables of plugins may be that are not beside their `.info` file: beside this program.
pub(super) fn executables() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    program.and_then(|path| path.parent().map(Path::to_owned)).into_iter().collect()
}

/// A program in `PREFIX/bin` was installed with `PREFIX/lib/factory/plugins`.
fn installed_with(beside: &Path) -> Option<PathBuf> {
    let prefix = beside.parent().filter(|_| beside.ends_with("bin"))?;
    let plugins = prefix.join("lib/factory/plugins");
    plugins.is_dir().then_some(plugins)
}

/// A program in `TREE/target/PROFILE` belongs to `TREE/plugins`.
fn source_tree(beside: &Path) -> Option<PathBuf> {
    let target = beside.parent().filter(|target| target.ends_with("target"))?;
    let tree = target.parent()?;
    let plugins = tree.join("plugins");
    (tree.join("Cargo.toml").is_file() && plugins.is_dir()).then_some(plugins)
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_program_finds_the_plugins_that_were_installed_with_it() {
        let prefix = tempfile::tempdir().unwrap();
        let bin = prefix.path().join("bin");
        assert_eq!(installed_with(&bin), None, "there are no plugins");
        let plugins = prefix.path().join("lib/factory/plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        assert_eq!(installed_with(&bin), Some(plugins));
        assert_eq!(installed_with(prefix.path()), None);
    }

    #[test]
    fn a_built_program_finds_the_plugins_of_its_tree_and_of_no_other() {
        let tree = tempfile::tempdir().unwrap();
        let beside = tree.path().join("target/release");
        std::fs::create_dir_all(&beside).unwrap();
        std::fs::create_dir(tree.path().join("plugins")).unwrap();
        assert_eq!(source_tree(&beside), None, "there is no Cargo.toml");
        std::fs::write(tree.path().join("Cargo.toml"), "").unwrap();
        assert_eq!(source_tree(&beside), Some(tree.path().join("plugins")));
        assert_eq!(source_tree(tree.path()), None);
    }
}
