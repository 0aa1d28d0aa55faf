//! What shells and manuals know of a program, made from the same description as its `--help`.

use clap::{Command, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::io;
use std::path::{Path, PathBuf};

/// The manual is of a version, not of the day on which it was made; formatters want a date nevertheless.
const DATE: &str = "2026-11-23";

/// Verbs of every program of ours.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Print a script that teaches a shell to complete this program's commands and options.
    #[command(after_help = "\
Examples:
  source <(factory completion bash)
  factory completion zsh >~/.zfunc/_factory
  factory completion fish >~/.config/fish/completions/factory.fish")]
    Completion {
        /// The shell.
        shell: KnownShell,
    },
    /// Print this program's manual page, or write one for each of its commands into a directory.
    #[command(after_help = "Example: factory man | man -l -")]
    Man {
        /// The directory; it is made if it is not there.
        directory: Option<PathBuf>,
    },
}

/// A shell that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KnownShell {
    /// GNU's.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive one.
    Fish,
}

impl Verb {
    /// Does it for the program that `command` describes. Answers what is to be printed.
    ///
    /// # Errors
    /// If files can't be written.
    pub fn run(&self, command: Command) -> io::Result<Vec<u8>> {
        // A manual is the same wherever it is made.
        let command = command.mut_args(|argument| argument.hide_env_values(true));
        match self {
            Self::Completion { shell } => Ok(completion(command, *shell)),
            Self::Man { directory: None } => page(command),
            Self::Man { directory: Some(directory) } => pages(command, directory),
        }
    }
}

fn completion(mut command: Command, shell: KnownShell) -> Vec<u8> {
    let shell = match shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let name = command.get_name().to_owned();
    roff(command, &name)
}

fn pages(mut command: Command, directory: &Path) -> io::Result<Vec<u8>> {
    std::fs::create_dir_all(directory)?;
    let name = command.get_name().to_owned();
    command.build();
    write_pages(&command, &name, directory)?;
    Ok(Vec::new())
}

/// Writes the page of a command, and those of its verbs: `factory-template-check.1`.
fn write_pages(command: &Command, name: &str, directory: &Path) -> io::Result<()> {
    std::fs::write(directory.join(format!("{name}.1")), roff(command.clone(), name)?)?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write_pages(verb, &format!("{name}-{}", verb.get_name()), directory)?;
    }
    Ok(())
}

fn roff(command: Command, name: &str) -> io::Result<Vec<u8>> {
    // Options that the short help leaves out are in the manual with all there is to say of them.
    let mut command = command.mut_args(|argument| argument.hide_short_help(false));
    if command.find_subcommand("help").is_some() {
        command = command.mut_subcommand("help", |help| help.hide(true));
    }
    let man = clap_mangen::Man::new(command)
        .title(name)
        .date(DATE)
        .source(concat!("factory ", env!("CARGO_PKG_VERSION")))
        .manual("Image factory");
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok(tidy(&String::from_utf8_lossy(&page)).into_bytes())
}

/// Drops breaks beside empty lines, which say the same twice and make formatters warn.
fn tidy(page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let is_gap = |line: Option<&&str>| matches!(line, None | Some(&"" | &".sp"));
    let mut text = String::with_capacity(page.len());
    for (index, line) in lines.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| lines.get(before));
        let doubled = *line == ".br" && (is_gap(before) || is_gap(lines.get(index + 1)));
        if !doubled {
            text.push_str(if line.is_empty() { ".sp" } else { line });
            text.push('\n');
        }
    }
    text
}
