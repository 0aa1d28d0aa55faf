//! What a plugin that is a script needs besides itself: the files of its interpreter, where those are not the system's.
//!
//! A script of a Python virtual environment starts with the path of the environment's own interpreter, which finds its modules
//! beside itself: in the environment, and in the installation that the environment was made from (`pyvenv.cfg`, PEP 405).

use super::executable::interpreter;
use std::path::{Path, PathBuf};

/// Where the files of a script's interpreter are: the directories that it was installed into, the nearest first. Empty for what
/// is no script.
pub(in crate::plugin) fn interpreter_places(executable: &Path) -> Vec<PathBuf> {
    let Some(interpreter) = interpreter(executable) else { return Vec::new() };
    let mut places: Vec<PathBuf> = Vec::new();
    let environment = prefix(&interpreter);
    let made_from = environment.as_deref().and_then(made_from);
    let linked = interpreter.canonicalize().ok().and_then(|path| prefix(&path));
    for place in [environment, made_from, linked].into_iter().flatten() {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The directory that a program was installed into: the one above `bin`.
fn prefix(program: &Path) -> Option<PathBuf> {
    let bin = program.parent()?;
    (bin.file_name()? == "bin").then(|| bin.parent().map(Path::to_owned)).flatten()
}

/// The installation that a virtual environment was made from.
fn made_from(environment: &Path) -> Option<PathBuf> {
    let settings = std::fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let values = settings.lines().filter_map(|line| line.split_once('='));
    let (_, home) = values.into_iter().find(|(key, _)| key.trim() == "home")?;
    prefix(&Path::new(home.trim()).join("python"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_script_of_a_virtual_environment_needs_that_and_what_it_was_made_from() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().canonicalize().unwrap().join(name);
        for directory in ["base/bin", "venv/bin"] {
            fs::create_dir_all(path(directory)).unwrap();
        }
        fs::write(path("base/bin/python3.11"), "").unwrap();
        symlink(path("base/bin/python3.11"), path("venv/bin/python")).unwrap();
        let settings = format!("home = {}\nversion = 3.11.7\n", path("base/bin").display());
        fs::write(path("venv/pyvenv.cfg"), settings).unwrap();
        let script = path("venv/bin/factory-plugin-x");
        fs::write(&script, format!("#!{} -I\n", path("venv/bin/python").display())).unwrap();
        assert_eq!(interpreter_places(&script), [path("venv"), path("base")]);
    }

    #[test]
    fn a_program_needs_no_interpreter_and_one_that_is_not_in_a_bin_has_no_place() {
        assert_eq!(interpreter_places(&std::env::current_exe().unwrap()), Vec::<PathBuf>::new());
        let root = tempfile::tempdir().unwrap();
        let script = root.path().join("x");
        fs::write(&script, "#!/opt/run-it\n").unwrap();
        assert_eq!(interpreter_places(&script), Vec::<PathBuf>::new());
    }
}
