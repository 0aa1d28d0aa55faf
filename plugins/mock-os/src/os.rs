//! Image Factory's MockOS.

use crate::echo;
use crate::scenario::Scenario;
use crate::{parameters_schema, validate};
use factory_plugin_sdk::proto::{InstalledPackage, Needs, PackageList, needs::Network};
use factory_plugin_sdk::{
    ArtifactFile, BaseRequest, Description, Diagnostic, Failure, Fault, Level, Operation, OsPlugin,
    TargetImageRequest, Template, ValidateRequest, async_trait,
};
use serde_json::json;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// What every mock image holds besides the template's packages.
const PACKAGES: [&str; 3] = ["mock-base", "mock-kernel", "mock-shell"];
const BODY: &str = "body";

/// Installs nothing, and says so in the body that it writes.
#[derive(Debug)]
pub struct MockOs;

#[async_trait]
impl OsPlugin for MockOs {
    fn describe(&self) -> Description {
        Description::from_info("mock-os", include_str!("../mock-os.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .capability("validate")
            .capability("target-customization")
            .formats(&["raw"], &["raw"])
            .needs(Needs {
                network: Network::None.into(),
                user_namespaces: called("factory-plugin-mock-mounts"),
                ..Needs::default()
            })
            .parameters_schema(parameters_schema())
    }

    async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        validate(&request)
    }

    async fn create_base_image(
        &self,
        request: BaseRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        tell_contents(&request.template, operation).await?;
        let scenario = Scenario::read(operation, "CreateBaseImage")?;
        scenario.knowing(echo::in_template(&request.template)).play().await?;
        write_body("base_image", operation).await?;
        operation.packages(packages(&request.template)).await
    }

    async fn create_target_image(
        &self,
        request: TargetImageRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let scenario = Scenario::read(operation, "CreateTargetImage")?;
        scenario.knowing(echo::in_template(&request.template)).play().await?;
        let files = request.cloud_content.files.iter().map(|file| &file.name);
        let commands = request.cloud_content.commands.iter().map(|command| &command.name);
        let content = json!({
            "files": files.collect::<Vec<_>>(),
            "commands": commands.collect::<Vec<_>>(),
        });
        operation.log(Level::Info, "mock", format!("applying {content}")).await?;
        operation.property("mock_cloud_content", content).await?;
        write_body("target_image", operation).await?;
        operation.packages(packages(&request.template)).await
    }
}

/// Tells whether this program was started under a name: a copy of it that is called so says that it makes user namespaces.
fn called(name: &str) -> bool {
    let started = std::env::args_os().next().unwrap_or_default();
    Path::new(&started).file_name().is_some_and(|file| file == name)
}

/// Logs the contents of files and commands, as they came.
async fn tell_contents(template: &Template, operation: &Operation) -> Result<(), Failure> {
    let commands = template.precommands.iter().chain(&template.commands);
    let commands = commands.map(|it| ("command", &it.name, &it.content));
    let files = template.files.iter().map(|it| ("file", &it.name, &it.content));
    for (kind, name, content) in files.chain(commands) {
        let line = format!("{kind} {name} has {:?}", String::from_utf8_lossy(content));
        operation.log(Level::Info, "mock", line).await?;
    }
    Ok(())
}

async fn write_body(kind: &str, operation: &Operation) -> Result<(), Failure> {
    let text = format!("MockOS {kind} file for id ({})", operation.image_id());
    let size = operation.parameters().number("mock_size")?.unwrap_or(0).max(text.len() as u64);
    let path = operation.work_dir().join(BODY);
    let write = || -> io::Result<()> {
        let mut file = File::create(&path)?;
        file.write_all(text.as_bytes())?;
        file.set_len(size)
    };
    write().map_err(|error| {
        let message = format!("{} can't be written: {error}", path.display());
        Failure::new(Fault::Host, "BODY_WRITE", message)
    })?;
    operation.artifact(ArtifactFile::new("disk", BODY, "raw").virtual_size(size)).await
}

fn packages(template: &Template) -> PackageList {
    let asked_for = template.packages.iter().map(|package| package.name.as_str());
    let names: Vec<&str> = PACKAGES.into_iter().chain(asked_for).collect();
    let line = |name: &&str| format!("    <package name=\"{}\"/>\n", escaped(name));
    let lines: String = names.iter().map(line).collect();
    let package = |name: &str| InstalledPackage {
        name: name.to_owned(),
        version: "1.0".to_owned(),
        arch: "all".to_owned(),
        ..Default::default()
    };
    PackageList {
        packages: names.iter().map(|name| package(name)).collect(),
        icicle_xml: format!("<icicle>\n  <packages>\n{lines}  </packages>\n</icicle>\n"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
