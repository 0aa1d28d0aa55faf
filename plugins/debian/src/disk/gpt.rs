//! The partition table: a GUID partition table with its protective MBR, as the UEFI specification (chapter 5) lays them
//! out. Written here rather than by a tool, so that it needs no device and every byte of it is known.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use uuid::Uuid;

/// Bytes in a sector.
pub(crate) const SECTOR: u64 = 512;

/// A partition that holds GRUB's core image on a disk that boots by BIOS.
pub(crate) const BIOS_BOOT: Uuid = Uuid::from_u128(0x21686148_6449_6e6f_744e_656564454649);
/// An EFI system partition.
pub(crate) const EFI_SYSTEM: Uuid = Uuid::from_u128(0xc12a7328_f81f_11d2_ba4b_00a0c93ec93b);
/// The root file system of a Linux for x86-64.
pub(crate) const LINUX_ROOT: Uuid = Uuid::from_u128(0x4f68bce3_e8cd_4db1_96e7_fbcaf984b709);

/// Sectors that an array of 128 entries takes.
const ENTRY_SECTORS: u64 = 32;
const ENTRIES: usize = 128;
const ENTRY_BYTES: usize = 128;
const HEADER_BYTES: usize = 92;

/// A partition.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    /// What it is for.
    pub(crate) kind: Uuid,
    /// Its own id.
    pub(crate) id: Uuid,
    /// Its first sector.
    pub(crate) first: u64,
    /// How many sectors it has.
    pub(crate) sectors: u64,
    /// Its name, at most 36 characters.
    pub(crate) name: &'static str,
}

/// A partition table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// The disk's id.
    pub(crate) id: Uuid,
    /// How many sectors the disk has.
    pub(crate) sectors: u64,
    /// The partitions.
    pub(crate) partitions: Vec<Partition>,
}

impl Table {
    /// Writes the protective MBR, with `boot_code` in it, and both copies of the table.
    ///
    /// # Errors
    /// If the disk can't be written.
    pub(crate) fn write(&self, disk: &File, boot_code: &[u8; 440]) -> io::Result<()> {
        let last = self.sectors - 1;
        let entries = self.entries();
        disk.write_all_at(&self.protective_mbr(boot_code), 0)?;
        disk.write_all_at(&self.header(1, last, 2, &entries), SECTOR)?;
        disk.write_all_at(&entries, 2 * SECTOR)?;
        let backup = last - ENTRY_SECTORS;
        disk.write_all_at(&entries, backup * SECTOR)?;
        disk.write_all_at(&self.header(last, 1, backup, &entries), last * SECTOR)
    }

    /// One partition of type `0xEE` over the whole disk keeps tools that know only the old table away.
    fn protective_mbr(&self, boot_code: &[u8; 440]) -> [u8; 512] {
        let mut sector = [0; 512];
        sector[..440].copy_from_slice(boot_code);
        let sectors = u32::try_from(self.sectors - 1).unwrap_or(u32::MAX);
        let entry = &mut sector[446..462];
        entry[1..4].copy_from_slice(&[0x00, 0x02, 0x00]);
        entry[4] = 0xee;
        entry[5..8].copy_from_slice(&[0xff, 0xff, 0xff]);
        entry[8..12].copy_from_slice(&1u32.to_le_bytes());
        entry[12..16].copy_from_slice(&sectors.to_le_bytes());
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        sector
    }

    fn header(&self, here: u64, other: u64, entries_at: u64, entries: &[u8]) -> [u8; 512] {
        let mut sector = [0; 512];
        sector[0..8].copy_from_slice(b"EFI PART");
        sector[8..12].copy_from_slice(&[0, 0, 1, 0]);
        sector[12..16].copy_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
        let first_usable = 2 + ENTRY_SECTORS;
        let last_usable = self.sectors - 2 - ENTRY_SECTORS;
        for (at, value) in [(24, here), (32, other), (40, first_usable), (48, last_usable)] {
            sector[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        sector[56..72].copy_from_slice(&self.id.to_bytes_le());
        sector[72..80].copy_from_slice(&entries_at.to_le_bytes());
        sector[80..84].copy_from_slice(&(ENTRIES as u32).to_le_bytes());
        sector[84..88].copy_from_slice(&(ENTRY_BYTES as u32).to_le_bytes());
        sector[88..92].copy_from_slice(&crc32fast::hash(entries).to_le_bytes());
        // The checksum covers the header with zeros where it goes itself.
        let checksum = crc32fast::hash(&sector[..HEADER_BYTES]);
        sector[16..20].copy_from_slice(&checksum.to_le_bytes());
        sector
    }

    fn entries(&self) -> Vec<u8> {
        let mut bytes = vec![0; ENTRIES * ENTRY_BYTES];
        for (partition, entry) in self.partitions.iter().zip(bytes.chunks_mut(ENTRY_BYTES)) {
            entry[0..16].copy_from_slice(&partition.kind.to_bytes_le());
            entry[16..32].copy_from_slice(&partition.id.to_bytes_le());
            entry[32..40].copy_from_slice(&partition.first.to_le_bytes());
            let last = partition.first + partition.sectors - 1;
            entry[40..48].copy_from_slice(&last.to_le_bytes());
            for (unit, place) in partition.name.encode_utf16().zip(entry[56..128].chunks_mut(2)) {
                place.copy_from_slice(&unit.to_le_bytes());
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let root = Partition {
            kind: LINUX_ROOT,
            id: Uuid::from_u128(7),
            first: 2048,
            sectors: 4096,
            name: "root",
        };
        Table { id: Uuid::from_u128(9), sectors: 8192, partitions: vec![root] }
    }

    fn read(disk: &File, sector: u64) -> [u8; 512] {
        let mut bytes = [0; 512];
        disk.read_exact_at(&mut bytes, sector * SECTOR).unwrap();
        bytes
    }

    #[test]
    fn both_headers_point_at_each_other_and_their_checksums_hold() {
        let disk = tempfile::tempfile().unwrap();
        disk.set_len(8192 * SECTOR).unwrap();
        table().write(&disk, &[0x90; 440]).unwrap();
        for (here, other) in [(1u64, 8191u64), (8191, 1)] {
            let mut header = read(&disk, here);
            assert_eq!(header[24..32], here.to_le_bytes());
            assert_eq!(header[32..40], other.to_le_bytes());
            let stored = header[16..20].to_vec();
            header[16..20].fill(0);
            assert_eq!(stored, crc32fast::hash(&header[..HEADER_BYTES]).to_le_bytes());
        }
        let mbr = read(&disk, 0);
        assert_eq!((mbr[439], mbr[450], &mbr[510..]), (0x90, 0xee, &[0x55, 0xaa][..]));
    }

    #[test]
    fn an_entry_holds_type_place_and_name() {
        let entries = table().entries();
        assert_eq!(entries[0..4], [0xe3, 0xbc, 0x68, 0x4f]);
        assert_eq!(entries[40..48], 6143u64.to_le_bytes());
        assert_eq!(entries[56..64], *b"r\0o\0o\0t\0");
        assert!(entries[128..].iter().all(|&byte| byte == 0));
    }
}
