//! How to run a disk: QEMU command lines and libvirt domain XML, with [`DISK`] where the disk's path goes.

use crate::settings::{Format, Settings};

/// Stands for the path of the artifact with role `disk`, which only the factory knows.
pub const DISK: &str = "{disk}";

/// Makes QEMU throw away what the guest writes: the factory's copy must stay what it was.
const SNAPSHOT: &str = ",snapshot=on";

/// The firmware a machine starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// The PC's BIOS.
    Bios,
    /// UEFI.
    Uefi,
}

/// A machine to run a disk in.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What the guest is called.
    pub name: String,
    /// Its architecture, as a template has it.
    pub arch: String,
    /// The disk's format.
    pub format: Format,
    /// In MiB.
    pub memory_mib: u64,
    /// How many processors.
    pub cpus: u64,
}

impl Machine {
    /// Describes a machine for a disk.
    pub fn new(name: &str, arch: &str, settings: &Settings) -> Self {
        Self {
            name: guest_name(name),
            arch: arch.to_owned(),
            format: settings.format,
            memory_mib: settings.memory_mib,
            cpus: settings.cpus,
        }
    }

    /// Returns the firmwares that such a machine has, the usual one first; none for an architecture not known here.
    pub fn firmwares(&self) -> &'static [Firmware] {
        match self.arch.as_str() {
            "x86_64" => &[Firmware::Bios, Firmware::Uefi],
            "i386" => &[Firmware::Bios],
            "aarch64" => &[Firmware::Uefi],
            _ => &[],
        }
    }

    /// Writes the command line that runs the disk on this terminal. It uses KVM where that works and emulates where it
    /// does not, and discards what the guest writes.
    pub fn command_line(&self, firmware: Firmware) -> String {
        let (memory, cpus, format) = (self.memory_mib, self.cpus, self.format.as_str());
        let mut words = vec![
            format!("qemu-system-{}", self.arch),
            format!("-machine {},accel=kvm:tcg -cpu max -m {memory} -smp {cpus}", self.board()),
        ];
        words.extend(self.firmware_arguments(firmware));
        words.push(format!("-drive file={DISK},format={format},if=virtio{SNAPSHOT}"));
        words.push("-nic user,model=virtio-net-pci -device virtio-rng-pci -nographic".to_owned());
        words.join(" ")
    }

    /// Writes the domain XML.
    pub fn domain_xml(&self, firmware: Firmware) -> String {
        let os = match firmware {
            Firmware::Bios => "<os>",
            Firmware::Uefi => "<os firmware='efi'>",
        };
        let features = if self.arch == "aarch64" { "<acpi/>" } else { "<acpi/><apic/>" };
        format!(
            "<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{cpus}</vcpu>
  {os}
    <type arch='{arch}' machine='{board}'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>{features}</features>
  <cpu mode='host-passthrough'/>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='{format}' discard='unmap'/>
      <source file='{DISK}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'>
      <model type='virtio'/>
    </interface>
    <serial type='pty'/>
    <console type='pty'/>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
",
            name = self.name,
            memory = self.memory_mib,
            cpus = self.cpus,
            arch = if self.arch == "i386" { "i686" } else { &self.arch },
            board = self.board(),
            format = self.format.as_str(),
        )
    }

    fn board(&self) -> &'static str {
        if self.arch == "aarch64" { "virt" } else { "q35" }
    }

    /// Names the firmware's files where Debian's packages `ovmf` and `qemu-efi-aarch64` put them.
    fn firmware_arguments(&self, firmware: Firmware) -> Option<String> {
        let flash = |unit, mode, file: &str| {
            format!("-drive if=pflash,unit={unit},format=raw,{mode},file={file}")
        };
        match (firmware, self.arch.as_str()) {
            (Firmware::Bios, _) => None,
            (Firmware::Uefi, "aarch64") => {
                Some("-bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd".to_owned())
            }
            (Firmware::Uefi, _) => Some(format!(
                "{} {}",
                flash(0, "readonly=on", "/usr/share/OVMF/OVMF_CODE_4M.fd"),
                flash(1, "snapshot=on", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            )),
        }
    }
}

/// Turns a command line for the factory's copy into one for a copy that the guest may write to.
pub fn command_line_for_own(command_line: &str, path: &str) -> String {
    command_line
        .replace(&format!("if=virtio{SNAPSHOT}"), "if=virtio")
        .replace(DISK, &shell_word(path))
}

/// Puts a path into domain XML.
pub fn domain_xml_for(xml: &str, path: &str) -> String {
    let escaped = path.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;");
    xml.replace(DISK, &escaped)
}

/// QEMU doubles commas in file names; the shell wants quotes around anything unusual.
fn shell_word(path: &str) -> String {
    let path = path.replace(',', ",,");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Keeps what every tool takes as the name of a guest.
fn guest_name(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.chars().map(keep).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "image".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(arch: &str) -> Machine {
        let settings =
            Settings { format: Format::Qcow2, compression: None, memory_mib: 512, cpus: 1 };
        Machine::new("Debian 12 <x>", arch, &settings)
    }

    #[test]
    fn the_command_line_prefers_kvm_and_keeps_the_disk_as_it_is() {
        assert_eq!(
            machine("x86_64").command_line(Firmware::Bios),
            "qemu-system-x86_64 -machine q35,accel=kvm:tcg -cpu max -m 512 -smp 1 \
             -drive file={disk},format=qcow2,if=virtio,snapshot=on \
             -nic user,model=virtio-net-pci -device virtio-rng-pci -nographic"
        );
    }

    #[test]
    fn an_own_copy_may_be_written_to_and_may_have_any_name() {
        let uefi = machine("x86_64").command_line(Firmware::Uefi);
        let own = command_line_for_own(&uefi, "/pool/it's, mine.qcow2");
        assert!(
            own.contains(r"-drive file='/pool/it'\''s,, mine.qcow2',format=qcow2,if=virtio -nic"),
            "{own}"
        );
        assert!(own.contains("snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd"));
        let xml = domain_xml_for(&machine("x86_64").domain_xml(Firmware::Bios), "/a&b'c");
        assert!(xml.contains("<source file='/a&amp;b&apos;c'/>"));
        assert!(xml.contains("<name>Debian-12--x</name>"), "{xml}");
    }

    #[test]
    fn each_architecture_has_its_firmwares() {
        assert_eq!(machine("x86_64").firmwares().len(), 2);
        assert_eq!(machine("aarch64").firmwares(), [Firmware::Uefi]);
        assert!(machine("s390x").firmwares().is_empty());
        let arm = machine("aarch64").command_line(Firmware::Uefi);
        assert!(arm.starts_with("qemu-system-aarch64 -machine virt,"), "{arm}");
    }
}
