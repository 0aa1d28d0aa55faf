//! A guest that boots a disk in QEMU, on its serial console.
//!
//! The disk is never written to: QEMU keeps changes in a temporary file. KVM is used where it really boots a guest:
//! a device that opens proves nothing, some hosts start the machine and then hang.

use super::listener::Listener;
use super::patience::look_until;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a guest may take from power-on to its login prompt. Emulated, on a busy machine, it needs most of a minute.
const BOOT_DEADLINE: Duration = Duration::from_secs(240);
/// How long a guest under a KVM that works may take to the same point.
const PROBE_DEADLINE: Duration = Duration::from_secs(20);
/// How long a command in a guest may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);

/// What starts the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

/// Who runs the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accelerator {
    /// The kernel's.
    Kvm,
    /// QEMU's own emulation.
    Tcg,
}

/// A machine to start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine<'a> {
    /// The disk.
    pub(crate) disk: &'a Path,
    /// Its format, in QEMU's words.
    pub(crate) format: &'a str,
    /// What starts it.
    pub(crate) firmware: Firmware,
}

/// A running guest. Dropping it switches it off.
pub(crate) struct Guest {
    qemu: Child,
    keyboard: ChildStdin,
    console: Listener,
}

/// What a command in a guest printed, and its exit status.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Standard output and error, as on a terminal.
    pub(crate) output: String,
    /// The exit status.
    pub(crate) status: i32,
}

impl Machine<'_> {
    /// Starts the machine, on KVM if that works here, and waits for its login prompt.
    pub(crate) fn boot(self) -> Guest {
        static ACCELERATOR: OnceLock<Accelerator> = OnceLock::new();
        let accelerator = *ACCELERATOR.get_or_init(|| self.probe());
        let mut guest = self.start(accelerator);
        guest.wait_for("login: ", BOOT_DEADLINE);
        guest
    }

    /// Starts the machine.
    pub(crate) fn start(self, accelerator: Accelerator) -> Guest {
        Guest::of(&mut self.command(accelerator))
    }

    fn probe(self) -> Accelerator {
        if OpenOptions::new().read(true).write(true).open("/dev/kvm").is_err() {
            return Accelerator::Tcg;
        }
        let mut guest = Guest::of(self.command(Accelerator::Kvm).stderr(Stdio::null()));
        match guest.console.wait_for("login: ", PROBE_DEADLINE) {
            Ok(_) => Accelerator::Kvm,
            Err(_) => Accelerator::Tcg,
        }
    }

    fn command(self, accelerator: Accelerator) -> Command {
        let mut command = Command::new("qemu-system-x86_64");
        match accelerator {
            Accelerator::Kvm => command.args(["-accel", "kvm", "-cpu", "host"]),
            Accelerator::Tcg => command.args(["-accel", "tcg,thread=multi"]),
        };
        command.args(["-m", "1024", "-smp", "2", "-snapshot", "-no-reboot"]);
        command.args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none"]);
        if self.firmware == Firmware::Uefi {
            let (code, variables) = ovmf();
            command.arg("-drive").arg(pflash(&code, 0, ",readonly=on"));
            command.arg("-drive").arg(pflash(&variables, 1, ""));
        }
        let disk = self.disk.display();
        command.args(["-drive", &format!("if=virtio,format={},file={disk}", self.format)]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command
    }
}

impl Guest {
    fn of(command: &mut Command) -> Self {
        let mut qemu = command.spawn().expect("package qemu-system-x86");
        let keyboard = qemu.stdin.take().unwrap();
        let console = Listener::new(qemu.stdout.take().unwrap());
        Self { qemu, keyboard, console }
    }

    /// Waits for text on the console.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str, deadline: Duration) -> String {
        match self.console.wait_for(text, deadline) {
            Ok(text) => text,
            Err(silence) => panic!("{silence}"),
        }
    }

    /// Types a line.
    pub(crate) fn send_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Logs in at the prompt, and prepares a shell for [`run`](Self::run).
    #[track_caller]
    pub(crate) fn login(&mut self, user: &str, password: &str) {
        self.send_line(user);
        self.wait_for("assword: ", COMMAND_DEADLINE);
        self.send_line(password);
        self.wait_for("# ", COMMAND_DEADLINE);
        // A shell that prints nothing of its own: no line editor, no prompt, no echo, no kernel messages.
        self.send_line("exec env PS1='plain'' shell: ' TERM=dumb sh");
        self.wait_for("plain shell: ", COMMAND_DEADLINE);
        self.send_line("PS1=; dmesg -n 1; stty -echo; echo re''ady");
        self.wait_for("ready\n", COMMAND_DEADLINE);
    }

    /// Runs a command in the guest.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &str) -> Ran {
        self.send_line(&format!("{{ {command}; }} 2>&1; echo \"<status $?>\""));
        let mut output = self.wait_for("<status ", COMMAND_DEADLINE);
        output.truncate(output.len() - "<status ".len());
        let status = self.wait_for(">\n", COMMAND_DEADLINE);
        Ran { output, status: status.trim_end_matches(">\n").parse().unwrap() }
    }

    /// Runs a command that must succeed, and returns what it printed, without blanks around it.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> String {
        let ran = self.run(command);
        assert_eq!(ran.status, 0, "`{command}` in the guest: {}", ran.output);
        ran.output.trim().to_owned()
    }

    /// Asks the guest to switch itself off, and waits for that.
    #[track_caller]
    pub(crate) fn power_off(mut self) -> ExitStatus {
        self.send_line("poweroff");
        let ended = look_until(BOOT_DEADLINE, || self.qemu.try_wait().unwrap());
        ended.expect("the guest switches itself off")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nobody left to tell.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Finds the UEFI firmware and its empty variables, under Debian's and Ubuntu's names for them.
fn ovmf() -> (PathBuf, PathBuf) {
    let pair = |size| {
        let name = |part| PathBuf::from(format!("/usr/share/OVMF/OVMF_{part}{size}.fd"));
        (name("CODE"), name("VARS"))
    };
    ["_4M", ""].map(pair).into_iter().find(|(code, _)| code.exists()).expect("package ovmf")
}

fn pflash(file: &Path, unit: u8, more: &str) -> String {
    format!("if=pflash,format=raw,unit={unit},file={}{more}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A boot sector that prints `hello` on the serial line and then repeats what it reads there.
    #[rustfmt::skip]
    const ECHO: &[u8] = &[
        0xfc, 0x31, 0xc0, 0x8e, 0xd8,             // cld; ds = 0
        0xbe, 0x22, 0x7c, 0xba, 0xf8, 0x03,       // si = text; dx = data port
        0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, // print until a zero byte
        0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, // wait for a byte
        0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xf1, // print it; again
        b'h', b'e', b'l', b'l', b'o', b'\n', 0,
    ];
    const DEADLINE: Duration = Duration::from_secs(60);

    fn boot_sector(directory: &Path) -> PathBuf {
        let mut sector = ECHO.to_vec();
        sector.resize(510, 0);
        sector.extend([0x55, 0xaa]);
        sector.resize(1 << 20, 0);
        let disk = directory.join("disk.raw");
        std::fs::write(&disk, sector).unwrap();
        disk
    }

    #[test]
    fn a_guest_is_heard_and_hears_and_is_gone_when_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let disk = boot_sector(directory.path());
        let machine = Machine { disk: &disk, format: "raw", firmware: Firmware::Bios };
        let mut guest = machine.start(Accelerator::Tcg);
        guest.wait_for("hello\n", DEADLINE);
        guest.send_line("anyone there?");
        guest.wait_for("anyone there?", DEADLINE);
        let pid = guest.qemu.id();
        drop(guest);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn text_that_does_not_come_is_reported_with_the_transcript() {
        let directory = tempfile::tempdir().unwrap();
        let disk = boot_sector(directory.path());
        let machine = Machine { disk: &disk, format: "raw", firmware: Firmware::Bios };
        let mut guest = machine.start(Accelerator::Tcg);
        guest.wait_for("hello", DEADLINE);
        let silence = guest.console.wait_for("login:", Duration::from_millis(50)).unwrap_err();
        assert!(silence.to_string().contains("hello"), "{silence}");
    }
}
