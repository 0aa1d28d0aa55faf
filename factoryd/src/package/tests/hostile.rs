//! Archives that are not what they should be. Nothing of them is outside the directory they are unpacked into.

use super::*;

const X_INFO: Forged<'_> =
    Forged { path: "x.info", kind: b'0', mode: 0o644, content: INFO.as_bytes() };
const X: Forged<'_> =
    Forged { path: "factory-plugin-x", kind: b'0', mode: 0o755, content: SCRIPT.as_bytes() };

fn refusal(members: &[Forged<'_>], limits: &Limits) -> String {
    unpacked(&forge(members), limits).unwrap_err().to_string()
}

/// What is said of a package with one more member.
fn refusal_of(one: Forged<'_>) -> String {
    let sums = sums(&[]);
    refusal(&[Forged::file(SUMS, sums.as_bytes()), X_INFO, X, one], &Limits::default())
}

#[test]
fn the_forger_can_make_a_good_one() {
    let sums = sums(&[("a", b"a")]);
    let members = [Forged::file(SUMS, sums.as_bytes()), X_INFO, X, Forged::file("a", b"a")];
    assert!(unpacked(&forge(&members), &Limits::default()).is_ok());
}

#[test]
fn paths_that_lead_out_of_it_are_refused() {
    for path in ["../x", "/tmp/x", "a/../../x", "./x", "a//b", "..", "a\\..\\b", "a\nb"] {
        let why = refusal_of(Forged::file(path, b"x"));
        assert!(why.contains("can't be in a package"), "{path:?}: {why}");
    }
    let directory = Forged { kind: b'5', ..Forged::file("../up/", b"") };
    assert!(refusal_of(directory).contains("can't be in a package"));
}

#[test]
fn what_is_no_regular_file_is_refused() {
    for (kind, why) in [
        (b'1', "a link"),
        (b'2', "a link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'6', "a device"),
        (b'7', "a kind"),
        (b'S', "a kind"),
        (b'L', "a kind"),
        (b'K', "a kind"),
        (b'x', "a kind"),
        (b'g', "a kind"),
    ] {
        let said = refusal_of(Forged { kind, ..Forged::file("a", b"") });
        assert!(said.contains(why), "{}: {said}", char::from(kind));
    }
    for mode in [0o4755, 0o2755] {
        assert!(refusal_of(Forged { mode, ..X }).contains("set-user-ID"));
    }
}

#[test]
fn what_is_not_listed_or_twice_there_or_not_there_or_another_is_refused() {
    assert!(refusal_of(Forged::file("a", b"a")).contains("\"a\" is not in SHA256SUMS"));
    assert!(refusal_of(X).contains("or is there twice"));
    assert!(refusal_of(Forged::file(SUMS, b"")).contains("\"SHA256SUMS\" is not in"));
    let list = sums(&[("a", b"a")]);
    let first = || Forged::file(SUMS, list.as_bytes());
    let limits = Limits::default();
    assert!(refusal(&[first(), X_INFO, X], &limits).contains("but not in the package"));
    let other = [first(), X_INFO, X, Forged::file("a", b"b")];
    assert!(refusal(&other, &limits).contains("\"a\" is not what SHA256SUMS says"));
    assert!(refusal(&[X_INFO, first(), X], &limits).contains("first file is not SHA256SUMS"));
    let below = sums(&[("a", b"a"), ("a/b", b"b")]);
    let both =
        [Forged::file(SUMS, below.as_bytes()), Forged::file("a", b"a"), Forged::file("a/b", b"b")];
    assert!(refusal(&both, &limits).contains("can't write"), "a file is no directory");
    let lame = Forged { mode: 0o644, ..X };
    let plain = sums(&[]);
    assert!(
        refusal(&[Forged::file(SUMS, plain.as_bytes()), X_INFO, lame], &limits)
            .contains("executable")
    );
}

#[test]
fn bombs_are_stopped_at_the_limits() {
    let zeros = vec![0; 1 << 20];
    let list = sums(&[("a", &zeros)]);
    let members = [Forged::file(SUMS, list.as_bytes()), X_INFO, X, Forged::file("a", &zeros)];
    let archive = forge(&members);
    assert!(archive.len() < 16 * 1024, "it is a bomb");
    assert!(unpacked(&archive, &Limits::default()).is_ok());
    let why = |limits| unpacked(&archive, &limits).unwrap_err().to_string();
    assert!(why(Limits { unpacked: 1 << 19, ..Limits::default() }).contains("unpacked"));
    assert!(why(Limits { files: 2, ..Limits::default() }).contains("the number of its files"));
    assert!(why(Limits { sums: 64, ..Limits::default() }).contains("SHA256SUMS is more than 64"));
    // Directories are no files of the list, and each takes a header: their number is limited by what is read at all.
    let many: Vec<_> = (0..4000).map(|_| Forged { kind: b'5', ..Forged::file("d", b"") }).collect();
    let limits = Limits { unpacked: 0, files: 2, ..Limits::default() };
    let sums = [Forged::file(SUMS, list.as_bytes())];
    let after: Vec<_> = many.into_iter().chain(sums).collect();
    assert!(refusal(&after, &limits).contains("first file is not SHA256SUMS"));
}

#[test]
fn what_is_no_archive_or_is_cut_short_is_refused() {
    for bytes in [&b""[..], b"PK\x03\x04", b"#!/bin/sh\n", &[0x28, 0xb5, 0x2f, 0xfd, 0, 0]] {
        assert!(unpacked(bytes, &Limits::default()).is_err(), "{bytes:?}");
    }
    let list = sums(&[]);
    let whole = forge(&[Forged::file(SUMS, list.as_bytes()), X_INFO, X]);
    for len in (0..whole.len() - 40).step_by(7) {
        assert!(unpacked(&whole[..len], &Limits::default()).is_err(), "{len} bytes");
    }
}
