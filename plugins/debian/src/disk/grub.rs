//! Booting by BIOS: GRUB's boot sector and core image, put in place as grub-bios-setup does on a GUID partition table,
//! but into a file.
//!
//! The firmware loads the disk's first sector (`boot.img`), which loads one sector more: the first of the core image,
//! whose last twelve bytes are a block list saying where the rest is and where in memory it goes. Both places are patched
//! here; everything else is as GRUB's own tools made it.

use super::Error;
use super::gpt::SECTOR;
use crate::program::Program;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where GRUB's parts for BIOS are, in the package `grub-pc-bin`.
pub(crate) const MODULES: &str = "/usr/lib/grub/i386-pc";

/// The core image brings everything it uses, so that nothing of GRUB is needed in the file system but its menu.
const EMBEDDED: &[&str] = &[
    "biosdisk",
    "part_gpt",
    "ext2",
    "normal",
    "linux",
    "configfile",
    "echo",
    "serial",
    "terminal",
    "test",
];

/// Offset in `boot.img` of the sector where the core image starts (8 bytes).
const KERNEL_SECTOR: usize = 0x5c;
/// Offset in `boot.img` of a jump that old firmware makes necessary and hard disks do not (2 bytes).
const DRIVE_CHECK: usize = 0x66;
/// Segment where the core image's second sector goes: address 0x8200.
const LOAD_SEGMENT: u16 = 0x820;
const NO_OPERATION: u8 = 0x90;

/// Writes the core image into the boot partition, which starts at sector `first` and has `sectors` sectors, and answers
/// the boot code for the disk's first sector.
///
/// # Errors
/// If GRUB's parts are missing, or its core image is larger than the partition.
pub(crate) fn install(
    disk: &File,
    scratch: &Path,
    first: u64,
    sectors: u64,
) -> Result<[u8; 440], Error> {
    let mut core = core_image(scratch)?;
    let room = sectors * SECTOR;
    if core.len() as u64 > room {
        return Err(Error::CoreImage { size: core.len() as u64, room });
    }
    patch_block_list(&mut core, first);
    disk.write_all_at(&core, first * SECTOR).map_err(Error::write("the boot partition"))?;
    let path = Path::new(MODULES).join("boot.img");
    let boot = fs::read(&path).map_err(Error::read(&path))?;
    boot_code(&boot, first).ok_or(Error::BootSector(path))
}

/// Answers GRUB's menu: one entry, on the screen and on the first serial line.
pub(crate) fn menu(title: &str, command_line: &str) -> String {
    let words: Vec<_> = command_line.split_whitespace().map(quoted).collect();
    format!(
        "# Written when the image was built. The two links follow kernel upgrades.\n\
         serial --unit=0 --speed=115200\n\
         terminal_input console serial\n\
         terminal_output console serial\n\
         set timeout=1\n\
         menuentry {} {{\n    linux /vmlinuz {}\n    initrd /initrd.img\n}}\n",
        quoted(title),
        words.join(" ")
    )
}

fn core_image(scratch: &Path) -> Result<Vec<u8>, Error> {
    let path = scratch.join("core.img");
    // The empty disk in front of `gpt3` stands for the disk that was booted from.
    Program::new("grub-mkimage", "grub-common")
        .args(["-d", MODULES, "-O", "i386-pc", "-p", "(,gpt3)/boot/grub", "-o"])
        .arg(&path)
        .args(EMBEDDED)
        .quiet()?;
    let mut core = fs::read(&path).map_err(Error::read(&path))?;
    core.resize(core.len().next_multiple_of(SECTOR as usize), 0);
    Ok(core)
}

fn patch_block_list(core: &mut [u8], first: u64) {
    let rest = u16::try_from(core.len() / SECTOR as usize - 1).unwrap_or(u16::MAX);
    let list = &mut core[SECTOR as usize - 12..SECTOR as usize];
    list[0..8].copy_from_slice(&(first + 1).to_le_bytes());
    list[8..10].copy_from_slice(&rest.to_le_bytes());
    list[10..12].copy_from_slice(&LOAD_SEGMENT.to_le_bytes());
}

fn boot_code(boot: &[u8], first: u64) -> Option<[u8; 440]> {
    let mut code: [u8; 440] = boot.get(..440)?.try_into().ok()?;
    code[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&first.to_le_bytes());
    code[DRIVE_CHECK..DRIVE_CHECK + 2].fill(NO_OPERATION);
    Some(code)
}

/// Quotes a word for GRUB's language, where it needs that.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=,._:/@%+-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_list_says_where_the_rest_of_the_core_image_is() {
        let mut core = vec![0; 3 * 512];
        patch_block_list(&mut core, 2048);
        assert_eq!(core[500..508], 2049u64.to_le_bytes());
        assert_eq!(core[508..512], [2, 0, 0x20, 0x08]);
    }

    #[test]
    fn the_boot_code_points_at_the_core_image() {
        let code = boot_code(&[0xaa; 512], 2048).unwrap();
        assert_eq!(code[0x5c..0x64], 2048u64.to_le_bytes());
        assert_eq!(code[0x64..0x69], [0xaa, 0xaa, 0x90, 0x90, 0xaa]);
        assert_eq!(boot_code(&[0; 100], 2048), None);
    }

    #[test]
    fn what_grub_would_read_as_its_own_language_is_quoted() {
        let menu = menu("Debian 12", "root=UUID=1-2 quiet a=$b;c it's");
        assert!(menu.contains("menuentry 'Debian 12' {"), "{menu}");
        assert!(
            menu.contains("linux /vmlinuz root=UUID=1-2 quiet 'a=$b;c' 'it'\\''s'\n"),
            "{menu}"
        );
    }
}
