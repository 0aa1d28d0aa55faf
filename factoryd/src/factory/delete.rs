//! Ending images.

use super::sensitive::{self, Sensitive};
use super::{DeleteRequest, Error, Factory, ImageFilter, Page, callbacks};
use crate::domain::{
    CloudIdentifiers, EventKind, GivenSecret, Image, ImageId, Kind, Parameters, Secret,
    SecretSource, Status, Template,
};
use crate::import::{OperatingSystem, synthesised};
use crate::jobs::{Job, ShuttingDown, Work};
use crate::pipeline::{GivenAccount, recorded_template};
use crate::store::NewCallback;
use crate::tdl;

impl Factory {
    /// Begins the deletion of an image: DELETING at once, DELETED or DELETEFAILED later. With `cascade`, the images made
    /// from it go first.
    ///
    /// # Errors
    /// If there is no such image, it is being worked on, or others were made from it and `cascade` is not set; and if a
    /// callback can't be used.
    pub async fn delete(&self, mut request: DeleteRequest) -> Result<Image, Error> {
        let callbacks = callbacks::take(&mut request.parameters)?;
        let mut family = vec![self.image(&request.id).await?];
        let mut next = 0;
        while let Some(image) = family.get(next) {
            family.extend(self.children(&image.id).await?);
            next += 1;
        }
        let count = family.len() - 1;
        if 0 < count && !request.cascade {
            return Err(Error::HasChildren { id: request.id, count });
        }
        family.iter().try_for_each(deletable)?;
        for image in family.into_iter().rev() {
            let callbacks = self.accept(&callbacks)?;
            self.begin_deletion(image, &request, &callbacks).await?;
        }
        self.image(&request.id).await
    }

    /// Answers what was made from an image and is not being deleted already: the job waits for those.
    async fn children(&self, id: &ImageId) -> Result<Vec<Image>, Error> {
        let filter = ImageFilter { parent: Some(id.clone()), ..ImageFilter::default() };
        let mut children = self.store.images(&filter, &Page::default()).await?.items;
        children.retain(|child| child.status != Status::Deleting);
        Ok(children)
    }

    async fn begin_deletion(
        &self,
        image: Image,
        request: &DeleteRequest,
        callbacks: &[NewCallback],
    ) -> Result<(), Error> {
        if is_mere_record(&image) {
            return self.forget(&image, callbacks).await;
        }
        let template = recorded_template(&image).or_else(|_| placeholder(&image))?;
        let provider = request.provider.clone().or_else(|| image.provider.clone());
        let credentials = self.credentials_for(&image, &request.credentials)?;
        let account = GivenAccount { provider: provider.unwrap_or_default(), credentials };
        let mut parameters = request.parameters.clone();
        let secrets = self.sensitive_to_deletion(&image, &mut parameters).await?;
        let status = EventKind::Status { from: image.status, to: Status::Deleting, failure: None };
        self.store.append_with(&image.id, vec![(self.store.now(), status)], callbacks).await?;
        let mut image = self.image(&image.id).await?;
        image.parameters.0.extend(parameters.0);
        let job = Job { image, template, secrets, work: Work::Delete(account) };
        self.jobs.submit(job).map_err(|ShuttingDown| Error::ShuttingDown)
    }

    /// Answers the credentials to delete an image with: those of the request, or else those it was made with, if they have
    /// a name.
    fn credentials_for(&self, image: &Image, given: &Secret) -> Result<GivenSecret, Error> {
        let given = sensitive::read(given.clone(), || "credentials".to_owned())?;
        let given = match (given.source(), &image.secrets.credentials) {
            (None, Some(SecretSource::Named(name))) => GivenSecret::Named(name.clone()),
            _ => given,
        };
        if !image.identifiers.identifier_on_provider.is_empty() {
            self.credentials(&given)?;
        }
        Ok(given)
    }

    /// Takes the sensitive parameters out of those of a deletion, and adds those of the image that have a name. If the plugin
    /// can't be asked, all of them are.
    async fn sensitive_to_deletion(
        &self,
        image: &Image,
        parameters: &mut Parameters,
    ) -> Result<Sensitive, Error> {
        let all: Vec<String> = parameters.0.keys().cloned().collect();
        let names = match &image.target {
            Some(target) if image.kind == Kind::Provider && !all.is_empty() => {
                self.cloud(target).await.map_or(all, |(_, plugin)| plugin.sensitive_parameters)
            }
            _ => all,
        };
        let mut secrets = sensitive::take(parameters, &names)?;
        for (name, source) in &image.secrets.parameters {
            if let SecretSource::Named(secret) = source
                && secrets.iter().all(|(given, _)| given != name)
            {
                secrets.push((name.clone(), GivenSecret::Named(secret.clone())));
            }
        }
        Ok(secrets)
    }

    async fn forget(&self, image: &Image, callbacks: &[NewCallback]) -> Result<(), Error> {
        let now = self.store.now();
        let step = |from, to| (now, EventKind::Status { from, to, failure: None });
        let end =
            vec![step(image.status, Status::Deleting), step(Status::Deleting, Status::Deleted)];
        self.store.append_with(&image.id, end, callbacks).await?;
        Ok(())
    }
}

/// Stands in for a template that can't be read, as an imported image may have one: no reason to keep the image for ever.
fn placeholder(image: &Image) -> Result<Template, Error> {
    let unknown = || "unknown".to_owned();
    let os = OperatingSystem { name: unknown(), version: unknown(), arch: "x86_64".to_owned() };
    tdl::parse(&synthesised(&os, image.created)).map_err(Error::Template)
}

/// Tells whether an image was refused before anything was done for it; its template may be unreadable.
fn is_mere_record(image: &Image) -> bool {
    let never_begun = image.status == Status::Failed && image.percent == 0.0;
    let left_nothing =
        image.artifacts.is_empty() && image.identifiers == CloudIdentifiers::default();
    never_begun && left_nothing && recorded_template(image).is_err()
}

/// Refuses what can't be deleted now.
fn deletable(image: &Image) -> Result<(), Error> {
    if image.status.become_(Status::Deleting).is_ok() {
        return Ok(());
    }
    let why = match image.status {
        Status::Deleted => "there is nothing to delete",
        Status::Deleting => "it is being deleted already",
        _ => "cancel it first",
    };
    Err(Error::Status { id: image.id.clone(), status: image.status, why })
}
