//! The plugin: what it says of itself, and how it answers each request.

use crate::blueprint::{self, Blueprint};
use crate::inside::{DISK, Plan, ROOTFS, Report};
use crate::options::Options;
use crate::progress::Meter;
use crate::{host, namespace};
use factory_plugin_sdk::proto::{Needs, diagnostic::Severity, needs::Network};
use factory_plugin_sdk::{
    ArtifactFile, BaseRequest, Description, Diagnostic, Failure, Fault, InputImage, Operation,
    OsPlugin, Progress, TargetImageRequest, Template, ValidateRequest, async_trait,
};
use std::path::PathBuf;

/// Each build keeps one processor busy and may take memory.
const OPERATIONS_MAX: u32 = 4;
/// The property under which a base image keeps its date for its targets.
const EPOCH: &str = "source_date_epoch";

/// The plugin.
#[derive(Debug, Clone)]
pub struct Debian {
    /// The plugin's own executable, which also is what runs inside the namespace.
    pub executable: PathBuf,
}

impl Default for Debian {
    fn default() -> Self {
        Self { executable: std::env::current_exe().unwrap_or_default() }
    }
}

#[async_trait]
impl OsPlugin for Debian {
    fn describe(&self) -> Description {
        let needs = Needs {
            network: Network::Any.into(),
            user_namespaces: true,
            read_paths: ["/etc/apt", "/var/lib/apt", "/etc/subuid", "/etc/subgid"]
                .map(str::to_owned)
                .to_vec(),
            tools: host::tools(),
            ..Default::default()
        };
        Description::from_info("debian", include_str!("../debian.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .capability("validate")
            .capability("target-customization")
            .formats(&["tar"], &["raw", "tar"])
            .parameters_schema(Options::schema())
            .operations_max(OPERATIONS_MAX)
            .needs(needs)
    }

    async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        let Some(template) = &request.template else { return vec![] };
        let wrong = Blueprint::read(template, &request.parameters).err().unwrap_or_default();
        wrong.iter().chain(&host::problems()).filter_map(diagnostic).collect()
    }

    async fn create_base_image(
        &self,
        request: BaseRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let template = &request.template;
        let blueprint = Blueprint::read(template, operation.parameters()).map_err(first)?;
        first_problem()?;
        let apt_options = host::apt_options(operation, blueprint.from_host).await?;
        let plan = Plan { apt_options, ..blueprint.into_plan(template) };
        let report = namespace::carry_out(
            located(plan, operation),
            &self.executable,
            operation,
            Meter::base,
        )
        .await?;
        operation.property(EPOCH, report.epoch).await?;
        announce(report, template, operation).await
    }

    async fn create_target_image(
        &self,
        request: TargetImageRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let content = request.cloud_content;
        let base_template = request.base_image.template.clone().unwrap_or_default();
        let added = blueprint::Additions::read(&request.template, &base_template)?;
        if content.files.is_empty() && content.commands.is_empty() && added.is_empty() {
            return Ok(());
        }
        first_problem()?;
        let base = rootfs_of(&request.base_image)?;
        let epoch = epoch_of(&request.base_image);
        let plan = blueprint::target_plan(&request.template, operation.parameters(), base, epoch)?;
        let plan = Plan {
            apt_options: host::apt_options(operation, true).await?,
            cloud_content: Some(content),
            ..added.into_plan(plan)
        };
        let report = namespace::carry_out(
            located(plan, operation),
            &self.executable,
            operation,
            Meter::target,
        )
        .await?;
        announce(report, &request.template, operation).await
    }
}

/// Adds to a plan where it is carried out, and how that place reaches the network.
fn located(plan: Plan, operation: &Operation) -> Plan {
    Plan {
        work_dir: operation.work_dir().display().to_string(),
        environment: host::proxies(),
        ..plan
    }
}

async fn announce(
    report: Report,
    template: &Template,
    operation: &Operation,
) -> Result<(), Failure> {
    operation
        .progress(Progress::phase("finish").activity("reading the disk").percent(98.0))
        .await?;
    let size = std::fs::metadata(operation.work_dir().join(DISK)).map_or(0, |disk| disk.len());
    operation.artifact(ArtifactFile::new("disk", DISK, "raw").virtual_size(size)).await?;
    let rootfs = ArtifactFile::new("rootfs", ROOTFS, "tar").sha256(&report.rootfs_sha256);
    operation.artifact(rootfs.media_type("application/x-tar")).await?;
    if let Some(packages) = report.packages {
        operation.packages(packages).await?;
    }
    let done = format!("{} is built", template.name);
    operation.progress(Progress::phase("finish").activity(done).percent(100.0)).await
}

fn first(wrong: Vec<Failure>) -> Failure {
    let none =
        || Failure::new(Fault::Plugin, "NO_REASON", "the request is refused without a reason");
    wrong.into_iter().next().unwrap_or_else(none)
}

fn first_problem() -> Result<(), Failure> {
    host::problems().into_iter().next().map_or(Ok(()), Err)
}

fn diagnostic(failure: &Failure) -> Option<Diagnostic> {
    let failure = failure.as_proto()?;
    Some(Diagnostic {
        severity: Severity::Error.into(),
        message: failure.message.clone(),
        path: failure.path.clone(),
        hint: failure.hint.clone(),
    })
}

fn rootfs_of(base: &InputImage) -> Result<String, Failure> {
    let usable = |role: &str, format: &str| role == "rootfs" && format == "tar";
    let found = base.artifacts.iter().find(|artifact| usable(&artifact.role, &artifact.format));
    found.map(|artifact| artifact.path.clone()).ok_or_else(|| {
        let message = "the base image has no root file system as a tar archive";
        Failure::new(Fault::User, "NO_ROOTFS", message)
            .hint("build the base image with this plugin, without changing what it is made of")
    })
}

/// Answers the base image's date; 0, which means that it must be found out, if it does not say.
fn epoch_of(base: &InputImage) -> u64 {
    let properties: serde_json::Value =
        serde_json::from_str(&base.properties_json).unwrap_or_default();
    properties[EPOCH].as_u64().unwrap_or_default()
}
