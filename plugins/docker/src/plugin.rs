//! The plugin: what it is, and which part does what is asked.

use crate::layout::Layout;
use crate::problem::{chain, error};
use crate::reference::ImageName;
use crate::registry::{Account, Destination, Session, account, destination};
use crate::settings::Settings;
use crate::{schema, target};
use factory_plugin_sdk::proto::{Needs, Tool as NeededTool, needs::Network};
use factory_plugin_sdk::{
    CloudIdentifiers, CloudPlugin, DeleteRequest, Description, Diagnostic, Failure, Fault,
    InputImage, Operation, PushRequest, TargetRequest, ValidateRequest, async_trait,
};
use std::path::Path;

/// Makes container images, and puts them into registries.
#[derive(Debug, Clone, Copy, Default)]
pub struct Docker;

#[async_trait]
impl CloudPlugin for Docker {
    fn describe(&self) -> Description {
        Description::from_info("docker", include_str!("../docker.info"))
            .version(env!("CARGO_PKG_VERSION"))
            .capability("validate")
            .capability("push")
            .capability("delete")
            .formats(&["tar"], &["oci-archive", "tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2"])
            .parameters_schema(schema::parameters())
            .provider_schema(schema::provider())
            .credentials_schema(schema::credentials())
            .needs(needs())
    }

    async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        let (_, mut found) = Settings::read(&request.parameters, request.template.as_ref());
        if let Some(Err(cause)) = request.provider.as_deref().map(Destination::parse) {
            found.push(error("provider", chain(&cause), destination::HINT));
        }
        if let Some(Err(cause)) = request.credentials.map(|secret| Account::parse(&secret.value)) {
            found.push(error("credentials", cause.to_string(), account::HINT));
        }
        found
    }

    async fn did_create_target_image(
        &self,
        request: TargetRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        target::create(&request, operation).await
    }

    async fn push_image_to_provider(
        &self,
        request: PushRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        let destination = parse_destination(&request.provider)?;
        let account = parse_account(&request.credentials.value)?;
        let layout = open_archive(&request.image).await?;
        let reference = destination.reference(&own_name(&request.image));
        let provider_account_identifier = account.name().to_owned();
        let session = Session::prepare(destination, account).await?;
        cancellable(session.log_in(&reference), operation).await?;
        let identifier_on_provider = session.push(&reference, &layout, operation).await?;
        operation.property("docker_reference", reference.to_string()).await?;
        Ok(CloudIdentifiers { identifier_on_provider, provider_account_identifier })
    }

    async fn delete_from_provider(
        &self,
        request: DeleteRequest,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let account = parse_account(&request.credentials.value)?;
        let reference = destination::parse_identifier(&request.identifiers.identifier_on_provider)
            .map_err(|error| Failure::new(Fault::User, "INVALID_IDENTIFIER", chain(&error)))?;
        let mut destination = parse_destination(&request.provider)?;
        // The image is where it was put, whatever the provider is called now.
        destination.registry = reference.registry().to_owned();
        let session = Session::prepare(destination, account).await?;
        let digest = reference.digest().unwrap_or_default();
        cancellable(session.delete(&reference, digest), operation).await
    }
}

fn needs() -> Needs {
    let tool = |program: &str, package: &str| NeededTool {
        program: program.to_owned(),
        debian_package: package.to_owned(),
        optional: true,
    };
    Needs {
        network: Network::Any.into(),
        credentials: true,
        tools: vec![tool("xz", "xz-utils"), tool("bzip2", "bzip2")],
        ..Needs::default()
    }
}

/// Waits for something that has nothing to clean up when it is cut short.
async fn cancellable<T>(
    work: impl Future<Output = Result<T, Failure>>,
    operation: &Operation,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = operation.cancellation().cancelled() => Err(Failure::cancelled()),
    }
}

fn parse_destination(provider: &str) -> Result<Destination, Failure> {
    Destination::parse(provider).map_err(|cause| {
        Failure::new(Fault::User, "INVALID_PROVIDER", chain(&cause))
            .path("provider")
            .hint(destination::HINT)
    })
}

fn parse_account(credentials: &str) -> Result<Account, Failure> {
    Account::parse(credentials).map_err(|cause| {
        Failure::new(Fault::Auth, "INVALID_CREDENTIALS", cause.to_string())
            .path("credentials")
            .hint(account::HINT)
    })
}

async fn open_archive(image: &InputImage) -> Result<Layout, Failure> {
    let found = image.artifacts.iter().find(|artifact| artifact.format == "oci-archive");
    let artifact = found.ok_or_else(|| {
        Failure::new(
            Fault::User,
            "ARCHIVE_MISSING",
            "the target image has no image archive to push",
        )
        .hint("build it for target docker, without create_docker_metadata=false")
    })?;
    let path = artifact.path.clone();
    let opened = tokio::task::spawn_blocking(move || Layout::open(Path::new(&path))).await;
    let opened = opened.map_err(|error| {
        Failure::new(Fault::Plugin, "PANIC", "reading the archive stopped")
            .detail(error.to_string())
    })?;
    opened.map_err(|error| {
        Failure::new(Fault::Host, "ARCHIVE_INVALID", chain(&error))
            .hint("the target image is damaged: build it again")
    })
}

/// Answers the name that the target image was given, or one made of its template's name.
fn own_name(image: &InputImage) -> ImageName {
    let properties: serde_json::Value =
        serde_json::from_str(&image.properties_json).unwrap_or_default();
    let stored = properties["docker_reference"].as_str().and_then(|name| name.rsplit_once(':'));
    match stored {
        Some((repository, tag)) => ImageName { repository: repository.into(), tag: tag.into() },
        None => {
            let name = image.template.as_ref().map_or("", |template| &template.name);
            let repository = crate::reference::repository_from(name);
            ImageName { repository, tag: "latest".to_owned() }
        }
    }
}
