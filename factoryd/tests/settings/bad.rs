//! What is wrong with settings is said in full, in its place, and nothing is begun.

use super::Place;

/// Checks a file; answers what is said.
#[track_caller]
fn refused(file: impl AsRef<[u8]>) -> String {
    let place = Place::with(file);
    let ended = place.daemon(&["config", "check", "--config", "f.toml"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    let served = place.daemon(&["--config", "f.toml", "--store", "store"]);
    assert_eq!((served.code, &served.err), (Some(2), &ended.err), "the daemon says the same");
    assert!(!place.path().join("store").exists(), "and begins nothing");
    ended.err
}

/// For each file: its text, what is wrong, where, and how the note below it begins.
#[rustfmt::skip]
const CASES: &[(&str, &str, &str, &str)] = &[
    ("stor = '/x'\n", "`stor` is no setting", "1:1", "hint: did you mean `store`?"),
    ("store = 5\n", "this is a number", "1:9", "expected: a path"),
    ("store = ''\n", "this is empty", "1:9", "expected: a path"),
    ("store = ['/x']\n", "this is an array", "1:9", "expected: a path"),
    ("store = 'a'\nstore = 'b'\n", "duplicate key", "2:1", ""),
    ("plugins = '/usr'\n", "this is a string", "1:11", "expected: an array, each of it a path"),
    ("plugins = [5]\n", "this is a number", "1:12", "expected: a path"),
    ("plugins = ['/usr', '/nonexistent']\n", "plugin directory /nonexistent does not exist", "1:11", ""),
    ("log = 'loud=x'\n", "`loud=x` is neither a level nor a filter", "1:7", "expected: off, error, warn, info, debug, trace, or a filter such as `factoryd::plugin=debug`"),
    ("log = ''\n", "this is empty", "1:7", "expected: off, error, warn, info, debug, trace, or a filter such as `factoryd::plugin=debug`"),
    ("require_root_password = 'yes'\n", "this is a string", "1:25", "expected: `true` or `false`"),
    ("require_root_password = 1\n", "this is a number", "1:25", "expected: `true` or `false`"),
    ("jobs = 5\n", "`jobs` is a number", "1:8", "expected: a table: [jobs]"),
    ("[jobs]\nconcurrent_builds = 0\n", "`0` is no such number", "2:21", "expected: a whole number from 1"),
    ("[jobs]\nconcurrent_builds = -1\n", "`-1` is no such number", "2:21", "expected: a whole number from 1"),
    ("[jobs]\nconcurrent_builds = 1.5\n", "this is a fraction", "2:21", "expected: a whole number from 1"),
    ("[jobs]\nconcurrent_builds = 99999999999999999999\n", "`99999999999999999999` is no such number", "2:21", "expected: a whole number from 1"),
    ("[jobs]\nretries = -1\n", "`-1` is no such number", "2:11", "expected: a whole number"),
    ("[jobs]\nconcurrent_builds = '2'\n", "this is a string", "2:21", "expected: a whole number from 1"),
    ("[jobs]\ncancel_grace = '30'\n", "`30` is no duration", "2:16", "expected: a duration with its unit, such as `30s`, `500ms` or `5m`"),
    ("[jobs]\ncancel_grace = '-1s'\n", "`-1s` is no duration", "2:16", "expected: a duration with its unit, such as `30s`, `500ms` or `5m`"),
    ("[jobs]\ncancel_grace = 2024-01-01\n", "this is a date", "2:16", "expected: a duration with its unit, such as `30s`, `500ms` or `5m`"),
    ("[jobs]\nCancel_Grace = '1s'\n", "`jobs.Cancel_Grace` is no setting", "2:1", "hint: did you mean `cancel_grace`?"),
    ("[grpc]\nlisten = 'localhost:8076'\n", "`localhost:8076` is no address", "2:10", "expected: an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`"),
    ("[grpc]\nlisten = '127.0.0.1:70000'\n", "`127.0.0.1:70000` is no address", "2:10", "expected: an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`"),
    ("[rest]\nlisten = true\n", "this is a boolean", "2:10", "expected: an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`"),
    ("[rest]\nlisten = { address = '127.0.0.1' }\n", "this is a table", "2:10", "expected: an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`"),
    ("[rest]\nheader_deadline = '0s'\n", "this leaves clients no time at all", "2:19", ""),
    ("[access]\nanonymous = 'root'\n", "`root` is no role", "2:13", "expected: `viewer`, `builder` or `admin`"),
    ("[jobs]\nlisten = '127.0.0.1:1'\n", "`jobs.listen` is no setting", "2:1", "hint: `listen` belongs in [grpc] or in [rest]"),
    ("[http]\nlisten = '127.0.0.1:1'\n", "`http` is no setting", "1:2", "hint: there are access, "),
    ("[[grpc]]\nlisten = '127.0.0.1:1'\n", "`grpc` is an array", "1:1", "expected: a table: [grpc]"),
    ("[grpc.listen]\naddress = 1\n", "this is a table", "1:1", "expected: an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`"),
    ("grpc.listen.address = 1\n", "this is a table", "1:6", "expected: an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`"),
    ("[grpc\n", "unclosed table, expected `]`", "1:6", ""),
    ("store = /x\n", "string values must be quoted, expected literal string", "1:9", ""),
    ("store\n", "key with no value, expected `=`", "1:6", ""),
    ("store = '/x\n", "invalid literal string, expected `'`", "1:12", ""),
    ("store = 'a' log = 'b'\n", "unexpected key or value, expected newline, `#`", "1:13", ""),
    ("[jobs]\n[jobs]\n", "duplicate key", "2:2", ""),
    ("'' = 1\n", "`` is no setting", "1:1", "hint: there are access, "),
    ("\"a\\u0007b\" = 1\n", "`a\\u{7}b` is no setting", "1:1", "hint: there are access, "),
];

#[test]
fn every_mistake_has_its_message_and_its_place() {
    for (file, message, place, note) in CASES {
        let said = refused(file);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], format!("error: {message}"), "{file}\n{said}");
        assert_eq!(lines[1], format!(" --> f.toml:{place}"), "{file}\n{said}");
        let below = lines.get(5).copied().unwrap_or_default();
        assert!(below.trim_start_matches("  = ").starts_with(note), "{file}\n{said}");
        assert!(lines.len() <= 6, "one mistake, one message: {said}");
    }
}

#[test]
fn the_line_is_shown_with_a_caret() {
    let expected = "\
error: `grpc.lisen` is no setting
 --> f.toml:3:1
  |
3 | lisen = '127.0.0.1:8076'  # where
  | ^^^^^
  = hint: did you mean `listen`?
";
    assert_eq!(refused("# gRPC\n[grpc]\nlisen = '127.0.0.1:8076'  # where\n"), expected);
}

#[test]
fn all_that_is_wrong_is_said_at_once_wherever_it_was_said() {
    let place = Place::with("log = 'very'\n[jobs]\ncancel_grace = 30\nconcurent_builds = 2\n");
    let arguments = ["--config", "f.toml", "--listen", "here", "--plugins", "/nonexistent"];
    let variables = [("FACTORY_REST", "there"), ("FACTORY_DRAIN_DEADLINE", "soon")];
    let ended = place.run(env!("CARGO_BIN_EXE_factoryd"), &arguments, &variables);
    assert_eq!(ended.code, Some(2));
    let said: Vec<&str> = ended
        .err
        .lines()
        .filter(|line| line.starts_with("error") || line.contains("-->") || line.starts_with("the"))
        .collect();
    let expected = [
        "error: this is a number",
        " --> f.toml:3:16",
        "error: `jobs.concurent_builds` is no setting",
        " --> f.toml:4:1",
        "error: plugin directory /nonexistent does not exist",
        " --> --plugins",
        "error: `soon` is no duration",
        " --> environment variable FACTORY_DRAIN_DEADLINE",
        "error: `here` is no address",
        " --> --listen",
        "error: `there` is no address",
        " --> environment variable FACTORY_REST",
        "the settings have 6 problems",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_byte_that_is_no_text_is_pointed_at() {
    let said = refused(b"# fine\nstore = '\xff'\n");
    assert!(said.starts_with("error: this byte is not UTF-8 text\n --> f.toml:2:10\n"), "{said}");
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    let check = |file: &str| {
        let ended = place.daemon(&["config", "check", "--config", file]);
        assert_eq!(ended.code, Some(2));
        ended.err
    };
    let missing =
        "error: can't read f.toml: No such file or directory (os error 2)\n --> --config\n";
    assert_eq!(check("f.toml"), missing);
    let directory = "error: can't read /etc: Is a directory (os error 21)\n --> --config\n";
    assert_eq!(check("/etc"), directory);
    let below = "error: can't read /etc/passwd/f: Not a directory (os error 20)\n --> --config\n";
    assert_eq!(check("/etc/passwd/f"), below);
    let endless = "error: can't read /dev/zero: it is longer than 1 MiB, which no settings are\n --> --config\n";
    assert_eq!(check("/dev/zero"), endless);
    let variables = [("FACTORY_CONFIG", "f.toml")];
    let named = place.run(env!("CARGO_BIN_EXE_factoryd"), &["config", "check"], &variables);
    assert!(named.err.ends_with(" --> environment variable FACTORY_CONFIG\n"), "{named:?}");
}

#[test]
fn ten_megabytes_are_refused_before_they_are_read() {
    let said = refused("#".repeat(10 << 20));
    let expected =
        "error: can't read f.toml: it is longer than 1 MiB, which no settings are\n --> --config\n";
    assert_eq!(said, expected);
}

#[test]
fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::with("");
    let file = place.path().join("f.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read anything; a link to itself, nobody.
    let is_root = rustix::process::geteuid().is_root();
    let (name, why) = if is_root {
        symlink("loop.toml", place.path().join("loop.toml")).unwrap();
        ("loop.toml", "Too many levels of symbolic links (os error 40)")
    } else {
        ("f.toml", "Permission denied (os error 13)")
    };
    let ended = place.daemon(&["config", "check", "--config", name]);
    assert_eq!(ended.err, format!("error: can't read {name}: {why}\n --> --config\n"));
}

#[test]
fn deep_nesting_ends_in_a_message() {
    let said = refused(format!("store = {}", "[".repeat(200_000)));
    assert!(said.starts_with("error: "), "{}", &said[..200]);
}
