//! The daemon under a service manager, which is the test: it opens sockets, passes them, and is told what happens.

use super::Place;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs what follows with standard input as descriptor 3 and standard error as descriptor 4, and says that they are for
/// the process that it becomes. It exits if the first argument is another process's.
const PASS: &str = r#"exec 3<&0 4<&2 2>"$1/stderr" </dev/null; shift
    export LISTEN_PID=${LISTEN_PID:-$$}; exec "$@""#;

/// A daemon that was started by a service manager. Killed when dropped.
struct Served {
    child: Child,
    lines: Box<dyn Iterator<Item = std::io::Result<String>>>,
}

impl Served {
    fn start(place: &Place, sockets: [OwnedFd; 2], variables: &[(&str, &str)]) -> Self {
        let mut command = place.command("sh");
        command.args(["-c", PASS, "sh"]).arg(place.path()).arg(env!("CARGO_BIN_EXE_factoryd"));
        command.args(["--store", "store", "--plugins", "plugins", "--anonymous", "admin"]);
        let [three, four] = sockets;
        command.stdin(three).stderr(four);
        Self::of(command.envs(variables.iter().copied()))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines: Box::new(lines) }
    }

    fn line(&mut self) -> String {
        self.lines.next().map(Result::unwrap).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path().join("plugins")).unwrap();
    place
}

fn listeners() -> [TcpListener; 2] {
    [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap())
}

fn clones(sockets: &[TcpListener; 2]) -> [OwnedFd; 2] {
    sockets.each_ref().map(|socket| socket.try_clone().unwrap().into())
}

#[test]
fn sockets_of_the_service_manager_are_served_by_their_names() {
    let place = place();
    let sockets = listeners();
    let [rest, grpc] = sockets.each_ref().map(|socket| socket.local_addr().unwrap());
    // A client may come before the daemon does.
    let mut early = TcpStream::connect(rest).unwrap();
    let variables = [("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", "rest:grpc")];
    let mut daemon = Served::start(&place, clones(&sockets), &variables);
    assert_eq!(daemon.line(), format!("listening on {grpc}"));
    assert_eq!(daemon.line(), format!("REST listening on {rest}"));
    let request =
        format!("GET /imagefactory HTTP/1.1\r\nHost: {rest}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut early, request.as_bytes()).unwrap();
    early.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
    TcpStream::connect(grpc).expect("the socket is the service manager's, and stays open");
}

#[test]
fn sockets_of_another_process_are_left_alone() {
    let place = place();
    let sockets = listeners();
    let variables = [
        ("LISTEN_FDS", "2"),
        ("LISTEN_FDNAMES", "rest:grpc"),
        ("LISTEN_PID", "1"),
        ("FACTORY_LISTEN", "127.0.0.1:0"),
    ];
    let mut daemon = Served::start(&place, clones(&sockets), &variables);
    let said = daemon.line();
    let theirs = sockets[1].local_addr().unwrap();
    assert!(said.starts_with("listening on ") && !said.ends_with(&theirs.to_string()), "{said}");
}

#[test]
fn a_socket_that_can_not_be_used_is_named() {
    for (names, said) in [
        (
            "http:grpc",
            "factoryd: the service manager passed a socket named `http`, which can't be used: the daemon has no use \
             for it: FileDescriptorName= must be grpc or rest\n",
        ),
        (
            "grpc:grpc",
            "factoryd: the service manager passed a socket named `grpc`, which can't be used: it came twice: the \
             daemon has one socket of each name\n",
        ),
        (
            "grpc",
            "factoryd: the service manager passed a socket named ``, which can't be used: the daemon has no use for \
             it: FileDescriptorName= must be grpc or rest\n",
        ),
    ] {
        let place = place();
        let variables = [("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", names)];
        let mut daemon = Served::start(&place, clones(&listeners()), &variables);
        assert_eq!((daemon.code(), daemon.line().as_str()), (Some(4), ""));
        assert_eq!(std::fs::read_to_string(place.path().join("stderr")).unwrap(), said);
        assert!(!place.path().join("store").exists());
    }
}

#[test]
fn a_socket_that_other_machines_reach_is_refused_as_such_an_address_is() {
    let place = place();
    let open = TcpListener::bind("0.0.0.0:0").unwrap();
    let address = open.local_addr().unwrap();
    let sockets = [open.try_clone().unwrap().into(), open.into()];
    let variables = [("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "grpc")];
    let mut daemon = Served::start(&place, sockets, &variables);
    assert_eq!(daemon.code(), Some(2));
    let said = std::fs::read_to_string(place.path().join("stderr")).unwrap();
    assert!(said.starts_with("error: ") && said.contains(&address.to_string()), "{said}");
    assert!(said.contains("\n --> a socket of the service manager\n"), "{said}");
}

#[test]
fn what_is_no_tcp_socket_is_refused() {
    let place = place();
    let file = std::fs::File::create(place.path().join("file")).unwrap();
    let sockets = [file.try_clone().unwrap().into(), file.into()];
    let variables = [("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "grpc")];
    let mut daemon = Served::start(&place, sockets, &variables);
    assert_eq!(daemon.code(), Some(4));
    let said = std::fs::read_to_string(place.path().join("stderr")).unwrap();
    assert!(said.contains("`grpc`, which can't be used: fd 3 is not a socket"), "{said}");
}

#[test]
fn the_service_manager_is_told_when_the_daemon_serves_lives_and_ends() {
    let place = place();
    let path = place.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut buffer = [0; 4096];
        // A socket with a timeout gives up at any signal, restarting or not (socket(7), signal(7)).
        let len = loop {
            match manager.recv(&mut buffer) {
                Err(signal) if signal.kind() == ErrorKind::Interrupted => {}
                said => break said.expect("the daemon says something"),
            }
        };
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    };
    let mut command = place.command(env!("CARGO_BIN_EXE_factoryd"));
    command.args(["--listen", "127.0.0.1:0", "--rest", "127.0.0.1:0"]);
    command.args(["--store", "store", "--plugins", "plugins"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let mut daemon = Served::of(&mut command);
    let grpc = daemon.line().replace("listening on ", "");
    let rest = daemon.line().replace("REST listening on ", "");
    assert_eq!(heard(), format!("READY=1\nSTATUS=serving gRPC on {grpc}, REST on {rest}\n"));
    for _ in 0..4 {
        assert_eq!(heard(), "WATCHDOG=1\n");
    }
    daemon.signal(Signal::TERM);
    let last = std::iter::repeat_with(heard).find(|said| said != "WATCHDOG=1\n");
    assert_eq!(last.as_deref(), Some("STOPPING=1\nSTATUS=ending builds\n"));
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn a_daemon_that_can_not_start_does_not_say_that_it_is_ready() {
    let place = place();
    let path = place.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    std::fs::write(place.path().join("store"), "no directory").unwrap();
    let mut command = place.command(env!("CARGO_BIN_EXE_factoryd"));
    command.args(["--listen", "127.0.0.1:0", "--store", "store", "--plugins", "plugins"]);
    let output = command.env("NOTIFY_SOCKET", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(manager.recv(&mut [0; 64]).is_err(), "nothing was said");
}

#[test]
fn plugins_get_neither_the_sockets_nor_the_words_of_the_service_manager() {
    let place = place();
    let plugin = place.path().join("plugins/factory-plugin-spy");
    let seen = place.path().display();
    let script =
        format!("#!/bin/sh\nenv >{seen}/variables\nls -l /proc/$$/fd >{seen}/files\nexit 1\n");
    std::fs::write(&plugin, script).unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
    let info = r#"{"type": "os", "targets": [["SpyOS", null, null]]}"#;
    std::fs::write(place.path().join("plugins/spy.info"), info).unwrap();
    let template = "<template><name>t</name><os><name>SpyOS</name><version>1</version><arch>x86_64</arch>\
                    <install type='url'><url>http://u</url></install></os></template>";
    std::fs::write(place.path().join("t.tdl"), template).unwrap();
    let sockets = listeners();
    let manager = place.path().join("notify");
    let _socket = UnixDatagram::bind(&manager).unwrap();
    let notify = manager.display().to_string();
    let variables = [
        ("LISTEN_FDS", "2"),
        ("LISTEN_FDNAMES", "grpc:rest"),
        ("NOTIFY_SOCKET", notify.as_str()),
        ("WATCHDOG_USEC", "20000000"),
        // The spy writes what it sees outside its own directories.
        ("FACTORY_SANDBOX", "off"),
    ];
    let mut daemon = Served::start(&place, clones(&sockets), &variables);
    let address = daemon.line().replace("listening on ", "");
    let factory = env!("CARGO_BIN_EXE_factory");
    let built = place.run(factory, &["--server", &address, "build", "t.tdl"], &[]);
    assert_ne!(built.code, Some(0), "{built:?}");
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    let (variables, files) = (read("variables"), read("files"));
    assert!(variables.contains("PLUGIN_UNIX_SOCKET_DIR="), "{variables}");
    for name in ["NOTIFY_SOCKET", "WATCHDOG", "LISTEN_", "FACTORY_"] {
        assert!(!variables.contains(&format!("\n{name}")), "{variables}");
    }
    assert!(files.contains("pipe:["), "{files}");
    for socket in &sockets {
        let fd: OwnedFd = socket.try_clone().unwrap().into();
        let inode = std::fs::File::from(fd).metadata().unwrap().ino();
        assert!(!files.contains(&format!("socket:[{inode}]")), "{files}");
    }
}
