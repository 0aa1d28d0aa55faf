//! Disks that are damaged, or made to do harm: each is refused in words, in time, and leaves nothing.

use crate::disks::{Root, converted, partitioned, run, sparse};
use crate::place::{Place, request};
use factoryd::factory::ImportBaseImageRequest;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::Command;

const DEBIAN: &str = "ID=debian\nVERSION_ID=12\n";

#[track_caller]
fn overwrite(file: &Path, at: u64, bytes: &[u8]) {
    std::fs::File::options().write(true).open(file).unwrap().write_all_at(bytes, at).unwrap();
}

/// Asserts that a disk is refused with these words, whatever is said of it.
async fn refused(place: &Place, disk: &Path, words: &str) {
    let told = ImportBaseImageRequest {
        os: Some("Debian".into()),
        version: Some("12".into()),
        arch: Some("x86_64".into()),
        ..request(disk)
    };
    for request in [request(disk), told] {
        let error = place.import_as(request).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    place.assert_empty().await;
}

#[tokio::test]
async fn a_disk_that_refers_to_another_file_is_refused_before_a_tool_reads_it() {
    let place = Place::new().await;
    let (secret, disk) = (place.path("secret"), place.path("disk"));
    sparse(&secret, 1 << 20);
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(&secret).arg(&disk);
    run(&mut create);
    refused(&place, &disk, "refers to another file (a backing file)").await;
    let mut create = Command::new("qemu-img");
    let option = format!("data_file={}", secret.display());
    run(create.args(["create", "-q", "-f", "qcow2", "-o", &option]).arg(&disk).arg("1M"));
    refused(&place, &disk, "refers to another file (an external data file)").await;
    let mut create = Command::new("qemu-img");
    run(create
        .args(["create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat"])
        .arg(&disk)
        .arg("1M"));
    refused(&place, &disk, "refers to another file (a VMDK descriptor)").await;
    converted(&secret, "vmdk", &disk);
    overwrite(&disk, 1024, b"\nparentFileNameHint=\"/etc/passwd\"\n");
    refused(&place, &disk, "refers to another file (a parent disk)").await;
    converted(&secret, "vmdk", &disk);
    overwrite(&disk, 12, &[0; 8]);
    refused(&place, &disk, "refers to another file (extents in other files)").await;
}

#[tokio::test]
async fn what_is_no_disk_is_said_to_be_none() {
    let place = Place::new().await;
    let disk = place.path("disk");
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"\x1f\x8b\x08rest", "it is packed (gzip); unpack it first"),
        (b"QFI\xfb\0\0\0\x03", "its qcow2 header is cut off"),
        (b"QFI\xfb\0\0\0\x09aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "of a version that is not known"),
    ] {
        std::fs::write(&disk, bytes).unwrap();
        refused(&place, &disk, words).await;
    }
    sparse(&disk, 5 << 40);
    refused(&place, &disk, "bytes, and 4398046511104 are the most").await;
    std::fs::remove_file(&disk).unwrap();
    refused(&place, &disk, "can't read").await;
    refused(&place, Path::new("/dev/null"), "it is not a regular file").await;
    refused(&place, place.directory.path(), "it is not a regular file").await;
}

#[tokio::test]
async fn a_qcow2_whose_tables_are_cut_off_is_an_error_of_the_tool() {
    let place = Place::new().await;
    let (raw, disk) = (place.path("raw"), place.path("disk"));
    Root::new(place.path("root"), DEBIAN).ext4(&raw);
    converted(&raw, "qcow2", &disk);
    std::fs::File::options().write(true).open(&disk).unwrap().set_len(300_000).unwrap();
    let error = place.import(&disk).await.unwrap_err().to_string();
    assert!(error.starts_with("qemu-img failed: ") || error.starts_with("no operating"), "{error}");
    place.assert_empty().await;
}

#[tokio::test]
async fn damaged_file_systems_end_in_an_answer() {
    let place = Place::new().await;
    let (part, disk) = (place.path("part"), place.path("disk"));
    let root = Root::new(place.path("root"), DEBIAN);
    let makers: [fn(&Root, &Path); 3] = [Root::ext4, Root::xfs, Root::btrfs];
    for make in makers {
        make(&root, &part);
        partitioned(&disk, "gpt", &[&part]);
        let whole = std::fs::metadata(&disk).unwrap().len();
        // Cut off in the middle of the file system; then with noise over its first tables, whatever they are.
        std::fs::File::options().write(true).open(&disk).unwrap().set_len(whole / 8).unwrap();
        _ = place.import(&disk).await;
        partitioned(&disk, "gpt", &[&part]);
        let noise: Vec<u8> =
            (0..8192u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for at in [3 << 20, (2 << 20) + 8192, (2 << 20) + 66_000] {
            overwrite(&disk, at, &noise);
            // Found or not: it ends, and a word of the noise is no name.
            if let Ok(image) = place.import(&disk).await {
                assert!(image.name.starts_with("Debian-12-import-"), "{}", image.name);
            }
        }
    }
}

#[tokio::test]
async fn links_that_lead_round_or_out_of_the_image_lead_nowhere() {
    let place = Place::new().await;
    for (index, target) in
        ["os-release", "/etc/a", "(host)/etc/os-release", "../../../../../../../etc/os-release"]
            .iter()
            .enumerate()
    {
        let top = place.path(&format!("top-{index}"));
        std::fs::create_dir_all(top.join("etc")).unwrap();
        symlink(target, top.join("etc/os-release")).unwrap();
        symlink("/etc/os-release", top.join("etc/a")).unwrap();
        let part = place.path("part");
        Root(top).ext4(&part);
        let error = place.import(&part).await.unwrap_err().to_string();
        assert!(error.contains("no operating system was found"), "{target}: {error}");
    }
    place.assert_empty().await;
}

#[tokio::test]
async fn names_that_are_no_names_are_not_believed() {
    let place = Place::new().await;
    let part = place.path("part");
    for (index, text) in
        ["ID=<x>\nVERSION_ID=1", "ID=\"a\u{1b}[2J\"", &"A".repeat(2 << 20)].iter().enumerate()
    {
        Root::new(place.path(&format!("root-{index}")), text).ext4(&part);
        let error = place.import(&part).await.unwrap_err().to_string();
        assert!(error.contains("no operating system was found"), "{error}");
    }
    place.assert_empty().await;
}

#[tokio::test]
async fn a_huge_directory_does_not_keep_an_import() {
    let place = Place::new().await;
    let part = place.path("part");
    let root = Root::new(place.path("root"), DEBIAN);
    std::fs::create_dir(place.path("root/ostree")).unwrap();
    for number in 0..3_000 {
        std::fs::write(place.path(&format!("root/{number:06}-{}", "x".repeat(80))), "").unwrap();
    }
    let size = 64 << 20;
    sparse(&part, size);
    run(Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-N", "8000", "-d"])
        .arg(&root.0)
        .arg(&part));
    let image = place.import(&part).await.unwrap();
    assert!(image.name.starts_with("Debian-12-"), "{}", image.name);
}

#[tokio::test]
async fn two_systems_in_one_disk_and_programs_for_nothing_known_are_said() {
    let place = Place::new().await;
    let (one, two, disk) = (place.path("one"), place.path("two"), place.path("disk"));
    let root = Root::new(place.path("root-1"), DEBIAN);
    root.ext4(&one);
    Root::new(place.path("root-2"), "ID=fedora\nVERSION_ID=41\n").ext4(&two);
    partitioned(&disk, "gpt", &[&one, &two]);
    let error = place.import(&disk).await.unwrap_err().to_string();
    assert!(error.contains("(Debian 12 on gpt2, Fedora 41 on gpt3)"), "{error}");
    root.write("usr/bin/ls", &crate::disks::elf([243, 0]));
    root.ext4(&one);
    let error = place.import(&one).await.unwrap_err().to_string();
    assert!(error.contains("Debian 12 can't be told (it is RISC-V"), "{error}");
    place.assert_empty().await;
    let told = ImportBaseImageRequest { arch: Some("aarch64".into()), ..request(&one) };
    place.import_as(told).await.unwrap();
}
