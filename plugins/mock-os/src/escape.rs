//! Tries to get out of a sandbox, each by asking the kernel itself.
//!
//! The parameter `mock_escape` is a list of tries, each a word and what it is tried on: `["read /etc/shadow", "mount"]`.
//!
//! | try | what it does |
//! |---|---|
//! | `read PATH`, `list PATH`, `write PATH` | reads a file, lists a directory, makes a file |
//! | `connect ADDRESS` | connects over TCP |
//! | `abstract NAME` | connects to an abstract socket |
//! | `kill PID` | asks whether a process can be signalled |
//! | `ptrace PID` | traces a process |
//! | `key`, `bpf`, `mount`, `chroot`, `user-namespace`, `network-namespace`, `io-uring` | the system call of that name |
//! | `disk`, `devices` | makes a node for a block device; mounts all devices |
//!
//! Some system calls are made with arguments that make no sense. That they are judged, and not the right to make the call, is out, too.

use factory_plugin_sdk::{Failure, Fault, Parameters};
use serde_json::Value;
use std::ffi::{CStr, CString};
use std::fs;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::time::Duration;

/// What is told of a try that was not stopped.
pub const OUT: &str = "OUT";

/// No connection is waited for longer.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A try, and how it ended.
pub type Outcome = (String, io::Result<()>);

/// Makes the tries that the parameters ask for.
///
/// # Errors
/// If they are no list of texts.
pub fn tries(parameters: &Parameters) -> Result<Vec<Outcome>, Failure> {
    let wrong = |why: String| Failure::new(Fault::User, "INVALID_PARAMETER", why);
    let given = parameters.get("mock_escape").cloned().unwrap_or_default();
    let given = match given {
        Value::String(text) => serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?,
        other => other,
    };
    let tries: Vec<String> =
        serde_json::from_value(given).map_err(|error| wrong(error.to_string()))?;
    Ok(tries.into_iter().map(|try_| (try_.clone(), attempt(&try_))).collect())
}

fn attempt(try_: &str) -> io::Result<()> {
    let (word, on) = try_.split_once(' ').unwrap_or((try_, ""));
    let number = || on.parse::<i64>().map_err(io::Error::other);
    match word {
        // The first bytes are enough, and a process's memory has none at its start.
        "read" => match fs::File::open(on)?.read(&mut [0; 16])? {
            0 => Err(io::Error::other("there is nothing in it")),
            _ => Ok(()),
        },
        "list" => fs::read_dir(on).map(drop),
        "write" => fs::write(on, "out"),
        "connect" => {
            let address: SocketAddr = on.parse().map_err(io::Error::other)?;
            TcpStream::connect_timeout(&address, CONNECT_LIMIT).map(drop)
        }
        "abstract" => UnixStream::connect_addr(&UnixAddr::from_abstract_name(on)?).map(drop),
        "kill" => call(libc::SYS_kill, [number()?, 0, 0, 0, 0]),
        "ptrace" => call(libc::SYS_ptrace, [i64::from(libc::PTRACE_ATTACH), number()?, 0, 0, 0]),
        "key" => {
            let (kind, name) = (c"user".as_ptr() as i64, c"factory-mock".as_ptr() as i64);
            // The keys of this process.
            call(libc::SYS_add_key, [kind, name, name, 1, -2])
        }
        "bpf" => judged(call(libc::SYS_bpf, [0, 0, 0, 0, 0])),
        "mount" => mount(c"tmpfs"),
        "devices" => mount(c"devtmpfs"),
        "chroot" => call(libc::SYS_chroot, [c"/".as_ptr() as i64, 0, 0, 0, 0]),
        "user-namespace" => {
            // A process with threads can't have one.
            judged(call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWUSER), 0, 0, 0, 0]))
        }
        "network-namespace" => call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWNET), 0, 0, 0, 0]),
        "io-uring" => judged(call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0])),
        "disk" => {
            let node = std::env::temp_dir().join("disk");
            let node = CString::new(node.as_os_str().as_encoded_bytes())?;
            let mode = i64::from(libc::S_IFBLK | 0o600);
            call(
                libc::SYS_mknodat,
                [i64::from(libc::AT_FDCWD), node.as_ptr() as i64, mode, 0x0801, 0],
            )
        }
        other => Err(io::Error::other(format!("{other} is no try"))),
    }
}

fn mount(kind: &CStr) -> io::Result<()> {
    let directory = std::env::temp_dir().join("mounted");
    fs::create_dir_all(&directory)?;
    let on = CString::new(directory.as_os_str().as_encoded_bytes())?;
    let kind = kind.as_ptr() as i64;
    call(libc::SYS_mount, [kind, on.as_ptr() as i64, kind, 0, 0])?;
    // It is not to be in the way of who removes the directory.
    call(libc::SYS_umount2, [on.as_ptr() as i64, i64::from(libc::MNT_DETACH), 0, 0, 0])
}

#[expect(unsafe_code, reason = "what a hostile plugin does: it asks the kernel, and no library")]
fn call(number: libc::c_long, arguments: [i64; 5]) -> io::Result<()> {
    let [one, two, three, four, five] = arguments;
    // SAFETY: pointers among the arguments are to constants that end with a zero, or null.
    match unsafe { libc::syscall(number, one, two, three, four, five) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Takes an error of the arguments for what it is: the call itself was let through.
fn judged(called: io::Result<()>) -> io::Result<()> {
    match called {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EFAULT)) => Ok(()),
        other => other,
    }
}
