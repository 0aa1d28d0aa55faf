//! Beginning images: everything that can be refused is refused before anything is recorded.

use super::sensitive::{self, Sensitive};
use super::{
    BaseImageRequest, Error, Factory, ProviderImageRequest, ProviderSource, TargetImageRequest,
    TargetSource, callbacks,
};
use crate::delegate::{
    self, Account, CloudDelegate, Description, Diagnostic, OsDelegate, Proposal,
};
use crate::domain::{
    Failure, Fault, GivenSecret, Image, ImageId, Kind, Parameters, Secret, Status, Template,
};
use crate::jobs::{Job, ShuttingDown, Work};
use crate::pipeline::{GivenAccount, for_customisation, recorded_template};
use crate::report;
use crate::store::{self, NewCallback, Store};
use crate::tdl;
use std::sync::Arc;
use tracing::warn;

/// What is common to all images that are about to begin.
struct Draft {
    kind: Kind,
    template: Template,
    parent: Option<ImageId>,
    target: Option<String>,
    provider: Option<String>,
    snapshot: bool,
    parameters: Parameters,
    secrets: Sensitive,
    template_has_secrets: bool,
    callbacks: Vec<Secret>,
    work: Work,
}

impl Factory {
    /// Begins a base image.
    ///
    /// # Errors
    /// If the template is not valid, names contents that can't be fetched for certain, no plugin installs its operating
    /// system, or that plugin can't be asked; and if a callback or a secret can't be used.
    pub async fn create_base_image(&self, request: BaseImageRequest) -> Result<Image, Error> {
        self.base_image(request, &[]).await
    }

    /// Begins a base image. What is secret to others who get the same parameters is kept out of its record.
    async fn base_image(
        &self,
        request: BaseImageRequest,
        secret_to_others: &[String],
    ) -> Result<Image, Error> {
        let mut parameters = request.parameters;
        let callbacks = callbacks::take(&mut parameters)?;
        let template = self.parse(&request.template_xml)?;
        self.judge_contents(&template)?;
        let os = self.os(&template)?;
        let own = described(os.describe().await)?.sensitive_parameters;
        let all = [own.as_slice(), secret_to_others].concat();
        let mut secrets = sensitive::take(&mut parameters, &all)?;
        secrets.retain(|(name, _)| own.contains(name));
        let proposal = Proposal {
            method: "CreateBaseImage",
            template: Some(&template),
            parameters: &parameters,
            secrets: &self.values(&secrets, &own)?,
            target: None,
            account: None,
        };
        accepted(os.validate(proposal).await)?;
        let template_has_secrets = tdl::has_secrets(&request.template_xml);
        let draft = Draft::new(Kind::Base, template, Work::Base);
        let draft = Draft { template_has_secrets, ..draft };
        self.begin(Draft { parameters, secrets, callbacks, ..draft }).await
    }

    /// Begins a target image; from a template, its base image too.
    ///
    /// # Errors
    /// If the template is not valid, there is no such base image, no plugin serves the operating system or the target, or
    /// those plugins can't be asked.
    pub async fn create_target_image(&self, request: TargetImageRequest) -> Result<Image, Error> {
        let mut parameters = request.parameters.clone();
        let callbacks = callbacks::take(&mut parameters)?;
        let (cloud, description) = self.cloud(&request.target).await?;
        let own = description.sensitive_parameters;
        let secret_to_os = match &request.source {
            TargetSource::BaseImage(id) => {
                let base = self.parent(id, Kind::Base).await?;
                self.sensitive_to_os(&inherited(&base)?).await?
            }
            TargetSource::Template(xml) => self.sensitive_to_os(&self.parse(xml)?).await?,
        };
        let secrets = sensitive::take(&mut parameters, &[own.as_slice(), &secret_to_os].concat())?;
        let proposal = Proposal {
            method: "DidCreateTargetImage",
            template: None,
            parameters: &parameters,
            secrets: &self.values(&secrets, &own)?,
            target: Some(&request.target),
            account: None,
        };
        accepted(cloud.validate(proposal).await)?;
        let base = match request.source {
            TargetSource::BaseImage(id) => self.parent(&id, Kind::Base).await?,
            TargetSource::Template(template_xml) => {
                let parameters = request.parameters;
                self.base_image(BaseImageRequest { template_xml, parameters }, &own).await?
            }
        };
        let draft = Draft::new(Kind::Target, inherited(&base)?, Work::Target);
        let parent = Some(base.id);
        let target = Some(request.target);
        self.begin(Draft { parent, target, parameters, secrets, callbacks, ..draft }).await
    }

    /// Begins a provider image; from a template, its base and target images too, unless it is a snapshot.
    ///
    /// # Errors
    /// As [`create_target_image`](Self::create_target_image); and if the plugin can't push or make snapshots.
    pub async fn create_provider_image(
        &self,
        request: ProviderImageRequest,
    ) -> Result<Image, Error> {
        let mut parameters = request.parameters.clone();
        let callbacks = callbacks::take(&mut parameters)?;
        let (cloud, description) = self.cloud(&request.target).await?;
        let snapshot = matches!(request.source, ProviderSource::Snapshot(_));
        require(&description, if snapshot { "snapshot" } else { "push" })?;
        let own = description.sensitive_parameters;
        let secret_to_os = match &request.source {
            ProviderSource::Template(xml) => self.sensitive_to_os(&self.parse(xml)?).await?,
            ProviderSource::TargetImage(_) | ProviderSource::Snapshot(_) => Vec::new(),
        };
        let all = [own.as_slice(), &secret_to_os].concat();
        let mut secrets = sensitive::take(&mut parameters, &all)?;
        secrets.retain(|(name, _)| own.contains(name));
        let credentials = sensitive::read(request.credentials.clone(), || "credentials".into())?;
        let account = Account {
            provider: request.provider.clone(),
            credentials: self.credentials(&credentials)?,
        };
        let proposal = Proposal {
            method: if snapshot { "SnapshotImageOnProvider" } else { "PushImageToProvider" },
            template: None,
            parameters: &parameters,
            secrets: &self.values(&secrets, &own)?,
            target: Some(&request.target),
            account: Some(&account),
        };
        accepted(cloud.validate(proposal).await)?;
        let (template, parent) = self.provider_source(&request).await?;
        let given = GivenAccount { provider: request.provider.clone(), credentials };
        let work = if snapshot { Work::Snapshot(given) } else { Work::Push(given) };
        let draft = Draft::new(Kind::Provider, template, work);
        let target = Some(request.target);
        let provider = Some(request.provider);
        let template_has_secrets = match &request.source {
            ProviderSource::Snapshot(xml) => tdl::has_secrets(xml),
            ProviderSource::TargetImage(_) | ProviderSource::Template(_) => false,
        };
        let draft = Draft { parent, target, provider, snapshot, template_has_secrets, ..draft };
        self.begin(Draft { parameters, secrets, callbacks, ..draft }).await
    }

    /// Answers the template of a provider image and the image to push; begins that if need be.
    async fn provider_source(
        &self,
        request: &ProviderImageRequest,
    ) -> Result<(Template, Option<ImageId>), Error> {
        let target = match &request.source {
            ProviderSource::Snapshot(xml) => {
                let template = self.parse(xml)?;
                self.judge_contents(&template)?;
                return Ok((template, None));
            }
            ProviderSource::TargetImage(id) => self.parent(id, Kind::Target).await?,
            ProviderSource::Template(xml) => {
                self.create_target_image(TargetImageRequest {
                    target: request.target.clone(),
                    source: TargetSource::Template(xml.clone()),
                    parameters: request.parameters.clone(),
                })
                .await?
            }
        };
        Ok((inherited(&target)?, Some(target.id)))
    }

    /// Records an image and submits its job.
    async fn begin(&self, draft: Draft) -> Result<Image, Error> {
        let image = draft.image(&self.store);
        let callbacks = self.accept(&draft.callbacks)?;
        self.jobs.take(&image.id, &self.caller)?;
        let inserted = self.store.insert_with(&image, &callbacks).await;
        let inserted = inserted.inspect_err(|_| self.jobs.forget(&image.id));
        inserted.map_err(|error| match error {
            // It was there when it was looked at.
            store::Error::ParentGone { parent: id, status } => {
                Error::Status { id, status, why: "nothing can be made from it" }
            }
            other => other.into(),
        })?;
        let warnings = sensitive::warnings(draft.secrets_by_value());
        // The image is recorded: whatever fails from here on must not keep its job from it.
        if !warnings.is_empty()
            && let Err(error) = self.store.append(&image.id, warnings).await
        {
            warn!(id = %image.id, "a warning can't be recorded: {}", report::chain(&error));
        }
        let job = Job {
            image: self.image(&image.id).await.unwrap_or(image),
            template: draft.template,
            secrets: draft.secrets,
            work: draft.work,
            gone: None,
            taken_up: false,
        };
        let credentials = match &job.work {
            Work::Push(account) | Work::Snapshot(account) => account.credentials.clone(),
            _ => GivenSecret::none(),
        };
        self.reaper.remember(&job.image.id, credentials);
        let begun = job.image.clone();
        self.jobs.submit(job).map_err(|ShuttingDown| Error::ShuttingDown)?;
        Ok(begun)
    }

    /// Judges callbacks, and answers them as they are recorded.
    pub(super) fn accept(&self, callbacks: &[Secret]) -> Result<Vec<NewCallback>, Error> {
        self.callbacks.accept(callbacks).map_err(Error::Callback)
    }

    /// Refuses contents of which it can be told without asking anybody that they won't be had.
    fn judge_contents(&self, template: &Template) -> Result<(), Error> {
        for (path, url) in template.urls() {
            let judged = self.contents.judge(&url);
            judged.map_err(|failure| Error::Plugin(Box::new(failure.path(path))))?;
        }
        Ok(())
    }

    /// Reads a template by this factory's rules.
    fn parse(&self, xml: &str) -> Result<Template, Error> {
        tdl::parse_with(xml, &self.templates).map_err(Error::Template)
    }

    fn os(&self, template: &Template) -> Result<Arc<dyn OsDelegate>, Error> {
        self.delegates.os(&template.os).map_err(Error::NoDelegate)
    }

    pub(super) async fn cloud(
        &self,
        target: &str,
    ) -> Result<(Arc<dyn CloudDelegate>, Description), Error> {
        let cloud = self.delegates.cloud(target).map_err(Error::NoDelegate)?;
        let description = described(cloud.describe().await)?;
        Ok((cloud, description))
    }

    /// Answers an image that another can be made from: of the right kind, and complete or on its way.
    async fn parent(&self, id: &ImageId, expected: Kind) -> Result<Image, Error> {
        let image = self.image(id).await?;
        if image.kind != expected {
            let (actual, expected) = (image.kind.as_str(), expected.as_str());
            return Err(Error::Kind { id: id.clone(), actual, expected });
        }
        if image.status.is_settled() && image.status != Status::Complete {
            let why = "nothing can be made from it";
            return Err(Error::Status { id: id.clone(), status: image.status, why });
        }
        Ok(image)
    }
}

/// Answers the template of an image that is made from another.
fn inherited(parent: &Image) -> Result<Template, Error> {
    recorded_template(parent).map(for_customisation).map_err(Error::Plugin)
}

impl Draft {
    fn new(kind: Kind, template: Template, work: Work) -> Self {
        Self {
            kind,
            template,
            parent: None,
            target: None,
            provider: None,
            snapshot: false,
            parameters: Parameters::default(),
            secrets: Vec::new(),
            template_has_secrets: false,
            callbacks: Vec::new(),
            work,
        }
    }

    /// Answers the secrets that came with the request, by what they are.
    fn secrets_by_value(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let parameters = self.secrets.iter().map(|(name, given)| (name.as_str(), given));
        let credentials = self.credentials().map(|given| ("the credentials", given));
        let given = parameters.chain(credentials).filter_map(|(name, given)| match given {
            GivenSecret::Value(value) => Some((name, value)),
            GivenSecret::Named(_) => None,
        });
        let os = &self.template.os;
        let root_password = os.root_password.iter().map(|secret| ("the root password", secret));
        given.chain(root_password)
    }

    fn credentials(&self) -> Option<&GivenSecret> {
        match &self.work {
            Work::Push(account) | Work::Snapshot(account) | Work::Delete(account) => {
                Some(&account.credentials)
            }
            Work::Base | Work::Target => None,
        }
    }

    fn image(&self, store: &Store) -> Image {
        let id = ImageId::from_uuid(store.fresh_id());
        Image {
            name: self.template.name.clone(),
            template_xml: self.template.xml.clone(),
            parent: self.parent.clone(),
            target: self.target.clone(),
            provider: self.provider.clone(),
            snapshot: self.snapshot,
            parameters: self.parameters.clone(),
            secrets: sensitive::sources(
                self.credentials(),
                &self.secrets,
                self.template_has_secrets,
            ),
            ..Image::asked_for(id, self.kind, store.now())
        }
    }
}

/// Refuses what a plugin finds wrong.
fn accepted(answer: Result<Vec<Diagnostic>, delegate::Error>) -> Result<(), Error> {
    match answer {
        Ok(found) if found.iter().any(|diagnostic| diagnostic.is_error) => {
            Err(Error::Refused(found))
        }
        Ok(_) | Err(delegate::Error::Unimplemented(_)) => Ok(()),
        Err(error) => described(Err(error)),
    }
}

/// Answers a plugin's description, or why it can't be had.
pub(super) fn described<T>(answer: Result<T, delegate::Error>) -> Result<T, Error> {
    answer.map_err(|error| match error {
        delegate::Error::Failed(failure) => Error::Plugin(failure),
        other => {
            let failure = Failure::new(Fault::Plugin, "NO_DESCRIPTION", other.to_string());
            Error::Plugin(Box::new(failure))
        }
    })
}

/// Refuses what a plugin says that it can't do.
fn require(plugin: &Description, capability: &str) -> Result<(), Error> {
    if plugin.capabilities.iter().any(|known| known == capability) {
        return Ok(());
    }
    let message = format!("plugin {} can't {capability}", plugin.name);
    let failure = Failure::new(Fault::User, "UNSUPPORTED", message);
    Err(Error::Plugin(Box::new(failure.hint("see `factory plugins` for what each plugin can do"))))
}
