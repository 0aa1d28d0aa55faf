//! The ports: what the pipeline asks of plugins, in the factory's own words.
//!
//! `plugin` implements them over gRPC; tests implement them in ten lines. The methods are Image Factory's delegates. One
//! port is no plugin: [`ContentSource`], which `outbound` implements.

mod content;
mod operation;

pub use content::{ContentSource, NoContents};
pub use operation::{Announced, EventSink, Operation, OperationEvent, OperationId, SinkError};

use crate::domain::{
    Artifact, CloudContent, CloudIdentifiers, Failure, Image, Needs, Notice, OperatingSystem,
    Parameters, Resource, Secret, Template,
};
use crate::schema::Schemas;
use async_trait::async_trait;
use std::sync::Arc;

/// How a delegate's method ended, if not well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It failed. A crash of the plugin's process is a failure too ([`Failure::PLUGIN_CRASHED`]).
    #[error("{0}")]
    Failed(Box<Failure>),
    /// It was cancelled and cleaned up, but for what is named here.
    #[error("cancelled")]
    Cancelled {
        /// What could not be cleaned up.
        left_behind: Vec<String>,
    },
    /// The plugin does not have the method.
    #[error("the plugin does not have {0}")]
    Unimplemented(&'static str),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// What the factory needs to know of a plugin before it calls it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    /// The plugin's name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// What it can do, such as `push`.
    pub capabilities: Vec<String>,
    /// What it takes: parameters, providers, credentials.
    pub schemas: Schemas,
    /// How many operations it runs at once; 0 for any number.
    pub concurrent_operations_max: u32,
    /// What it says that it needs from its machine.
    pub needs: Needs,
}

/// An image that an operation reads.
#[derive(Debug, Clone)]
pub struct InputImage {
    /// The image.
    pub image: Image,
    /// Its files, where they may differ from the image's own: a target image on its way.
    pub artifacts: Vec<Artifact>,
    /// The template it was built from.
    pub template: Template,
}

/// An account of a provider.
#[derive(Debug, Clone)]
pub struct Account {
    /// The provider: a name or a definition.
    pub provider: String,
    /// The credentials; empty if none were given.
    pub credentials: Secret,
}

/// A request to be judged by a plugin before anything is recorded; what is `None` is not judged.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The method that would be called, as the contract names it.
    pub method: &'static str,
    /// The template.
    pub template: Option<&'a Template>,
    /// Parameters without the sensitive ones.
    pub parameters: &'a Parameters,
    /// The sensitive ones.
    pub secrets: &'a [(String, Secret)],
    /// The cloud target.
    pub target: Option<&'a str>,
    /// The account.
    pub account: Option<&'a Account>,
}

/// One problem that a plugin found in a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// True if the request can't work.
    pub is_error: bool,
    /// What is wrong, where, and what to do about it.
    pub notice: Notice,
}

/// Installs operating systems.
#[async_trait]
pub trait OsDelegate: Send + Sync {
    /// Answers what the plugin is; starts it if need be.
    async fn describe(&self) -> Result<Description, Error>;

    /// Judges a request. Finds nothing by default, as a plugin without the capability `validate` does.
    async fn validate(&self, _proposal: Proposal<'_>) -> Result<Vec<Diagnostic>, Error> {
        Ok(Vec::new())
    }

    /// Installs an operating system as the template says.
    async fn create_base_image(
        &self,
        operation: &Operation,
        template: &Template,
    ) -> Result<(), Error>;

    /// Makes a target image from a base image: with the packages and repositories of the template added, and cloud content
    /// applied. That template is the base image's without what is in it already.
    async fn create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        base: &InputImage,
        template: &Template,
        content: &CloudContent,
    ) -> Result<(), Error>;
}

/// Makes images fit for a cloud, and puts them there.
#[async_trait]
pub trait CloudDelegate: Send + Sync {
    /// Answers what the plugin is; starts it if need be.
    async fn describe(&self) -> Result<Description, Error>;

    /// Judges a request. Finds nothing by default, as a plugin without the capability `validate` does.
    async fn validate(&self, _proposal: Proposal<'_>) -> Result<Vec<Diagnostic>, Error> {
        Ok(Vec::new())
    }

    /// Says whether the rest of the sequence is needed.
    async fn should_create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        base: &InputImage,
    ) -> Result<bool, Error>;

    /// Says what the cloud needs inside the image.
    async fn will_create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        base: &InputImage,
    ) -> Result<CloudContent, Error>;

    /// Makes the target's files from the customised image.
    async fn did_create_target_image(
        &self,
        operation: &Operation,
        target: &str,
        image: &InputImage,
    ) -> Result<(), Error>;

    /// Puts a target image into an account.
    async fn push_image_to_provider(
        &self,
        operation: &Operation,
        target: &str,
        account: &Account,
        image: &InputImage,
    ) -> Result<(), Error>;

    /// Builds an image inside an account.
    async fn snapshot_image_on_provider(
        &self,
        operation: &Operation,
        target: &str,
        account: &Account,
        template: &Template,
    ) -> Result<(), Error>;

    /// Deletes an image from an account.
    async fn delete_from_provider(
        &self,
        operation: &Operation,
        target: &str,
        account: &Account,
        identifiers: &CloudIdentifiers,
        image: &InputImage,
    ) -> Result<(), Error>;
}

/// Something that an operation announced outside this machine and did not delete.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenIntent {
    /// What was announced, and how far it got.
    pub resource: Resource,
    /// Whether it is to stay if it exists; else it is to be deleted.
    pub adopt: bool,
}

/// Settles what operations left over outside this machine. Plugins of either kind do.
#[async_trait]
pub trait Reconciler: Send + Sync {
    /// Answers what the plugin is; starts it if need be.
    async fn describe(&self) -> Result<Description, Error>;

    /// Settles what one operation left over, the newest first. What becomes of each goes to the sink of this operation: a
    /// [`Resource`] that is created or deleted, or [`Announced::ResourceRemains`].
    async fn reconcile(
        &self,
        operation: &Operation,
        target: &str,
        account: &Account,
        intents: &[OpenIntent],
    ) -> Result<(), Error>;
}

/// No plugin serves what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDelegate {
    /// No OS plugin for this operating system.
    #[error("no plugin installs {os} (known: {known})")]
    Os {
        /// What was asked for: name, version and arch.
        os: String,
        /// What is served.
        known: String,
    },
    /// No cloud plugin for this target.
    #[error("no plugin makes images for target {target} (known: {known})")]
    Cloud {
        /// What was asked for.
        target: String,
        /// What is served.
        known: String,
    },
    /// No plugin of this name.
    #[error("there is no plugin {0}")]
    Name(String),
}

/// Who serves what.
pub trait Delegates: Send + Sync {
    /// Answers the plugin for an operating system, by Image Factory's rule.
    ///
    /// # Errors
    /// If there is none.
    fn os(&self, os: &OperatingSystem) -> Result<Arc<dyn OsDelegate>, NoDelegate>;

    /// Answers the plugin for a target.
    ///
    /// # Errors
    /// If there is none.
    fn cloud(&self, target: &str) -> Result<Arc<dyn CloudDelegate>, NoDelegate>;

    /// Answers a plugin by its name, to settle what it left over. There is none by default.
    ///
    /// # Errors
    /// If there is none.
    fn reconciler(&self, plugin: &str) -> Result<Arc<dyn Reconciler>, NoDelegate> {
        Err(NoDelegate::Name(plugin.to_owned()))
    }
}
