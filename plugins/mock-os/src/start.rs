//! Misbehaving before there is a request.
//!
//! The file `EXECUTABLE.misbehave` beside the executable holds a mode, and words that belong to it:
//!
//! | mode | what it does |
//! |---|---|
//! | `slow-start SECONDS` | waits before the handshake |
//! | `wrong-version` | speaks contract version 99 |
//! | `noise` | prints some lines before the handshake |
//! | `exit-early` | complains, and exits with 3 before the handshake |
//! | `garbage-handshake` | prints a handshake that is none |
//! | `no-handshake` | prints nothing and waits |
//! | `deaf` | prints a handshake, and never answers on the socket |
//! | `stubborn` | does not end, neither when asked nor by SIGTERM |
//!
//! With the word `once`, the file is removed first, so the next start is an ordinary one.

use factory_proto::handshake::{APP_VERSION, Address, COOKIE_KEY, Handshake, SOCKET_DIR};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

/// How long what never ends lasts, so that a test that was killed leaves nothing behind for good.
const FOR_EVER: Duration = Duration::from_mins(5);

/// Runs a mock plugin's `main`, with the misbehaviour that the file asks for before or after it.
pub fn run(serve: impl FnOnce() -> ExitCode) -> ExitCode {
    let mode = if std::env::var_os(COOKIE_KEY).is_some() { mode() } else { String::new() };
    let mut words = mode.split_whitespace();
    match words.next().unwrap_or_default() {
        "slow-start" => {
            let seconds = words.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(5.0);
            sleep(Duration::from_secs_f64(seconds));
        }
        "noise" => (1..=3).for_each(|n| println!("loading module {n} | please wait")),
        "wrong-version" => return pretend(99),
        "deaf" => return pretend(APP_VERSION),
        "exit-early" => {
            eprintln!("mock: the licence has expired");
            return ExitCode::from(3);
        }
        "garbage-handshake" => {
            println!("1|1|pipe|nowhere");
            sleep(FOR_EVER);
        }
        "no-handshake" => sleep(FOR_EVER),
        "stubborn" => {
            serve();
            sleep(FOR_EVER);
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    serve()
}

fn mode() -> String {
    let Ok(executable) = std::env::current_exe() else { return String::new() };
    let mut path = executable.into_os_string();
    path.push(".misbehave");
    let mode = std::fs::read_to_string(&path).unwrap_or_default();
    if mode.split_whitespace().any(|word| word == "once") {
        // A file that is gone already is what was asked for.
        let _ = std::fs::remove_file(&path);
    }
    mode
}

/// Prints a handshake for a socket on which nobody answers.
fn pretend(app_version: u32) -> ExitCode {
    let directory = std::env::var_os(SOCKET_DIR).map_or_else(std::env::temp_dir, PathBuf::from);
    let path = directory.join(format!("mock-{}", std::process::id()));
    let listener = UnixListener::bind(&path);
    let handshake = Handshake { app_version, address: Address::Unix(path), certificate: None };
    println!("{handshake}");
    sleep(FOR_EVER);
    drop(listener);
    ExitCode::FAILURE
}
