//! Misbehaving before there is a request.

use super::support::{Process, executable};
use factory_proto::handshake::{Error, Handshake};
use std::path::PathBuf;
use tempfile::TempDir;

/// Makes a copy of the plugin that misbehaves.
fn misbehaving(mode: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plugin");
    if std::fs::hard_link(executable(), &path).is_err() {
        std::fs::copy(executable(), &path).unwrap();
    }
    std::fs::write(directory.path().join("plugin.misbehave"), mode).unwrap();
    (directory, path)
}

fn first_line(mode: &str) -> Option<String> {
    let (_directory, path) = misbehaving(mode);
    Process::start_executable(&path, |_| {}).line()
}

#[test]
fn a_wrong_version_and_garbage_are_no_handshake_of_ours() {
    let line = first_line("wrong-version").unwrap();
    assert_eq!(Handshake::parse(&line), Err(Error::App("99".into())));
    let line = first_line("garbage-handshake").unwrap();
    assert_eq!(Handshake::parse(&line), Err(Error::Network("pipe".into())));
}

#[test]
fn noise_comes_before_the_handshake() {
    let (_directory, path) = misbehaving("noise");
    let plugin = Process::start_executable(&path, |_| {});
    let lines: Vec<String> = (0..4).filter_map(|_| plugin.line()).collect();
    assert!(lines[..3].iter().all(|line| !Handshake::looks_like(line)));
    assert!(Handshake::parse(&lines[3]).is_ok());
}

#[test]
fn an_early_exit_says_why_and_happens_once_if_once_is_asked_for() {
    let (_directory, path) = misbehaving("exit-early once");
    let mut plugin = Process::start_executable(&path, |_| {});
    assert_eq!(plugin.line(), None);
    assert_eq!(plugin.wait().0.code(), Some(3));
    plugin.stderr_line(|line| line.contains("the licence has expired"));
    assert!(Process::start_executable(&path, |_| {}).handshake().certificate.is_none());
}

#[test]
fn a_slow_start_is_a_good_one_in_the_end() {
    let line = first_line("slow-start 0.2").unwrap();
    assert!(Handshake::parse(&line).is_ok());
}

#[test]
fn a_stubborn_plugin_ends_only_when_killed() {
    let (_directory, path) = misbehaving("stubborn");
    let mut plugin = Process::start_executable(&path, |_| {});
    let socket = plugin.socket();
    plugin.signal(rustix::process::Signal::TERM);
    // It has served for the last time once its socket is gone.
    while socket.exists() {
        std::thread::yield_now();
    }
    plugin.signal(rustix::process::Signal::TERM);
    assert!(plugin.child.try_wait().unwrap().is_none());
}
