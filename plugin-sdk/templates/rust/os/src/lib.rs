//! Installs @TYPE@. This is what there is to write; the SDK does the rest.

use factory_plugin_sdk::{
    ArtifactFile, BaseRequest, Description, Failure, Fault, Level, Operation, OsPlugin, Progress,
    async_trait,
};
use serde_json::json;

/// The plugin.
pub struct @TYPE@;

#[async_trait]
impl OsPlugin for @TYPE@ {
    fn describe(&self) -> Description {
        let motd = json!({"type": "string", "description": "What the system says at a login."});
        Description::from_info("@NAME@", include_str!("../@NAME@.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .formats(&[], &["raw"])
            .parameters_schema(json!({
                "type": "object", "additionalProperties": false, "properties": {"motd": motd}
            }))
    }

    async fn create_base_image(&self, request: BaseRequest, op: &Operation) -> Result<(), Failure> {
        let name = &request.template.name;
        op.log(Level::Info, "install", format!("installing {name}")).await?;
        op.progress(Progress::phase("install").activity("writing the disk").percent(10.0)).await?;

        // The installation goes here. Run programs by `factory_plugin_sdk::tool::Tool`: they end with the operation.
        let motd = op.parameters().text("motd")?.unwrap_or_else(|| "Welcome".to_owned());
        let disk = op.work_dir().join("disk.raw");
        std::fs::write(&disk, format!("{name}: {motd}\n")).map_err(|error| {
            let message = format!("{} can't be written: {error}", disk.display());
            Failure::new(Fault::Host, "DISK_WRITE", message)
        })?;

        op.property("motd", motd).await?;
        op.artifact(ArtifactFile::new("disk", "disk.raw", "raw")).await
    }
}
