//! Ending images.

use super::sensitive::{self, Sensitive};
use super::{DeleteRequest, Error, Factory, ImageFilter, Page, callbacks};
use crate::domain::{
    CloudIdentifiers, Deletion, EventKind, GivenSecret, Image, ImageId, Kind, Parameters, Secret,
    SecretSource, Status,
};
use crate::jobs::{Job, ShuttingDown, Work};
use crate::pipeline::{GivenAccount, recorded_template, template_for_deletion};
use crate::store::{self, NewCallback};
use std::time::Duration;

/// How long what is cancelled for a deletion may take to end.
const CANCEL_DEADLINE: Duration = Duration::from_secs(60);
/// How long to wait at most before looking at an image again: another process may be working on it.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

impl Factory {
    /// Begins the deletion of an image: DELETING at once, DELETED or DELETEFAILED later. With `cascade`, the images made
    /// from it go first; with `force`, what is being built is cancelled before. An image that is deleted or is being deleted is
    /// answered as it is.
    ///
    /// # Errors
    /// If there is no such image, it is being worked on, or others were made from it and `cascade` is not set; and if a
    /// callback can't be used.
    pub async fn delete(&self, mut request: DeleteRequest) -> Result<Image, Error> {
        let callbacks = callbacks::take(&mut request.parameters)?;
        let image = self.image(&request.id).await?;
        if is_going(&image) {
            return Ok(image);
        }
        let mut family = self.family(image).await?;
        let count = family.len() - 1;
        if 0 < count && !request.cascade {
            return Err(Error::HasChildren { id: request.id, count });
        }
        if request.force {
            family = self.cancelled(family).await?;
        }
        family.iter().try_for_each(deletable)?;
        for image in family.into_iter().rev() {
            let callbacks = self.accept(&callbacks)?;
            self.begin_deletion(image, &request, &callbacks).await?;
        }
        self.image(&request.id).await
    }

    /// Answers an image and all that was made from it, parents first.
    async fn family(&self, image: Image) -> Result<Vec<Image>, Error> {
        let mut family = vec![image];
        let mut next = 0;
        while let Some(image) = family.get(next) {
            family.extend(self.children(&image.id).await?);
            next += 1;
        }
        Ok(family)
    }

    /// Cancels what is being built, and answers the images once all of that has ended.
    async fn cancelled(&self, family: Vec<Image>) -> Result<Vec<Image>, Error> {
        let mut ended = Vec::new();
        for image in family {
            let id = image.id;
            match self.cancel(&id).await {
                Ok(_) | Err(Error::Status { .. }) => {}
                Err(error) => return Err(error),
            }
            let wait = tokio::time::timeout(CANCEL_DEADLINE, self.settled(&id));
            ended.push(match wait.await {
                Ok(settled) => settled?,
                // What is said of it next is that it can't be deleted yet.
                Err(_) => self.image(&id).await?,
            });
        }
        Ok(ended)
    }

    /// Waits until an image is settled, whoever works on it.
    async fn settled(&self, id: &ImageId) -> Result<Image, Error> {
        let mut cursor = self.store.cursor();
        loop {
            cursor.mark_unchanged();
            let image = self.image(id).await?;
            if image.status.is_settled() {
                return Ok(image);
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, cursor.changed()).await;
        }
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
        if is_going(&image) {
            return Ok(());
        }
        if is_mere_record(&image) {
            return self.forget(&image, callbacks).await;
        }
        let template = template_for_deletion(&image);
        let provider = request.provider.clone().or_else(|| image.provider.clone());
        let credentials = self.credentials_for(&image, &request.credentials)?;
        let account = GivenAccount { provider: provider.unwrap_or_default(), credentials };
        let mut parameters = request.parameters.clone();
        let secrets = self.sensitive_to_deletion(&image, &mut parameters).await?;
        let status = EventKind::Status { from: image.status, to: Status::Deleting, failure: None };
        let deletion = Deletion {
            provider: request.provider.clone(),
            parameters: parameters.clone(),
            secrets: sensitive::sources(Some(&account.credentials), &secrets, false),
        };
        let events = vec![(self.store.now(), status)];
        let begun = self.store.begin_deletion(&image.id, events, callbacks, &deletion);
        match begun.await {
            Ok(_) => {}
            // Somebody else has begun it at the same time.
            Err(store::Error::Illegal { .. }) if is_going(&self.image(&image.id).await?) => {
                return Ok(());
            }
            // Made since it was looked for them.
            Err(store::Error::HasChildren { image: id, count }) => {
                return Err(Error::HasChildren { id, count });
            }
            Err(error) => return Err(error.into()),
        }
        let mut image = self.image(&image.id).await?;
        image.parameters.0.extend(parameters.0);
        self.reaper.remember(&image.id, account.credentials.clone());
        let work = Work::Delete(account);
        let job = Job { image, template, secrets, work, gone: None, taken_up: false };
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
                let plugin = self.cloud(target).await;
                plugin.map_or(all, |(_, plugin)| plugin.schemas.sensitive_parameters())
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

/// Tells whether an image was refused before anything was done for it; its template may be unreadable.
fn is_mere_record(image: &Image) -> bool {
    let never_begun = image.status == Status::Failed && image.percent == 0.0;
    let left_nothing =
        image.artifacts.is_empty() && image.identifiers == CloudIdentifiers::default();
    never_begun && left_nothing && recorded_template(image).is_err()
}

/// Tells whether an image is deleted or is being deleted.
fn is_going(image: &Image) -> bool {
    matches!(image.status, Status::Deleting | Status::Deleted)
}

/// Refuses what can't be deleted now.
fn deletable(image: &Image) -> Result<(), Error> {
    if is_going(image) || image.status.become_(Status::Deleting).is_ok() {
        return Ok(());
    }
    let why = "cancel it first";
    Err(Error::Status { id: image.id.clone(), status: image.status, why })
}
