//! Where things are that a plugin is given.

use std::path::{Path, PathBuf};

/// Where things are that a plugin is given, and where those that it is not.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Its executable.
    pub executable: PathBuf,
    /// Where the files of its interpreter are, if it is a script.
    pub interpreter: Vec<PathBuf>,
    /// Its `.info` file.
    pub info: PathBuf,
    /// Where its socket goes.
    pub socket: PathBuf,
    /// Where its operations work, and where its temporary files go.
    pub work: Vec<PathBuf>,
    /// Of these, where its temporary files go.
    pub temporary: Option<PathBuf>,
    /// Whether the file system of these can show files as those of other ids.
    pub maps_ids: bool,
    /// Where its operations find what they read.
    pub inputs: Option<PathBuf>,
    /// The programs that it says it runs, where they are.
    pub tools: Vec<PathBuf>,
    /// What is nobody's but the factory's, such as the store.
    pub secret: Vec<PathBuf>,
}

impl Places {
    /// Answers the directory of the executable and those of its interpreter, without those that hold what is not for the plugin.
    pub(super) fn programs(&self) -> impl Iterator<Item = &Path> {
        let beside = self.executable.parent().into_iter();
        beside
            .chain(self.interpreter.iter().map(PathBuf::as_path))
            .filter(|it| self.is_harmless(it))
    }

    fn is_harmless(&self, directory: &Path) -> bool {
        let root = directory.parent().is_none();
        let homes = [Path::new("/root"), Path::new("/home"), Path::new("/tmp")];
        let mut secret = self.secret.iter().map(PathBuf::as_path).chain(homes);
        let holds = secret.any(|path| path.starts_with(directory));
        !root && !holds
    }
}
