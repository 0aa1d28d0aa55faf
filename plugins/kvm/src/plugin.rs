//! The plugin: what it is, and which part does what is asked.

use crate::machine::{Firmware, Machine, command_line_for_own, domain_xml_for};
use crate::pool::{self, Pool, user_name};
use crate::problem::{self, error};
use crate::settings::Settings;
use crate::{convert, schema};
use factory_plugin_sdk::proto::{Artifact, Needs, Tool as NeededTool, needs::Network};
use factory_plugin_sdk::{
    ArtifactFile, CloudIdentifiers, CloudPlugin, DeleteRequest, Description, Diagnostic, Failure,
    Fault, InputImage, Operation, PushRequest, TargetRequest, ValidateRequest, async_trait,
};
use std::path::Path;

/// Makes disks for QEMU and libvirt, and puts them into directory pools.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kvm;

#[async_trait]
impl CloudPlugin for Kvm {
    fn describe(&self) -> Description {
        Description::from_info("kvm", include_str!("../kvm.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .capability("validate")
            .capability("push")
            .capability("delete")
            .formats(&["raw", "qcow2"], &["qcow2", "raw"])
            .parameters_schema(schema::parameters())
            .provider_schema(schema::provider())
            .needs(needs())
    }

    async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        let mut found = Settings::read(&request.parameters).err().unwrap_or_default();
        if let Some(Err(cause)) = request.provider.as_deref().map(Pool::parse) {
            found.push(error("provider", cause.to_string(), pool::HINT));
        }
        found
    }

    async fn did_create_target_image(
        &self,
        request: TargetRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let settings =
            Settings::read(operation.parameters()).map_err(|found| problem::failure(&found))?;
        let input = disk(&request.image)?;
        let file = format!("disk.{}", settings.format.as_str());
        let output = operation.work_dir().join(&file);
        let virtual_size = convert::convert(input, &settings, &output, operation).await?;
        let mut artifact =
            ArtifactFile::new("disk", &file, settings.format.as_str()).virtual_size(virtual_size);
        if convert::is_unchanged(input, &settings) && !input.sha256.is_empty() {
            artifact = artifact.sha256(&input.sha256);
        }
        operation.artifact(artifact).await?;
        let arch = request.template.os.as_ref().map_or("x86_64", |os| os.arch.as_str());
        announce_machine(Machine::new(&request.template.name, arch, &settings), operation).await
    }

    async fn push_image_to_provider(
        &self,
        request: PushRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        let pool = parse_pool(&request.provider)?;
        let disk = disk(&request.image)?;
        let path = pool.put(Path::new(&disk.path), &disk.format, operation).await?;
        let path = path.display().to_string();
        announce_own(&request.image, &path, operation).await?;
        Ok(CloudIdentifiers {
            identifier_on_provider: path,
            provider_account_identifier: user_name(),
        })
    }

    async fn delete_from_provider(
        &self,
        request: DeleteRequest,
        _operation: &Operation,
    ) -> Result<(), Failure> {
        let pool = parse_pool(&request.provider)?;
        pool.remove(Path::new(&request.identifiers.identifier_on_provider)).await
    }
}

fn needs() -> Needs {
    let tool = |program: &str, package: &str| NeededTool {
        program: program.to_owned(),
        debian_package: package.to_owned(),
        optional: false,
    };
    Needs {
        network: Network::None.into(),
        // Pools elsewhere are for who runs the factory to allow.
        write_paths: vec!["/var/lib/libvirt/images".to_owned()],
        tools: vec![tool("qemu-img", "qemu-utils"), tool("cp", "coreutils")],
        ..Needs::default()
    }
}

fn disk(image: &InputImage) -> Result<&Artifact, Failure> {
    let found = image.artifacts.iter().find(|artifact| artifact.role == "disk");
    found.ok_or_else(|| {
        let roles: Vec<&str> = image.artifacts.iter().map(|a| a.role.as_str()).collect();
        let message = format!("the image has no disk (it has: {})", roles.join(", "));
        Failure::new(Fault::User, "DISK_MISSING", message)
            .hint("build the base image with an OS plugin that announces a disk, such as debian")
    })
}

fn parse_pool(provider: &str) -> Result<Pool, Failure> {
    Pool::parse(provider).map_err(|cause| {
        Failure::new(Fault::User, "INVALID_PROVIDER", cause.to_string())
            .path("provider")
            .hint(pool::HINT)
    })
}

/// Says how to run the factory's copy of the disk.
async fn announce_machine(machine: Machine, operation: &Operation) -> Result<(), Failure> {
    for (index, firmware) in machine.firmwares().iter().enumerate() {
        let suffix = match firmware {
            Firmware::Uefi if index > 0 => "_uefi",
            _ => "",
        };
        let command = machine.command_line(*firmware);
        operation.property(&format!("run_command{suffix}"), command).await?;
        operation.property(&format!("libvirt_xml{suffix}"), machine.domain_xml(*firmware)).await?;
    }
    Ok(())
}

/// Says how to run the copy in the pool, as the target image's properties say it for the factory's copy.
async fn announce_own(
    image: &InputImage,
    path: &str,
    operation: &Operation,
) -> Result<(), Failure> {
    let properties: serde_json::Value =
        serde_json::from_str(&image.properties_json).unwrap_or_default();
    for suffix in ["", "_uefi"] {
        let (command, xml) = (format!("run_command{suffix}"), format!("libvirt_xml{suffix}"));
        if let Some(text) = properties[&command].as_str() {
            operation.property(&command, command_line_for_own(text, path)).await?;
        }
        if let Some(text) = properties[&xml].as_str() {
            operation.property(&xml, domain_xml_for(text, path)).await?;
        }
    }
    Ok(())
}
