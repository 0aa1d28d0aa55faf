//! Headers, as programs write them and as they are made to do harm.

use super::*;

fn qcow2(version: u32, backing: u64, crypt: u32, incompatible: u64) -> Vec<u8> {
    let mut head = vec![0; 104];
    head[..4].copy_from_slice(b"QFI\xfb");
    head[4..8].copy_from_slice(&version.to_be_bytes());
    head[8..16].copy_from_slice(&backing.to_be_bytes());
    head[24..32].copy_from_slice(&(1u64 << 30).to_be_bytes());
    head[32..36].copy_from_slice(&crypt.to_be_bytes());
    head[72..80].copy_from_slice(&incompatible.to_be_bytes());
    head
}

fn recognise(head: &[u8]) -> Result<Disk, Problem> {
    super::recognise(head, &[], head.len() as u64)
}

#[test]
fn a_whole_qcow2_is_taken_and_one_that_refers_elsewhere_is_not() {
    let disk = Disk { format: DiskFormat::Qcow2, virtual_size: 1 << 30 };
    assert_eq!(recognise(&qcow2(3, 0, 0, 0)), Ok(disk));
    assert_eq!(recognise(&qcow2(2, 0, 0, 4)), Ok(disk), "version 2 has no such field");
    assert_eq!(recognise(&qcow2(3, 104, 0, 0)), Err(Problem::Refers("a backing file")));
    assert_eq!(recognise(&qcow2(3, 0, 0, 4)), Err(Problem::Refers("an external data file")));
    for bad in [qcow2(1, 0, 0, 0), qcow2(3, 0, 2, 0), qcow2(3, 0, 0, 0)[..60].to_vec()] {
        assert!(matches!(recognise(&bad), Err(Problem::Unusable(_))), "{bad:?}");
    }
}

#[test]
fn a_vmdk_is_taken_only_if_all_of_it_is_in_the_file() {
    let mut head = vec![0; 2048];
    head[..4].copy_from_slice(b"KDMV");
    assert_eq!(recognise(&head), Err(Problem::Refers("extents in other files")));
    head[12] = 8;
    assert_eq!(recognise(&head).map(|disk| disk.format), Ok(DiskFormat::Vmdk));
    head[600..618].copy_from_slice(b"parentfilenamehint");
    assert_eq!(recognise(&head), Err(Problem::Refers("a parent disk")));
    let descriptor = recognise(b"# Disk DescriptorFile\nversion=1");
    assert_eq!(descriptor, Err(Problem::Refers("a VMDK descriptor")));
}

#[test]
fn other_formats_have_their_marks() {
    let mut vdi = vec![0; 512];
    vdi[64..68].copy_from_slice(&[0x7f, 0x10, 0xda, 0xbe]);
    assert_eq!(recognise(&vdi).map(|disk| disk.format), Ok(DiskFormat::Vdi));
    assert_eq!(recognise(b"vhdxfile....").map(|disk| disk.format), Ok(DiskFormat::Vhdx));
    let mut footer = b"conectix".to_vec();
    footer.resize(512, 0);
    footer[63] = 2;
    let fixed = super::recognise(&[0; 512], &footer, 1024);
    assert_eq!(fixed.map(|disk| disk.format), Ok(DiskFormat::Vhd));
    footer[63] = 4;
    assert_eq!(recognise(&footer), Err(Problem::Refers("a parent disk")));
    let raw = Disk { format: DiskFormat::Raw, virtual_size: 512 };
    assert_eq!(recognise(&[0; 512]), Ok(raw));
}

#[test]
fn what_is_packed_is_no_disk_and_nor_is_nothing() {
    for head in [&b"\x1f\x8b\x08"[..], b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"] {
        assert!(packed(head).is_some(), "{head:?}");
    }
    assert_eq!(packed(&[0; 512]), None);
    assert_eq!(recognise(b""), Err(Problem::Unusable("it is empty".to_owned())));
}
