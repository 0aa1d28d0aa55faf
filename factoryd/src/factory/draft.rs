//! An image that is about to begin: what is recorded of it, and the job that is submitted.

use super::sensitive::{self, Sensitive};
use super::{Error, Factory};
use crate::domain::{GivenSecret, Image, ImageId, Kind, Notice, Parameters, Secret, Template};
use crate::jobs::{Job, ShuttingDown, Work};
use crate::report;
use crate::store::{self, Store};
use tracing::warn;

/// What is common to all images that are about to begin.
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) template: Template,
    pub(super) parent: Option<ImageId>,
    pub(super) target: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) snapshot: bool,
    pub(super) parameters: Parameters,
    pub(super) secrets: Sensitive,
    pub(super) template_has_secrets: bool,
    pub(super) warnings: Vec<Notice>,
    pub(super) callbacks: Vec<Secret>,
    pub(super) work: Work,
}

impl Factory {
    /// Records an image and submits its job.
    pub(super) async fn begin(&self, draft: Draft) -> Result<Image, Error> {
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
        let mut warnings = sensitive::warnings(draft.secrets_by_value());
        warnings.extend(draft.warnings.iter().cloned().map(sensitive::warning));
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
}

impl Draft {
    pub(super) fn new(kind: Kind, template: Template, work: Work) -> Self {
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
            warnings: Vec::new(),
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
