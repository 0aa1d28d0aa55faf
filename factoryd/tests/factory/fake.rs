//! Delegates that do as they are told, and write down that they were called.

use async_trait::async_trait;
use factoryd::callbacks;
use factoryd::delegate::{
    Account, Announced, CloudDelegate, ContentSource, Delegates, Description, Error, InputImage,
    NoDelegate, Operation, OperationEvent, OsDelegate, Reconciler,
};
use factoryd::domain::{
    CloudContent, CloudIdentifiers, Content, Event, EventKind, Failure, Fault, Image, ImageId,
    OperatingSystem, Parameters, Progress, Secret, Status, Template,
};
use factoryd::factory::{
    BaseImageRequest, DeleteRequest, Factory, ImageFilter, ListRequest, Options, Parts,
    ProviderImageRequest, ProviderSource, Service, TargetImageRequest, TargetSource, WatchRequest,
};
use factoryd::outbound::Policy;
use factoryd::pipeline::TargetContent;
use factoryd::rest;
use factoryd::schema::{Schema, Schemas};
use factoryd::secrets::Secrets;
use factoryd::store::{self, Store};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::sync::Notify;

/// What the fake plugins do. One of them serves as OS and as cloud plugin.
#[derive(Default)]
pub(crate) struct Script {
    /// Calls, in order, as `Method` or `Method(what it was given)`.
    pub(crate) calls: Mutex<Vec<String>>,
    /// `ShouldCreateTargetImage` answers no.
    pub(crate) should_not: bool,
    /// `DidCreateTargetImage` announces a file of its own.
    pub(crate) converts: bool,
    /// `CreateBaseImage` waits until this is notified, or cancelled.
    pub(crate) hold_base: Option<Arc<Notify>>,
    /// The method that waits until it is cancelled.
    pub(crate) hold_in: Option<&'static str>,
    /// Is told when it waits.
    pub(crate) held: Notify,
    /// The method whose plugin crashes, and how often.
    pub(crate) crash_in: Option<(&'static str, Mutex<u32>)>,
    /// `CreateTargetImage` announces a file.
    pub(crate) customises: bool,
    /// `CreateBaseImage` fails.
    pub(crate) fail_base: bool,
    /// `CreateBaseImage` panics.
    pub(crate) panic_base: bool,
    /// Where pushes go, which fail.
    pub(crate) provider: Option<Arc<dyn Provider>>,
    /// `DeleteFromProvider` fails.
    pub(crate) fail_delete: bool,
    /// Who fetches contents; nobody if it is not set.
    pub(crate) contents: Option<Arc<dyn ContentSource>>,
    /// What the configuration adds to target images.
    pub(crate) target_content: Option<TargetContent>,
    /// Where named secrets are.
    pub(crate) secrets: Secrets,
    /// What the OS plugin takes, if it says; and the cloud plugin.
    pub(crate) os_schema: Option<Value>,
    pub(crate) cloud_schemas: Option<[Value; 3]>,
    /// How many builds are under way, and the most there ever were.
    pub(crate) busy: Mutex<(usize, usize)>,
}

/// A provider at which something can be left over.
#[async_trait]
pub(crate) trait Provider: Reconciler {
    /// `PushImageToProvider`.
    async fn push(&self, operation: &Operation) -> Result<(), Error>;
}

pub(crate) struct Fake(pub(crate) Arc<Script>);

impl Fake {
    fn call(&self, call: impl Into<String>) {
        self.0.calls.lock().unwrap().push(call.into());
    }

    /// Waits or crashes, if the script wants that of the operation.
    async fn trouble(&self, operation: &Operation) -> Result<(), Error> {
        let is_in = |method: &str| operation.id.as_str().ends_with(&format!(".{method}"));
        if let Some((method, times)) = &self.0.crash_in
            && is_in(method)
            && let Some(left) = { times.lock().unwrap().checked_sub(1) }
        {
            *times.lock().unwrap() = left;
            let crash = Failure::new(Fault::Plugin, Failure::PLUGIN_CRASHED, "plugin fake crashed");
            return Err(crash.detail("last words").into());
        }
        if self.0.hold_in.is_some_and(is_in) {
            self.0.held.notify_one();
            operation.cancellation.cancelled().await;
            return Err(Error::Cancelled { left_behind: Vec::new() });
        }
        Ok(())
    }
}

fn schema(document: &Value) -> Option<Arc<Schema>> {
    Schema::read(&document.to_string()).unwrap().map(Arc::new)
}

pub(crate) async fn announce(operation: &Operation, what: Vec<Announced>) {
    let numbered = what.into_iter().enumerate();
    let events = numbered.map(|(index, what)| OperationEvent {
        seq: index as u64 + 1,
        time: SystemTime::now(),
        what,
    });
    operation.sink.accept(events.collect()).await.unwrap();
}

pub(crate) fn percent(percent: f64) -> Announced {
    Announced::Progress { percent: Some(percent), progress: Progress::default() }
}

fn file(operation: &Operation, role: &str, content: &str) -> Announced {
    let file = format!("{role}.img");
    std::fs::write(operation.work_dir.join(&file), content).unwrap();
    Announced::Artifact {
        role: role.into(),
        file,
        format: "raw".into(),
        virtual_size: 4096,
        sha256: String::new(),
        media_type: String::new(),
    }
}

#[async_trait]
impl OsDelegate for Fake {
    async fn describe(&self) -> Result<Description, Error> {
        let token = json!({
            "properties": {"token": {"x-factory-sensitive": true}}, "additionalProperties": true,
        });
        let parameters = schema(self.0.os_schema.as_ref().unwrap_or(&token));
        let schemas = Schemas { parameters, ..Schemas::default() };
        Ok(Description { name: "fake-os".into(), schemas, ..Description::default() })
    }

    async fn create_base_image(&self, op: &Operation, template: &Template) -> Result<(), Error> {
        self.call(format!("CreateBaseImage({})", template.name));
        for (_, content) in template.clone().contents_mut() {
            let Content::Bytes(content) = content else { panic!("{content:?} was not fetched") };
            self.call(format!("given {:?}", String::from_utf8_lossy(content)));
        }
        {
            let mut busy = self.0.busy.lock().unwrap();
            busy.0 += 1;
            busy.1 = busy.1.max(busy.0);
        }
        let _busy = Busy(&self.0);
        assert!(!self.0.panic_base, "as told");
        announce(op, vec![percent(10.0), percent(5.0), percent(50.0)]).await;
        self.trouble(op).await?;
        if let Some(hold) = &self.0.hold_base {
            tokio::select! {
                () = hold.notified() => {}
                () = op.cancellation.cancelled() => {
                    return Err(Error::Cancelled { left_behind: Vec::new() });
                }
            }
        }
        if self.0.fail_base {
            let failure = Failure::new(Fault::User, "PACKAGE_NOT_FOUND", "no such package");
            return Err(failure.hint("check the spelling").into());
        }
        announce(op, vec![file(op, "disk", "base disk"), file(op, "rootfs", "base rootfs")]).await;
        Ok(())
    }

    async fn create_target_image(
        &self,
        op: &Operation,
        target: &str,
        _base: &InputImage,
        template: &Template,
        content: &CloudContent,
    ) -> Result<(), Error> {
        for package in &template.packages {
            self.call(format!("add {}", package.name));
        }
        self.call(format!("CreateTargetImage({target}, {} commands)", content.commands.len()));
        self.trouble(op).await?;
        if self.0.customises {
            announce(op, vec![file(op, "disk", "customised disk")]).await;
            return Ok(());
        }
        Err(Error::Unimplemented("CreateTargetImage"))
    }
}

struct Busy<'a>(&'a Script);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.lock().unwrap().0 -= 1;
    }
}

#[async_trait]
impl CloudDelegate for Fake {
    async fn describe(&self) -> Result<Description, Error> {
        let capabilities = vec!["push".to_owned(), "delete".to_owned()];
        let schemas = match &self.0.cloud_schemas {
            None => Schemas::default(),
            Some([parameters, provider, credentials]) => Schemas {
                parameters: schema(parameters),
                provider: schema(provider),
                credentials: schema(credentials),
            },
        };
        let name = "fake-cloud".into();
        Ok(Description { name, capabilities, schemas, ..Description::default() })
    }

    async fn should_create_target_image(
        &self,
        op: &Operation,
        _target: &str,
        _base: &InputImage,
    ) -> Result<bool, Error> {
        self.call("ShouldCreateTargetImage");
        self.trouble(op).await?;
        Ok(!self.0.should_not)
    }

    async fn will_create_target_image(
        &self,
        op: &Operation,
        _target: &str,
        _base: &InputImage,
    ) -> Result<CloudContent, Error> {
        self.call("WillCreateTargetImage");
        self.trouble(op).await?;
        Err(Error::Unimplemented("WillCreateTargetImage"))
    }

    async fn did_create_target_image(
        &self,
        op: &Operation,
        _target: &str,
        image: &InputImage,
    ) -> Result<(), Error> {
        let roles: Vec<&str> = image.artifacts.iter().map(|a| a.role.as_str()).collect();
        self.call(format!("DidCreateTargetImage({})", roles.join("+")));
        self.trouble(op).await?;
        if self.0.converts {
            announce(op, vec![file(op, "archive", "converted")]).await;
        }
        Ok(())
    }

    async fn push_image_to_provider(
        &self,
        op: &Operation,
        _target: &str,
        account: &Account,
        _image: &InputImage,
    ) -> Result<(), Error> {
        if let Some(provider) = &self.0.provider {
            return provider.push(op).await;
        }
        let password = account.credentials.expose();
        self.call(format!("PushImageToProvider({}, {password})", account.provider));
        self.trouble(op).await?;
        let identifiers = CloudIdentifiers {
            identifier_on_provider: "ami-1".into(),
            provider_account_identifier: "me".into(),
        };
        announce(op, vec![Announced::CloudIdentifiers(identifiers)]).await;
        Ok(())
    }

    async fn snapshot_image_on_provider(
        &self,
        _operation: &Operation,
        _target: &str,
        _account: &Account,
        _template: &Template,
    ) -> Result<(), Error> {
        Err(Error::Unimplemented("SnapshotImageOnProvider"))
    }

    async fn delete_from_provider(
        &self,
        op: &Operation,
        _target: &str,
        account: &Account,
        identifiers: &CloudIdentifiers,
        _image: &InputImage,
    ) -> Result<(), Error> {
        let id = &identifiers.identifier_on_provider;
        self.call(format!("deleting with {:?}", account.credentials.expose()));
        self.call(format!("DeleteFromProvider({}, {id})", account.provider));
        self.trouble(op).await?;
        if self.0.fail_delete {
            return Err(Failure::new(Fault::Auth, "DENIED", "not allowed").into());
        }
        Ok(())
    }
}

struct Fakes(Arc<Script>);

impl Delegates for Fakes {
    fn os(&self, os: &OperatingSystem) -> Result<Arc<dyn OsDelegate>, NoDelegate> {
        if os.name == "FakeOS" {
            return Ok(Arc::new(Fake(self.0.clone())));
        }
        Err(NoDelegate::Os { os: os.name.clone(), known: "FakeOS".into() })
    }

    fn cloud(&self, target: &str) -> Result<Arc<dyn CloudDelegate>, NoDelegate> {
        if ["fake", "fake2"].contains(&target) {
            return Ok(Arc::new(Fake(self.0.clone())));
        }
        Err(NoDelegate::Cloud { target: target.into(), known: "fake".into() })
    }

    fn reconciler(&self, plugin: &str) -> Result<Arc<dyn Reconciler>, NoDelegate> {
        assert_eq!(plugin, "fake-cloud");
        match &self.0.provider {
            Some(provider) => Ok(provider.clone()),
            None => Err(NoDelegate::Name(plugin.to_owned())),
        }
    }
}

/// A factory over fakes, with its service running.
pub(crate) struct World {
    pub(crate) factory: Factory,
    pub(crate) script: Arc<Script>,
    pub(crate) root: TempDir,
    pub(crate) store: Store,
    pub(crate) service: Option<Service>,
    pub(crate) callbacks: Option<callbacks::Service>,
}

pub(crate) async fn world(script: Script) -> World {
    let root = TempDir::new().unwrap();
    world_at(script, root, Options { concurrent_builds_max: 2, ..Options::default() }).await
}

pub(crate) async fn world_at(script: Script, root: TempDir, options: Options) -> World {
    let store = Store::open(store::Options { root: root.path().to_owned() }).await.unwrap();
    world_on(store, script, root, options)
}

pub(crate) fn world_on(store: Store, script: Script, root: TempDir, options: Options) -> World {
    let script = Arc::new(script);
    let mut parts = Parts::new(store.clone(), Arc::new(Fakes(script.clone())));
    if let Some(contents) = &script.contents {
        parts.contents = contents.clone();
    }
    parts.target_content.clone_from(&script.target_content);
    parts.secrets = script.secrets.clone();
    let allowed = vec!["127.0.0.1".parse().unwrap()];
    let (callbacks, register) = callbacks::Service::new(
        store.clone(),
        Policy::public(allowed),
        callbacks::Secrets { signing: Some(Secret::new("shared")), ..Default::default() },
        rest::callback_body,
    );
    let (factory, service) = Factory::new(parts, options);
    let factory = factory.with_callbacks(register);
    World { factory, script, root, store, service: Some(service), callbacks: Some(callbacks) }
}

pub(crate) fn template(os: &str) -> String {
    format!(
        "<template><name>t</name><os><name>{os}</name><version>1</version><arch>x86_64</arch>\
         <install type='url'><url>http://example.org/</url></install><rootpw>s3cret</rootpw></os></template>"
    )
}

/// Asks for a provider image.
pub(crate) fn to_region_1(source: ProviderSource, credentials: &str) -> ProviderImageRequest {
    ProviderImageRequest {
        target: "fake".into(),
        provider: "region-1".into(),
        credentials: Secret::new(credentials),
        source,
        parameters: Parameters::default(),
    }
}

impl World {
    pub(crate) async fn base(&self) -> Image {
        self.factory.create_base_image(self.base_request()).await.unwrap()
    }

    pub(crate) fn base_request(&self) -> BaseImageRequest {
        BaseImageRequest {
            template_xml: template("FakeOS"),
            parameters: Parameters::parse(r#"{"token":"hunter2","size":"1"}"#).unwrap(),
        }
    }

    pub(crate) async fn target(&self, base: &ImageId, target: &str) -> Image {
        let request = TargetImageRequest {
            target: target.into(),
            source: TargetSource::BaseImage(base.clone()),
            parameters: Parameters::default(),
        };
        self.factory.create_target_image(request).await.unwrap()
    }

    pub(crate) async fn push(&self, target: &ImageId) -> Image {
        let source = ProviderSource::TargetImage(target.clone());
        self.factory.create_provider_image(to_region_1(source, "hunter2")).await.unwrap()
    }

    pub(crate) fn deletion(&self, id: &ImageId, cascade: bool) -> DeleteRequest {
        DeleteRequest {
            id: id.clone(),
            provider: None,
            credentials: Secret::new(""),
            parameters: Parameters::default(),
            cascade,
            force: false,
        }
    }

    /// Waits until an image is settled, and answers it with all of its events.
    pub(crate) async fn settled(&self, id: &ImageId) -> (Image, Vec<Event>) {
        let request = WatchRequest { images: vec![id.clone()], after: 0, follow: true, logs: true };
        let watch = self.factory.watch(request).try_collect::<Vec<Event>>();
        let events = tokio::time::timeout(Duration::from_secs(20), watch).await.unwrap().unwrap();
        (self.factory.image(id).await.unwrap(), events)
    }

    /// Answers all events of an image so far.
    pub(crate) async fn events(&self, id: &ImageId) -> Vec<Event> {
        let request =
            WatchRequest { images: vec![id.clone()], after: 0, follow: false, logs: true };
        self.factory.watch(request).try_collect().await.unwrap()
    }

    pub(crate) async fn all(&self) -> Vec<Image> {
        let filter = ImageFilter { include_deleted: true, ..ImageFilter::default() };
        let request = ListRequest { filter, ..ListRequest::default() };
        self.factory.images(&request).await.unwrap().items
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.script.calls.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, id: &ImageId, status: Status) {
        let request = WatchRequest { images: vec![id.clone()], after: 0, follow: true, logs: true };
        let watch = self.factory.watch(request);
        let mut watch = std::pin::pin!(watch);
        while let Some(event) = watch.try_next().await.unwrap() {
            if matches!(event.kind, EventKind::Status { to, .. } if to == status) {
                return;
            }
        }
        panic!("image {id} never became {status}");
    }
}

/// The statuses that some events enter.
pub(crate) fn statuses(events: &[Event]) -> Vec<Status> {
    let statuses = events.iter().filter_map(|event| match event.kind {
        EventKind::Status { to, .. } => Some(to),
        _ => None,
    });
    statuses.collect()
}

/// Everything that stands in the files of a store, as text.
pub(crate) fn contents(root: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &contents(&path);
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(&path).unwrap());
        }
    }
    text
}
