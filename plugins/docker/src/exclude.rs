//! Which files of the root file system stay out of the image: `tar_excludes`, matched as GNU tar does.

/// What is left out when `tar_excludes` is not given: the file system table (as Image Factory does), and what only a
/// machine that boots needs. The directories themselves stay.
pub const DEFAULT: &[&str] =
    &["./etc/fstab", "./boot/*", "./dev/*", "./lib/modules/*", "./usr/lib/modules/*"];

/// Patterns of files to leave out.
///
/// As in GNU tar's `--exclude`: `*` and `?` match `/` too, a directory that matches is left out with all that is in it,
/// and a pattern that does not begin with `./` or `/` may match after any `/`.
#[derive(Debug, Clone, Default)]
pub struct Excludes {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    anchored: bool,
    glob: Vec<u8>,
}

impl Excludes {
    /// Takes patterns as a user writes them.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self { patterns: patterns.into_iter().map(Pattern::new).collect() }
    }

    /// Says whether a path, relative to the root and without a leading `./`, is left out.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(path))
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        let rooted = text.strip_prefix("./").or_else(|| text.strip_prefix('/'));
        let glob = rooted.unwrap_or(text).trim_end_matches('/').as_bytes().to_vec();
        Self { anchored: rooted.is_some(), glob }
    }

    fn matches(&self, path: &[u8]) -> bool {
        let starts = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(i, _)| i + 1);
        let starts = std::iter::once(0).chain(starts.filter(|_| !self.anchored));
        starts.into_iter().any(|start| matches_leading(&self.glob, &path[start..]))
    }
}

/// Matches a whole path, or the directory that leads to it.
fn matches_leading(glob: &[u8], path: &[u8]) -> bool {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(i, _)| i);
    slashes.chain([path.len()]).any(|end| end > 0 && matches_glob(glob, &path[..end]))
}

/// Matches `*`, `?` and plain bytes; goes back to the last `*` only, so it is never exponential.
fn matches_glob(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                retry = Some((g + 1, t));
                g += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => (g, t) = (g + 1, t + 1),
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    (g, t) = (after_star, from + 1);
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(pattern: &str, path: &str) -> bool {
        Excludes::new([pattern]).matches(path.as_bytes())
    }

    #[test]
    fn a_rooted_pattern_matches_only_from_the_root() {
        assert!(excluded("./etc/fstab", "etc/fstab"));
        assert!(excluded("/etc/fstab", "etc/fstab"));
        assert!(!excluded("./etc/fstab", "srv/etc/fstab"));
        assert!(!excluded("./etc/fstab", "etc/fstab.d"));
        assert!(!excluded("./etc/fstab", "etc"));
    }

    #[test]
    fn a_free_pattern_matches_after_any_slash() {
        assert!(excluded("*.pyc", "usr/lib/python3/a.pyc"));
        assert!(excluded("cache", "var/cache/apt/pkgcache.bin"));
        assert!(!excluded("cache", "var/cached"));
    }

    #[test]
    fn a_directory_takes_its_content_along_and_a_star_does_not_take_the_directory() {
        assert!(excluded("./boot", "boot"));
        assert!(excluded("./boot/", "boot/grub/grub.cfg"));
        assert!(excluded("./boot/*", "boot/grub/grub.cfg"));
        assert!(!excluded("./boot/*", "boot"));
    }

    #[test]
    fn stars_and_question_marks_match_slashes() {
        assert!(excluded("./usr/*/doc/?o*", "usr/share/x/doc/foo/bar"));
        assert!(!excluded("./a*b*c", "aXbX"));
        assert!(excluded("./a*b*c", "aXbXbXc"));
    }

    #[test]
    fn the_default_leaves_boot_files_out_and_keeps_the_rest() {
        let excludes = Excludes::new(DEFAULT.iter().copied());
        assert!(excludes.matches(b"boot/vmlinuz-6.1"));
        assert!(excludes.matches(b"usr/lib/modules/6.1/kernel"));
        assert!(excludes.matches(b"dev/console"));
        assert!(!excludes.matches(b"dev"));
        assert!(!excludes.matches(b"usr/lib/os-release"));
    }
}
