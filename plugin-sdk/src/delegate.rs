//! The two traits: what a plugin author writes.

use crate::{
    CloudContent, CloudIdentifiers, Description, Diagnostic, Failure, InputImage, Operation,
    Parameters, Secret, Template,
};
use async_trait::async_trait;

/// A plugin that installs operating systems.
///
/// Every method but [`describe`](Self::describe) and [`validate`](Self::validate) is an operation: it reports through
/// its [`Operation`], may take hours, and should end soon once [`Operation::cancellation`] fires (every `.await` on an
/// `Operation` or a [`Tool`](crate::tool::Tool) then returns [`Failure::cancelled`], so `?` is enough).
#[async_trait]
pub trait OsPlugin: Send + Sync + 'static {
    /// Says what the plugin is. No side effects, no waiting.
    fn describe(&self) -> Description;

    /// Finds every problem with a request. Finds none by default.
    async fn validate(&self, _request: ValidateRequest) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Installs an operating system and announces its files.
    async fn create_base_image(
        &self,
        request: BaseRequest,
        operation: &Operation,
    ) -> Result<(), Failure>;

    /// Applies cloud content to a base image and announces what changed. Not supported by default.
    async fn create_target_image(
        &self,
        _request: TargetImageRequest,
        _operation: &Operation,
    ) -> Result<(), Failure> {
        Err(Failure::unimplemented("CreateTargetImage"))
    }

    /// Settles something that another operation left over. Called if the capability `reconcile` is declared.
    async fn reconcile(
        &self,
        _left_over: &LeftOver,
        _account: &Account,
        _operation: &Operation,
    ) -> Result<Settled, Failure> {
        Err(Failure::unimplemented("Reconcile"))
    }
}

/// A plugin for a cloud or hypervisor. Methods are operations, as with [`OsPlugin`].
#[async_trait]
pub trait CloudPlugin: Send + Sync + 'static {
    /// Says what the plugin is. No side effects, no waiting.
    fn describe(&self) -> Description;

    /// Finds every problem with a request. Finds none by default.
    async fn validate(&self, _request: ValidateRequest) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Says whether the OS plugin and the rest of the sequence are needed. Yes by default.
    async fn should_create_target_image(
        &self,
        _request: TargetRequest,
        _operation: &Operation,
    ) -> Result<bool, Failure> {
        Ok(true)
    }

    /// Says what the cloud needs inside the image. Nothing by default.
    async fn will_create_target_image(
        &self,
        _request: TargetRequest,
        _operation: &Operation,
    ) -> Result<CloudContent, Failure> {
        Ok(CloudContent::default())
    }

    /// Makes the target's files from the customised image. Leaves the image as it is by default.
    async fn did_create_target_image(
        &self,
        _request: TargetRequest,
        _operation: &Operation,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// Puts a target image into an account. Not supported by default.
    async fn push_image_to_provider(
        &self,
        _request: PushRequest,
        _operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        Err(Failure::unimplemented("PushImageToProvider"))
    }

    /// Builds an image inside an account from a running instance. Not supported by default.
    async fn snapshot_image_on_provider(
        &self,
        _request: SnapshotRequest,
        _operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        Err(Failure::unimplemented("SnapshotImageOnProvider"))
    }

    /// Deletes an image from an account. Not supported by default.
    async fn delete_from_provider(
        &self,
        _request: DeleteRequest,
        _operation: &Operation,
    ) -> Result<(), Failure> {
        Err(Failure::unimplemented("DeleteFromProvider"))
    }

    /// Settles something that another operation left over: a crash, or a deletion that failed. Called if the capability
    /// `reconcile` is declared, for one thing after the other, newest first, and again later for those that fail.
    ///
    /// What is gone already, or never was, is no failure. What can't be told from others' things must not be touched: that
    /// is one.
    async fn reconcile(
        &self,
        _left_over: &LeftOver,
        _account: &Account,
        _operation: &Operation,
    ) -> Result<Settled, Failure> {
        Err(Failure::unimplemented("Reconcile"))
    }
}

/// An account of a provider, in which something was left over.
#[derive(Debug, Clone)]
pub struct Account {
    /// The cloud target; empty for an OS plugin that was asked for none.
    pub target: String,
    /// The provider: a name or a definition; empty if there is none.
    pub provider: String,
    /// The credentials; empty if none were given.
    pub credentials: Secret,
}

/// Something that may exist outside this machine, and that nobody works with any more.
#[derive(Debug, Clone)]
pub struct LeftOver {
    /// What it was tagged with ([`token`](crate::token)).
    pub token: String,
    /// The operation that announced it.
    pub operation_id: String,
    /// Its name in that operation.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// How to find it again, as it was announced.
    pub locator: serde_json::Value,
    /// The provider's identifier, if that much is known.
    pub id: Option<String>,
    /// Whether it is to stay if it exists ([`Settled::Adopted`]); else it is to be deleted.
    pub adopt: bool,
}

/// What became of something that was left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It existed and is gone now.
    Deleted,
    /// It never existed, or was gone before.
    NotThere,
    /// It exists under this identifier, and stays.
    Adopted(String),
}

/// A request to be judged; what is `None` is not judged.
#[derive(Debug, Clone)]
pub struct ValidateRequest {
    /// The method that would be called, such as `CreateBaseImage`.
    pub method: String,
    /// The template.
    pub template: Option<Template>,
    /// The parameters.
    pub parameters: Parameters,
    /// The cloud target.
    pub target: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The credentials.
    pub credentials: Option<Secret>,
}

/// Asks an OS plugin for a base image.
#[derive(Debug, Clone)]
pub struct BaseRequest {
    /// What to install. `os` and `os.install` are always there.
    pub template: Template,
}

/// Asks an OS plugin for a target image.
#[derive(Debug, Clone)]
pub struct TargetImageRequest {
    /// The cloud target; empty if there is none.
    pub target: String,
    /// The base image.
    pub base_image: InputImage,
    /// The template.
    pub template: Template,
    /// What the cloud plugin wants in the image.
    pub cloud_content: CloudContent,
}

/// Tells a cloud plugin about a target image: before (the base image) or after (the target image).
#[derive(Debug, Clone)]
pub struct TargetRequest {
    /// The cloud target.
    pub target: String,
    /// The image.
    pub image: InputImage,
    /// The template.
    pub template: Template,
}

/// Asks a cloud plugin to put an image into an account.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// The cloud target.
    pub target: String,
    /// The provider: a name or a definition.
    pub provider: String,
    /// The credentials; empty if none were given.
    pub credentials: Secret,
    /// The target image.
    pub image: InputImage,
}

/// Asks a cloud plugin to build an image inside an account.
#[derive(Debug, Clone)]
pub struct SnapshotRequest {
    /// The cloud target.
    pub target: String,
    /// The provider: a name or a definition.
    pub provider: String,
    /// The credentials; empty if none were given.
    pub credentials: Secret,
    /// What to install.
    pub template: Template,
}

/// Asks a cloud plugin to delete an image from an account.
#[derive(Debug, Clone)]
pub struct DeleteRequest {
    /// The cloud target.
    pub target: String,
    /// The provider: a name or a definition.
    pub provider: String,
    /// The credentials; empty if none were given.
    pub credentials: Secret,
    /// What the provider calls the image.
    pub identifiers: CloudIdentifiers,
    /// The provider image: properties and parameters.
    pub image: InputImage,
}
