//! The paths that files of a package may have.

/// The longest path: what a ustar header holds, in the worst of cases.
const PATH_LEN_MAX: usize = 255;

/// Answers why a path can't be one of a package; `None` if it can.
pub(super) fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if PATH_LEN_MAX < path.len() {
        return Some("it is longer than 255 bytes");
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    if path.chars().any(|character| character.is_control() || character == '\\') {
        return Some("it has a control character or a backslash in it");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("it has an empty part"),
        "." | ".." => Some("it has a part `.` or `..`"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_or_could_read_as_others_are_refused() {
        for path in ["a", "lib/a.so", "lib/.libs/a b", "ä", "...", "a..b"] {
            assert_eq!(fault(path), None, "{path}");
        }
        let long = "x/".repeat(128) + "y";
        for path in ["", "/a", "..", "a/../b", "./a", "a//b", "a/", "a\nb", "a\0", "a\\b", &long] {
            assert!(fault(path).is_some(), "{path:?}");
        }
    }
}
