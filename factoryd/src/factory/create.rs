//! Beginning images: everything that can be refused is refused before anything is recorded.

use super::draft::Draft;
use super::judgement::{Accepted, Party, judge_account};
use super::sensitive;
use super::{
    BaseImageRequest, Error, Factory, ProviderImageRequest, ProviderSource, TargetImageRequest,
    TargetSource, callbacks,
};
use crate::delegate::{
    self, Account, CloudDelegate, Description, Diagnostic, OsDelegate, Proposal,
};
use crate::domain::{Failure, Fault, Image, ImageId, Kind, Secret, Status, Template};
use crate::jobs::Work;
use crate::pipeline::{GivenAccount, for_customisation, recorded_template};
use crate::store::NewCallback;
use crate::tdl;
use std::sync::Arc;

impl Factory {
    /// Begins a base image.
    ///
    /// # Errors
    /// If the template is not valid, names contents that can't be fetched for certain, no plugin installs its operating
    /// system, or that plugin can't be asked; and if a callback or a secret can't be used.
    pub async fn create_base_image(&self, request: BaseImageRequest) -> Result<Image, Error> {
        // What is asked for next with the same parameters is judged now, so that a build is refused whole.
        let mut parties = Vec::new();
        for target in self.shared_with.iter() {
            parties.push(Party::makes(self.cloud(target).await?.1));
        }
        self.base_image(request, parties).await
    }

    /// Begins a base image. Others get the same parameters.
    async fn base_image(
        &self,
        request: BaseImageRequest,
        others: Vec<Party>,
    ) -> Result<Image, Error> {
        let mut parameters = request.parameters;
        let callbacks = callbacks::take(&mut parameters)?;
        let template = self.parse(&request.template_xml)?;
        self.judge_contents(&template)?;
        let os = self.os(&template)?;
        let plugin = described(os.describe().await)?;
        let own = plugin.schemas.sensitive_parameters();
        let parties: Vec<Party> = [Party::makes(plugin)].into_iter().chain(others).collect();
        let Accepted { parameters, mut secrets, warnings } = self.judge(parameters, &parties)?;
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
        let draft = Draft { template_has_secrets, warnings, ..draft };
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
        let (cloud, plugin) = self.cloud(&request.target).await?;
        let own = plugin.schemas.sensitive_parameters();
        let os = match &request.source {
            TargetSource::BaseImage(id) => {
                let base = self.parent(id, Kind::Base).await?;
                self.os_of(&inherited(&base)?).await?.map(Party::helps)
            }
            TargetSource::Template(xml) => self.os_of(&self.parse(xml)?).await?.map(Party::makes),
        };
        let mut parties = vec![Party::makes(plugin.clone())];
        parties.extend(os.into_iter().chain(self.elsewhere().await?));
        let Accepted { parameters, secrets, warnings } = self.judge(parameters, &parties)?;
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
                let mut others = self.elsewhere().await?;
                others.push(Party::elsewhere(plugin));
                self.base_image(BaseImageRequest { template_xml, parameters }, others).await?
            }
        };
        let draft = Draft::new(Kind::Target, inherited(&base)?, Work::Target);
        let parent = Some(base.id);
        let target = Some(request.target);
        let draft = Draft { parent, target, warnings, ..draft };
        self.begin(Draft { parameters, secrets, callbacks, ..draft }).await
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
        let (cloud, plugin) = self.cloud(&request.target).await?;
        let snapshot = matches!(request.source, ProviderSource::Snapshot(_));
        require(&plugin, if snapshot { "snapshot" } else { "push" })?;
        let own = plugin.schemas.sensitive_parameters();
        let os = match &request.source {
            ProviderSource::Template(xml) => self.os_of(&self.parse(xml)?).await?.map(Party::makes),
            ProviderSource::TargetImage(id) => {
                let target = self.parent(id, Kind::Target).await?;
                self.os_of(&inherited(&target)?).await?.map(Party::elsewhere)
            }
            ProviderSource::Snapshot(_) => None,
        };
        let mut parties = vec![Party::makes(plugin.clone())];
        parties.extend(os.into_iter().chain(self.elsewhere().await?));
        let Accepted { parameters, mut secrets, warnings } = self.judge(parameters, &parties)?;
        secrets.retain(|(name, _)| own.contains(name));
        let credentials = sensitive::read(request.credentials.clone(), || "credentials".into())?;
        let account = Account {
            provider: request.provider.clone(),
            credentials: self.credentials(&credentials)?,
        };
        judge_account(&plugin, &account)?;
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
        let draft = Draft { warnings, ..draft };
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

    /// Answers the plugin of a template's operating system. An image that was imported may have none.
    async fn os_of(&self, template: &Template) -> Result<Option<Description>, Error> {
        match self.delegates.os(&template.os) {
            Ok(os) => described(os.describe().await).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Answers those who get the same parameters with other requests.
    async fn elsewhere(&self) -> Result<Vec<Party>, Error> {
        let mut parties = Vec::new();
        for target in self.shared_with.iter() {
            parties.push(Party::elsewhere(self.cloud(target).await?.1));
        }
        Ok(parties)
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
