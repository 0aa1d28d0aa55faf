//! What a test asks of a plugin.

use factory_proto::plugin_v1::{
    Artifact, CloudContent, CloudIdentifiers, CreateBaseImageRequest, CreateTargetImageRequest,
    DeleteFromProviderRequest, DidCreateTargetImageRequest, ImageContext, InputImage, Install,
    OpenIntent, OperatingSystem, OperationHeader, ProviderAccount, PushImageToProviderRequest,
    ReconcileRequest, Secret, ShouldCreateTargetImageRequest, SnapshotImageOnProviderRequest,
    Template, WillCreateTargetImageRequest, install::Source,
};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers the images of a test run, so that no two share an id.
static IMAGES: AtomicU64 = AtomicU64::new(1);

/// A call that starts an operation, with its parameters.
#[derive(Debug, Clone)]
pub struct Request {
    call: Call,
    header: OperationHeader,
    parameters: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub(super) enum Call {
    BaseImage(Box<CreateBaseImageRequest>),
    TargetImage(Box<CreateTargetImageRequest>),
    Should(Box<ShouldCreateTargetImageRequest>),
    Will(Box<WillCreateTargetImageRequest>),
    Did(Box<DidCreateTargetImageRequest>),
    Push(Box<PushImageToProviderRequest>),
    Snapshot(Box<SnapshotImageOnProviderRequest>),
    Delete(Box<DeleteFromProviderRequest>),
    Reconcile(Box<ReconcileRequest>),
}

impl Request {
    /// `CreateBaseImage`.
    pub fn base_image(template: Template) -> Self {
        let template = Some(template);
        let call = CreateBaseImageRequest { template, ..Default::default() };
        Self::new("base", Call::BaseImage(Box::new(call)))
    }

    /// `CreateTargetImage`.
    pub fn target_image(target: &str, base: InputImage, content: CloudContent) -> Self {
        let call = CreateTargetImageRequest {
            target: target.to_owned(),
            template: base.template.clone(),
            base_image: Some(base),
            cloud_content: Some(content),
            header: None,
        };
        Self::new("target", Call::TargetImage(Box::new(call)))
    }

    /// `ShouldCreateTargetImage`.
    pub fn should_create_target_image(target: &str, base: InputImage) -> Self {
        let call = ShouldCreateTargetImageRequest {
            target: target.to_owned(),
            template: base.template.clone(),
            base_image: Some(base),
            header: None,
        };
        Self::new("target", Call::Should(Box::new(call)))
    }

    /// `WillCreateTargetImage`.
    pub fn will_create_target_image(target: &str, base: InputImage) -> Self {
        let call = WillCreateTargetImageRequest {
            target: target.to_owned(),
            template: base.template.clone(),
            base_image: Some(base),
            header: None,
        };
        Self::new("target", Call::Will(Box::new(call)))
    }

    /// `DidCreateTargetImage`.
    pub fn did_create_target_image(target: &str, image: InputImage) -> Self {
        let call = DidCreateTargetImageRequest {
            target: target.to_owned(),
            template: image.template.clone(),
            target_image: Some(image),
            header: None,
        };
        Self::new("target", Call::Did(Box::new(call)))
    }

    /// `PushImageToProvider`.
    pub fn push(target: &str, provider: &str, credentials: &str, image: InputImage) -> Self {
        let call = PushImageToProviderRequest {
            target: target.to_owned(),
            account: Some(account(provider, credentials)),
            target_image: Some(image),
            header: None,
        };
        Self::new("provider", Call::Push(Box::new(call)))
    }

    /// `SnapshotImageOnProvider`.
    pub fn snapshot(target: &str, provider: &str, credentials: &str, template: Template) -> Self {
        let call = SnapshotImageOnProviderRequest {
            target: target.to_owned(),
            account: Some(account(provider, credentials)),
            template: Some(template),
            header: None,
        };
        Self::new("provider", Call::Snapshot(Box::new(call)))
    }

    /// `DeleteFromProvider`.
    pub fn delete(
        target: &str,
        provider: &str,
        credentials: &str,
        identifiers: CloudIdentifiers,
        image: InputImage,
    ) -> Self {
        let call = DeleteFromProviderRequest {
            target: target.to_owned(),
            account: Some(account(provider, credentials)),
            identifiers: Some(identifiers),
            provider_image: Some(image),
            header: None,
        };
        Self::new("provider", Call::Delete(Box::new(call)))
    }

    /// `Reconcile`: settles what other operations left over, such as [`Ended::open_intents`](super::Ended::open_intents).
    pub fn reconcile(provider: &str, credentials: &str, intents: Vec<OpenIntent>) -> Self {
        let call = ReconcileRequest {
            account: Some(account(provider, credentials)),
            intents,
            ..Default::default()
        };
        Self::new("provider", Call::Reconcile(Box::new(call)))
    }

    fn new(kind: &str, call: Call) -> Self {
        let number = IMAGES.fetch_add(1, Ordering::Relaxed);
        let image =
            ImageContext { id: format!("image-{number}"), kind: kind.to_owned(), attempt: 1 };
        let header = OperationHeader {
            operation_id: format!("operation-{number}"),
            image: Some(image),
            ..Default::default()
        };
        Self { call, header, parameters: Map::new() }
    }

    /// Sets a parameter.
    pub fn parameter(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a sensitive parameter.
    pub fn secret_parameter(mut self, name: &str, value: &str) -> Self {
        let secret = Secret { value: value.to_owned() };
        self.header.secret_parameters.insert(name.to_owned(), secret);
        self
    }

    /// Sets the image's id.
    pub fn image_id(mut self, id: &str) -> Self {
        self.header.image.get_or_insert_default().id = id.to_owned();
        self
    }

    /// Sets the operation's id.
    pub fn operation_id(mut self, id: &str) -> Self {
        self.header.operation_id = id.to_owned();
        self
    }

    /// Sets the number after which events are wanted.
    pub fn after_seq(mut self, seq: u64) -> Self {
        self.header.after_seq = seq;
        self
    }

    /// Sets which try this is.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.header.image.get_or_insert_default().attempt = attempt;
        self
    }

    pub(super) fn id(&self) -> &str {
        &self.header.operation_id
    }

    pub(super) fn after(&self) -> u64 {
        self.header.after_seq
    }

    /// Sets the directory that the operation works in.
    pub(super) fn work_dir(mut self, directory: &Path) -> Self {
        self.header.work_dir = directory.to_string_lossy().into_owned();
        self.header.parameters_json = Value::Object(self.parameters.clone()).to_string();
        self
    }

    /// Returns the call with its header.
    pub(super) fn into_call(mut self) -> Call {
        let header = match &mut self.call {
            Call::BaseImage(call) => &mut call.header,
            Call::TargetImage(call) => &mut call.header,
            Call::Should(call) => &mut call.header,
            Call::Will(call) => &mut call.header,
            Call::Did(call) => &mut call.header,
            Call::Push(call) => &mut call.header,
            Call::Snapshot(call) => &mut call.header,
            Call::Delete(call) => &mut call.header,
            Call::Reconcile(call) => &mut call.header,
        };
        *header = Some(self.header);
        self.call
    }
}

/// Makes a template with the least that a plugin can rely on; its fields are public, so a test adds the rest.
pub fn template(os: &str, version: &str, arch: &str) -> Template {
    let install = Install { source: Some(Source::Url("apt:host".into())), ..Default::default() };
    Template {
        name: "test".into(),
        os: Some(OperatingSystem {
            name: os.to_owned(),
            version: version.to_owned(),
            arch: arch.to_owned(),
            install: Some(install),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Makes an image that an operation reads, from files given as role, path and format.
///
/// # Panics
/// If a file can't be read.
pub fn input_image(template: Template, files: &[(&str, &Path, &str)]) -> InputImage {
    let number = IMAGES.fetch_add(1, Ordering::Relaxed);
    let artifact = |(role, path, format): &(&str, &Path, &str)| Artifact {
        role: (*role).to_owned(),
        path: path.to_string_lossy().into_owned(),
        format: (*format).to_owned(),
        size: path.metadata().expect("the test has made the file").len(),
        ..Default::default()
    };
    InputImage {
        id: format!("image-{number}"),
        artifacts: files.iter().map(artifact).collect(),
        properties_json: "{}".into(),
        parameters_json: "{}".into(),
        template: Some(template),
        ..Default::default()
    }
}

fn account(provider: &str, credentials: &str) -> ProviderAccount {
    let credentials = Some(Secret { value: credentials.to_owned() });
    ProviderAccount { provider: provider.to_owned(), credentials }
}
