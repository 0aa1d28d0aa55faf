//! A disk becomes a base image.

use crate::disks::{FS_SIZE, Root, converted, elf, logical_volume, partitioned};
use crate::place::{Place, request};
use factoryd::domain::{EventKind, Image, Kind, Status};
use factoryd::factory::{ImportBaseImageRequest, WatchRequest};
use factoryd::tdl;
use futures_util::TryStreamExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const FEDORA: &str = "ID=fedora\nVERSION_ID=41\n";
const UBUNTU: &str = "ID=ubuntu\nVERSION_ID=\"22.04\"\n";

/// A file system, and who makes one.
type Maker = (&'static str, fn(&Root, &Path));

/// The operating system in the words of the image's template.
fn os(image: &Image) -> String {
    let os = tdl::parse(&image.template_xml).unwrap().os;
    format!("{} {} {}", os.name, os.version, os.arch)
}

#[tokio::test]
async fn a_raw_disk_with_a_gpt_becomes_a_complete_base_image() {
    let place = Place::new().await;
    let root = Root::new(place.path("root"), DEBIAN);
    let (part, disk) = (place.path("part"), place.path("a disk,with: marks.raw"));
    root.ext4(&part);
    partitioned(&disk, "gpt", &[&part]);
    let image = place.import(&disk).await.unwrap();
    assert_eq!((image.kind, image.status, image.percent), (Kind::Base, Status::Complete, 100.0));
    assert_eq!(os(&image), "Debian 12 x86_64");
    assert!(image.name.starts_with("Debian-12-import-20"), "{}", image.name);
    let [body] = image.artifacts.as_slice() else { panic!("{:?}", image.artifacts) };
    assert_eq!((body.role.as_str(), body.format.as_str()), ("disk", "raw"));
    let len = disk.metadata().unwrap().len();
    assert_eq!((body.size, body.virtual_size), (len, len));
    assert_eq!(body.sha256, sha256(&disk));
    assert_eq!(sha256(&body.path), sha256(&disk));
    assert!(body.path.metadata().unwrap().blocks() * 512 < FS_SIZE / 2, "it is not sparse");
    assert_eq!(disk.metadata().unwrap().mode() & 0o222, 0o200, "the disk stays its owner's");
    let events: Vec<_> = place
        .factory
        .watch(WatchRequest { images: vec![image.id.clone()], logs: true, ..Default::default() })
        .try_collect()
        .await
        .unwrap();
    let told = events.iter().any(|event| {
        matches!(&event.kind, EventKind::Log(line) if line.message == "imported a raw disk: Debian 12 for x86_64")
    });
    assert!(told, "{events:?}");
}

#[tokio::test]
async fn every_usual_file_system_is_looked_into() {
    let place = Place::new().await;
    let root = Root::new(place.path("root"), FEDORA);
    let part = place.path("part");
    let makers: [Maker; 3] = [("ext4", Root::ext4), ("xfs", Root::xfs), ("btrfs", Root::btrfs)];
    for (name, make) in makers {
        make(&root, &part);
        assert_eq!(os(&place.import(&part).await.unwrap()), "Fedora 41 x86_64", "bare {name}");
        let disk = place.path("disk.raw");
        partitioned(&disk, "dos", &[&part]);
        assert_eq!(os(&place.import(&disk).await.unwrap()), "Fedora 41 x86_64", "{name} in an MBR");
    }
}

#[tokio::test]
async fn a_qcow2_is_kept_as_it_is_and_other_formats_become_raw() {
    let place = Place::new().await;
    let root = Root::new(place.path("root"), UBUNTU);
    root.write("usr/bin/ls", &elf([183, 0]));
    let (raw, disk) = (place.path("part"), place.path("disk"));
    root.ext4(&raw);
    for (format, kept) in
        [("qcow2", "qcow2"), ("vmdk", "raw"), ("vdi", "raw"), ("vhdx", "raw"), ("vpc", "raw")]
    {
        converted(&raw, format, &disk);
        let image = place.import(&disk).await.unwrap();
        assert_eq!(os(&image), "Ubuntu 22.04 aarch64", "{format}");
        let body = &image.artifacts[0];
        assert_eq!(body.format, kept, "{format}");
        // Virtual PC's format rounds up to whole cylinders.
        assert!((FS_SIZE..FS_SIZE + (1 << 20)).contains(&body.virtual_size), "{format}");
        assert_eq!(sha256(&body.path), body.sha256);
        if kept == "qcow2" {
            assert_eq!(body.sha256, sha256(&disk));
        }
    }
}

#[tokio::test]
async fn a_system_in_a_logical_volume_is_found() {
    let place = Place::new().await;
    let (part, disk) = (place.path("part"), place.path("disk"));
    Root::new(place.path("root"), UBUNTU).ext4(&part);
    logical_volume(&disk, &part);
    assert_eq!(os(&place.import(&disk).await.unwrap()), "Ubuntu 22.04 x86_64");
}

#[tokio::test]
async fn a_system_in_a_subvolume_or_an_ostree_is_found() {
    let place = Place::new().await;
    let part = place.path("part");
    for (index, at) in ["@", "root", "@/.snapshots/1/snapshot", "ostree/deploy/fedora/deploy/abc.0"]
        .iter()
        .enumerate()
    {
        let top = place.path(&format!("top-{index}"));
        Root::new(top.join(at), FEDORA);
        Root(top).ext4(&part);
        assert_eq!(os(&place.import(&part).await.unwrap()), "Fedora 41 x86_64", "{at}");
    }
}

#[tokio::test]
async fn a_partition_that_is_all_usr_names_the_system() {
    let place = Place::new().await;
    let part = place.path("part");
    Root::new(place.path("root"), "ID=flatcar\nVERSION_ID=3975.2.0\n");
    Root(place.path("root/usr")).ext4(&part);
    assert_eq!(os(&place.import(&part).await.unwrap()), "flatcar 3975.2.0 x86_64");
}

#[tokio::test]
async fn what_is_said_of_a_disk_counts_more_than_what_is_in_it() {
    let place = Place::new().await;
    let root = Root::new(place.path("root"), DEBIAN);
    let part = place.path("part");
    root.ext4(&part);
    let told = ImportBaseImageRequest { version: Some("13".into()), ..request(&part) };
    assert_eq!(os(&place.import_as(told).await.unwrap()), "Debian 13 x86_64");
}

#[tokio::test]
async fn a_disk_that_nobody_can_look_into_is_taken_if_all_is_said_of_it() {
    let place = Place::new().await;
    let disk = place.path("windows.raw");
    std::fs::write(&disk, vec![7; 100_000]).unwrap();
    let error = place.import(&disk).await.unwrap_err().to_string();
    assert!(error.contains("there is no file system in it that can be read"), "{error}");
    assert!(error.contains("--os NAME --os-version VERSION --arch ARCH"), "{error}");
    place.assert_empty().await;
    let told = ImportBaseImageRequest {
        os: Some("Windows & more".into()),
        version: Some("2022".into()),
        arch: Some("x86_64".into()),
        ..request(&disk)
    };
    let image = place.import_as(told.clone()).await.unwrap();
    assert_eq!(os(&image), "Windows & more 2022 x86_64");
    let unknown = ImportBaseImageRequest { arch: Some("vax".into()), ..told };
    let error = place.import_as(unknown).await.unwrap_err().to_string();
    assert!(error.contains("ARCH is one of i386, x86_64"), "{error}");
}

fn sha256(file: &Path) -> String {
    let output = std::process::Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}
