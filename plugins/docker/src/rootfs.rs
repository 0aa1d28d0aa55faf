//! From the tar of a root file system to the tar of a layer: leaves out what was asked for, makes every header say only
//! what a container needs, and passes the content through.

use crate::exclude::Excludes;
use crate::member::{Member, write_end, write_padding};
use crate::source::Source;
use std::collections::HashSet;
use std::io::{self, Read, Write};

const BUFFER_SIZE: usize = 128 * 1024;

/// Why a layer could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is not a tar, or ends early.
    #[error("can't read the root file system's tar")]
    Read(#[source] io::Error),
    /// The layer can't be written.
    #[error("can't write the image")]
    Write(#[source] io::Error),
    /// The operation was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What a layer was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The newest time of change of a member that was kept, in seconds since 1970.
    pub newest: u64,
    /// How many members were kept.
    pub kept: u64,
    /// How many were left out.
    pub left_out: u64,
    /// Hard links that had to go because the file they name was left out.
    pub broken_links: Vec<String>,
}

/// Copies the members of one tar to another.
pub struct Filter<'a> {
    /// What to leave out.
    pub excludes: &'a Excludes,
    /// No time of change is later than this, in seconds since 1970, if it is given.
    pub newest_max: Option<u64>,
    /// Says now and then whether the operation goes on.
    pub goes_on: &'a dyn Fn() -> bool,
}

impl Filter<'_> {
    /// Copies all members and ends the output as a tar ends.
    ///
    /// # Errors
    /// If the input is no tar, the output fails, or the operation is to stop.
    pub fn copy(&self, input: impl Read, output: &mut impl Write) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        let mut left_out = HashSet::new();
        let mut source = Source::new(input);
        while let Some(member) = source.next_member().map_err(Error::Read)? {
            let member = self.clean(member);
            if is_left_out(self.excludes, &member, &mut left_out, &mut summary) {
                continue;
            }
            member.write_header(output).map_err(Error::Write)?;
            self.copy_content(&mut source, output)?;
            write_padding(output, member.size).map_err(Error::Write)?;
            summary.newest = summary.newest.max(member.mtime);
            summary.kept += 1;
        }
        write_end(output).map_err(Error::Write)?;
        Ok(summary)
    }

    fn clean(&self, member: Member) -> Member {
        let link = match member.kind.is_hard_link() {
            true => clean(&member.link, false),
            false => member.link,
        };
        Member {
            path: clean(&member.path, member.kind.is_dir()),
            link,
            mtime: self.newest_max.map_or(member.mtime, |max| member.mtime.min(max)),
            ..member
        }
    }

    fn copy_content(&self, input: &mut impl Read, output: &mut impl Write) -> Result<(), Error> {
        let mut buffer = vec![0; BUFFER_SIZE];
        loop {
            if !(self.goes_on)() {
                return Err(Error::Cancelled);
            }
            let read = input.read(&mut buffer).map_err(Error::Read)?;
            if read == 0 {
                return Ok(());
            }
            output.write_all(&buffer[..read]).map_err(Error::Write)?;
        }
    }
}

fn is_left_out(
    excludes: &Excludes,
    member: &Member,
    left_out: &mut HashSet<Vec<u8>>,
    summary: &mut Summary,
) -> bool {
    let excluded = excludes.matches(trim_slash(&member.path));
    let broken = !excluded && member.kind.is_hard_link() && left_out.contains(&member.link);
    if broken {
        summary.broken_links.push(String::from_utf8_lossy(&member.path).into_owned());
    }
    if excluded || broken {
        summary.left_out += 1;
        left_out.insert(member.path.clone());
    }
    excluded || broken
}

/// Drops leading `./` and `/`, and ends a directory with `/`.
fn clean(path: &[u8], directory: bool) -> Vec<u8> {
    let mut rest = path;
    while let Some(shorter) = rest.strip_prefix(b"./").or_else(|| rest.strip_prefix(b"/")) {
        rest = shorter;
    }
    let rest = trim_slash(if rest == b"." { b"" } else { rest });
    match (rest, directory) {
        (b"", _) => b"./".to_vec(),
        (rest, true) => [rest, b"/"].concat(),
        (rest, false) => rest.to_vec(),
    }
}

fn trim_slash(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tar::EntryType;

    #[test]
    fn paths_are_relative_and_directories_end_with_a_slash() {
        for (path, directory, cleaned) in [
            ("./", true, "./"),
            (".", true, "./"),
            ("./usr", true, "usr/"),
            ("./usr/", true, "usr/"),
            ("/etc/passwd", false, "etc/passwd"),
            ("./.././x", false, ".././x"),
        ] {
            assert_eq!(clean(path.as_bytes(), directory), cleaned.as_bytes(), "{path}");
        }
    }

    fn tar_of(members: &[Member]) -> Vec<u8> {
        let mut tar = Vec::new();
        for member in members {
            member.write_header(&mut tar).unwrap();
            tar.extend(std::iter::repeat_n(b'x', member.size as usize));
            write_padding(&mut tar, member.size).unwrap();
        }
        write_end(&mut tar).unwrap();
        tar
    }

    fn copy(tar: &[u8], excludes: &Excludes, newest_max: Option<u64>) -> (Vec<u8>, Summary) {
        let filter = Filter { excludes, newest_max, goes_on: &|| true };
        let mut output = Vec::new();
        let summary = filter.copy(tar, &mut output).unwrap();
        (output, summary)
    }

    fn hard_link(path: &str, link: &str) -> Member {
        let link = link.as_bytes().to_vec();
        Member { kind: EntryType::Link, link, ..Member::file(path, 0, 5) }
    }

    #[test]
    fn what_is_clean_already_passes_unchanged() {
        let tar =
            tar_of(&[Member::file("etc/a", 700, 5), Member::file(&("p/".repeat(99) + "f"), 0, 9)]);
        let (output, summary) = copy(&tar, &Excludes::default(), None);
        assert!(output == tar);
        assert_eq!((summary.newest, summary.kept), (9, 2));
    }

    #[test]
    fn a_link_to_what_was_left_out_goes_too_and_is_named() {
        let tar = tar_of(&[
            Member::file("./boot/a", 3, 1),
            hard_link("./srv/a", "./boot/a"),
            hard_link("./srv/b", "./srv/a"),
        ]);
        let (_, summary) = copy(&tar, &Excludes::new(["./boot/*"]), None);
        assert_eq!(summary.broken_links, ["srv/a", "srv/b"]);
        assert_eq!((summary.kept, summary.left_out), (0, 3));
    }

    #[test]
    fn times_are_not_later_than_asked() {
        let tar = tar_of(&[Member::file("a", 0, 10), Member::file("b", 0, 30)]);
        let (output, summary) = copy(&tar, &Excludes::default(), Some(20));
        assert_eq!(summary.newest, 20);
        let mut archive = tar::Archive::new(&output[..]);
        let times: Vec<u64> =
            archive.entries().unwrap().map(|e| e.unwrap().header().mtime().unwrap()).collect();
        assert_eq!(times, [10, 20]);
    }

    #[test]
    fn a_tar_that_ends_early_is_an_error() {
        let tar = tar_of(&[Member::file("a", 5000, 10)]);
        let filter = Filter { excludes: &Excludes::default(), newest_max: None, goes_on: &|| true };
        let error = filter.copy(&tar[..2000], &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::Read(_)), "{error:?}");
    }

    #[test]
    fn copying_stops_when_told() {
        let tar = tar_of(&[Member::file("a", 5000, 10)]);
        let filter =
            Filter { excludes: &Excludes::default(), newest_max: None, goes_on: &|| false };
        let error = filter.copy(&tar[..], &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::Cancelled));
    }
}
