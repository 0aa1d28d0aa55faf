//! How a disk is run, as the properties say it.

use crate::disk::Disk;
use crate::tool::run;
use factory_plugin_kvm::Kvm;
use factory_plugin_sdk::harness::{Harness, Request};
use serde_json::{Map, Value};

async fn properties(arch: &str) -> Map<String, Value> {
    let disk = Disk::sparse();
    let mut image = disk.image();
    image.template.as_mut().unwrap().os.as_mut().unwrap().arch = arch.to_owned();
    let request = Request::did_create_target_image("kvm", image)
        .parameter("memory_mib", "768")
        .parameter("cpus", 3);
    let ended = Harness::cloud(Kvm).await.run(request).await;
    ended.expect_completed().properties()
}

#[tokio::test]
async fn libvirt_takes_the_xml() {
    let directory = tempfile::tempdir().unwrap();
    for arch in ["x86_64", "i386", "aarch64"] {
        for (name, value) in properties(arch).await {
            if !name.starts_with("libvirt_xml") {
                continue;
            }
            let xml = value.as_str().unwrap();
            assert!(xml.contains("<source file='{disk}'/>") && xml.contains(">768</memory>"));
            let file = directory.path().join("domain.xml");
            std::fs::write(&file, xml.replace("{disk}", "/srv/disk.qcow2")).unwrap();
            let file = file.display().to_string();
            run("virt-xml-validate", "libvirt-clients libxml2-utils", &[&file, "domain"]);
        }
    }
}

#[tokio::test]
async fn a_pc_runs_with_bios_and_with_uefi() {
    let properties = properties("x86_64").await;
    let bios = properties["run_command"].as_str().unwrap();
    let uefi = properties["run_command_uefi"].as_str().unwrap();
    for command in [bios, uefi] {
        assert!(command.starts_with("qemu-system-x86_64 -machine q35,accel=kvm:tcg "), "{command}");
        assert!(command.contains("-m 768 -smp 3 "), "{command}");
        assert!(command.contains("file={disk},format=qcow2,if=virtio,snapshot=on"), "{command}");
    }
    assert!(!bios.contains("OVMF") && uefi.contains("OVMF_CODE"));
}

#[tokio::test]
async fn an_architecture_that_is_not_known_here_gets_a_disk_and_no_command() {
    let properties = properties("s390x").await;
    assert!(properties.is_empty(), "{properties:?}");
}
