//! A TDL template. Elements keep their TDL names; reading the XML is the business of `tdl`.

use super::Secret;

/// What to install.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// `template/name`; empty if the element is.
    pub name: String,
    /// `template/description`.
    pub description: Option<String>,
    /// `template/os`.
    pub os: OperatingSystem,
    /// `template/packages/package`, in document order.
    pub packages: Vec<Package>,
    /// `template/repositories/repository`, in document order; of two with one name the last counts.
    pub repositories: Vec<Repository>,
    /// `template/files/file`, in document order; of two with one name the last counts.
    pub files: Vec<File>,
    /// `template/commands/command`, in the order in which they run.
    pub commands: Vec<Command>,
    /// `template/precommands/command`, in the order in which they run.
    pub precommands: Vec<Command>,
    /// `template/disk/size` in bytes.
    pub disk_size_bytes: Option<u128>,
    /// The document with `os/rootpw` and `os/key` blanked.
    pub xml: String,
}

/// `template/os`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatingSystem {
    /// `os/name`.
    pub name: String,
    /// `os/version`.
    pub version: String,
    /// `os/arch`.
    pub arch: String,
    /// `os/install`.
    pub install: Install,
    /// `os/rootpw`; `None` if the element is absent or empty.
    pub root_password: Option<Secret>,
    /// `os/key`.
    pub product_key: Option<Secret>,
    /// `os/kernelparam`.
    pub kernel_parameters: Option<String>,
    /// `os/icicle/extra_command`.
    pub icicle_extra_command: Option<String>,
}

/// `os/install`.
#[derive(Debug, Clone, PartialEq)]
pub struct Install {
    /// Where the operating system comes from.
    pub source: InstallSource,
    /// Where the checksums of the medium are.
    pub checksum: Option<Checksum>,
    /// `extras`: all directories, then all files.
    pub extras: Vec<Extra>,
}

/// `os/install/@type` and its element.
#[derive(Debug, Clone, PartialEq)]
pub enum InstallSource {
    /// `url`: a tree or a mirror.
    Url(String),
    /// `iso`: a medium.
    Iso(String),
}

/// `md5sum`, `sha1sum` or `sha256sum`: the URL of a checksum file.
#[derive(Debug, Clone, PartialEq)]
pub struct Checksum {
    /// `md5`, `sha1` or `sha256`.
    pub algorithm: &'static str,
    /// The URL.
    pub url: String,
}

/// `install/extras/directory` or `file`.
#[derive(Debug, Clone, PartialEq)]
pub struct Extra {
    /// True for `directory`.
    pub directory: bool,
    /// `@source`.
    pub source: String,
    /// `@destination`.
    pub destination: String,
}

/// `packages/package`.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// `@name`.
    pub name: String,
    /// `repository`.
    pub repository: Option<String>,
    /// `file`.
    pub file: Option<String>,
    /// `arguments`.
    pub arguments: Option<String>,
}

/// `repositories/repository`.
#[derive(Debug, Clone, PartialEq)]
pub struct Repository {
    /// `@name`.
    pub name: String,
    /// `url`.
    pub url: String,
    /// `signed`; no by default.
    pub signed: bool,
    /// `persisted`; yes by default.
    pub persisted: bool,
    /// `sslverify`; no by default.
    pub ssl_verify: bool,
}

/// The content of a file or command.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `raw` or `base64`, decoded.
    Bytes(Vec<u8>),
    /// `url`: to be fetched when the build starts.
    Url(String),
}

/// `files/file`.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// `@name`.
    pub name: String,
    /// Its content.
    pub content: Content,
}

/// `commands/command` or `precommands/command`.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// `@name`.
    pub name: String,
    /// The script.
    pub content: Content,
}

impl Template {
    /// Answers a template of which nothing is known.
    pub fn unknown() -> Self {
        let unknown = || "unknown".to_owned();
        let source = InstallSource::Url(String::new());
        let os = OperatingSystem {
            name: unknown(),
            version: unknown(),
            arch: unknown(),
            install: Install { source, checksum: None, extras: Vec::new() },
            root_password: None,
            product_key: None,
            kernel_parameters: None,
            icicle_extra_command: None,
        };
        Self {
            name: unknown(),
            description: None,
            os,
            packages: Vec::new(),
            repositories: Vec::new(),
            files: Vec::new(),
            commands: Vec::new(),
            precommands: Vec::new(),
            disk_size_bytes: None,
            xml: String::new(),
        }
    }

    /// Answers every content with where it is in the template, to be replaced.
    pub fn contents_mut(&mut self) -> impl Iterator<Item = (String, &mut Content)> {
        let files = self.files.iter_mut().map(|File { name, content }| {
            (format!("template/files/file[@name=\"{name}\"]"), content)
        });
        let precommands = in_list("precommands", &mut self.precommands);
        files.chain(precommands).chain(in_list("commands", &mut self.commands))
    }

    /// Answers the URLs of contents that are to be fetched, each with where it is in the template.
    pub fn urls(&self) -> Vec<(String, String)> {
        let mut template = self.clone();
        let urls = template.contents_mut().filter_map(|(path, content)| match content {
            Content::Url(url) => Some((path, std::mem::take(url))),
            Content::Bytes(_) => None,
        });
        urls.collect()
    }
}

fn in_list<'a>(
    list: &'static str,
    commands: &'a mut [Command],
) -> impl Iterator<Item = (String, &'a mut Content)> {
    commands.iter_mut().map(move |Command { name, content }| {
        (format!("template/{list}/command[@name=\"{name}\"]"), content)
    })
}

/// Files and commands that a cloud plugin wants in a target image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CloudContent {
    /// Files (absolute path, content) to write first.
    pub files: Vec<(String, Vec<u8>)>,
    /// Commands (name, script) to run then, in order.
    pub commands: Vec<(String, Vec<u8>)>,
}
