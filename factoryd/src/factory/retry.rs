//! Trying images again that failed: from the step that failed, or an earlier one, with what the steps before it left.

use super::sensitive::{self, Sensitive};
use super::{DeleteRequest, Error, Factory, RetryRequest};
use crate::domain::{
    EventKind, Failure, Fault, GivenSecret, Image, ImageId, Kind, Parameters, Secret, SecretGone,
    SecretSource, SecretSources, Status, StepName, StepRecord, StepState, Template,
};
use crate::jobs::{Job, ShuttingDown, Work};
use crate::pipeline::{GivenAccount, for_customisation, recorded_template};
use crate::report::closest;
use crate::store::{self, StepChange};
use crate::tdl;

impl Factory {
    /// Answers the steps that were begun of the work on an image, in their order.
    ///
    /// # Errors
    /// If there is no such image, or the store fails.
    pub async fn steps(&self, id: &ImageId) -> Result<Vec<StepRecord>, Error> {
        self.image(id).await?;
        Ok(self.store.steps(id).await?)
    }

    /// Tries an image again that is FAILED (it is PENDING at once) or DELETEFAILED (DELETING). What is done before the step to
    /// begin with is not done again, as long as what it left is there.
    ///
    /// # Errors
    /// If there is no such image or it did not fail, it has no such step, what it is made from is not there, or secrets
    /// came with the request that it was asked for by and are not given again.
    pub async fn retry(&self, request: RetryRequest) -> Result<Image, Error> {
        let image = self.image(&request.id).await?;
        match image.status {
            Status::Failed => self.retry_build(image, request).await,
            Status::DeleteFailed => self.retry_deletion(&image, request).await,
            status => {
                let why = "only what failed can be tried again";
                Err(Error::Status { id: image.id, status, why })
            }
        }
    }

    async fn retry_build(&self, image: Image, request: RetryRequest) -> Result<Image, Error> {
        let steps = self.store.steps(&image.id).await?;
        let again = again(&image, &steps, request.from_step.as_deref())?;
        let template = self.template_again(&image, request.template_xml.as_deref())?;
        self.must_have_parent(&image).await?;
        let secrets = SecretSources {
            template: image.secrets.template && request.template_xml.is_none(),
            ..image.secrets.clone()
        };
        let (credentials, secrets) = given_again(&secrets, &request)?;
        self.credentials(&credentials)?;
        let provider = image.provider.clone().unwrap_or_default();
        let account = GivenAccount { provider, credentials };
        // What the image left over so far is deleted with them too, not only what it leaves over now.
        self.reaper.remember(&image.id, account.credentials.clone());
        let (template, work) = match (image.kind, image.snapshot) {
            (Kind::Base, _) => (template, Work::Base),
            (Kind::Target, _) => (for_customisation(template), Work::Target),
            (Kind::Provider, false) => (for_customisation(template), Work::Push(account)),
            (Kind::Provider, true) => (template, Work::Snapshot(account)),
        };
        let image = self.pend(&image.id, again).await?;
        let begun = image.clone();
        let job = Job { image, template, secrets, work, gone: None, taken_up: false };
        self.jobs.submit(job).map_err(|ShuttingDown| Error::ShuttingDown)?;
        Ok(begun)
    }

    /// Records that an image is tried again.
    async fn pend(&self, id: &ImageId, again: Vec<StepName>) -> Result<Image, Error> {
        let (from, to) = (Status::Failed, Status::Pending);
        let events = vec![(self.store.now(), EventKind::Status { from, to, failure: None })];
        match self.store.advance(id, &[StepChange::Again(again)], events).await {
            Err(store::Error::Illegal { .. }) => {
                let status = self.image(id).await?.status;
                let why = "somebody else was faster";
                return Err(Error::Status { id: id.clone(), status, why });
            }
            written => written?,
        };
        self.store.remove_unannounced(id).await?;
        self.image(id).await
    }

    async fn retry_deletion(&self, image: &Image, request: RetryRequest) -> Result<Image, Error> {
        let steps = StepName::of_deletion(image.kind);
        let again = from(image, steps, request.from_step.as_deref())?.unwrap_or_default();
        let deletion = self.store.deletion(&image.id).await?.unwrap_or_default();
        let (credentials, secrets) = given_again(&deletion.secrets, &request)?;
        let mut parameters = deletion.parameters;
        for (name, given) in secrets {
            parameters.0.insert(name, text(&given).into());
        }
        let again = [StepChange::Again(again)];
        self.store.advance(&image.id, &again, Vec::new()).await?;
        let credentials = Secret::new(text(&credentials));
        let (id, provider) = (image.id.clone(), deletion.provider);
        self.delete(DeleteRequest {
            id,
            provider,
            credentials,
            parameters,
            cascade: false,
            force: false,
        })
        .await
    }

    /// Answers the template to build with: as it is recorded, or as it is given again with its secrets.
    fn template_again(&self, image: &Image, given: Option<&str>) -> Result<Template, Error> {
        let Some(xml) = given else {
            return recorded_template(image).map_err(|_| {
                let message = format!("image {} has no template that could be built", image.id);
                refused(Failure::new(Fault::User, "NOTHING_TO_RETRY", message))
            });
        };
        let template = tdl::parse_with(xml, &self.templates).map_err(Error::Template)?;
        if template.xml == image.template_xml {
            return Ok(template);
        }
        let message = format!("this is another template than that of image {}", image.id);
        let failure = Failure::new(Fault::User, "OTHER_TEMPLATE", message);
        Err(refused(failure.hint("only its secrets may differ; for another template, build anew")))
    }

    /// Refuses an image whose parent is not there.
    async fn must_have_parent(&self, image: &Image) -> Result<(), Error> {
        let Some(parent) = &image.parent else { return Ok(()) };
        let parent = self.image(parent).await?;
        let hint = match parent.status {
            Status::New | Status::Pending | Status::Building | Status::Complete => return Ok(()),
            Status::Failed => format!("try that first: `factory retry {}`", parent.id),
            Status::Deleting | Status::Deleted | Status::DeleteFailed => {
                "build it anew from its template".to_owned()
            }
        };
        let message = format!(
            "image {} is made from {} image {}, which is {}",
            image.id, parent.kind, parent.id, parent.status
        );
        Err(refused(Failure::new(Fault::Conflict, "PARENT_GONE", message).hint(hint)))
    }
}

fn refused(failure: Failure) -> Error {
    Error::Retry(Box::new(failure))
}

/// Answers the steps of a build that are to be done again though they are done: those from the one that is named; all if
/// every step is done, as it is with files that were damaged later.
fn again(
    image: &Image,
    recorded: &[StepRecord],
    from_step: Option<&str>,
) -> Result<Vec<StepName>, Error> {
    let steps = StepName::of_build(image.kind, image.snapshot);
    if let Some(again) = from(image, steps, from_step)? {
        return Ok(again);
    }
    let all_done = recorded
        .iter()
        .filter(|step| steps.contains(&step.name))
        .all(|step| step.state == StepState::Done);
    Ok(if all_done { steps.to_vec() } else { Vec::new() })
}

/// Answers the steps from the one with this name, or says which there are.
fn from(
    image: &Image,
    steps: &[StepName],
    name: Option<&str>,
) -> Result<Option<Vec<StepName>>, Error> {
    let Some(name) = name else { return Ok(None) };
    if let Some(index) = steps.iter().position(|step| step.as_str() == name) {
        return Ok(Some(steps[index..].to_vec()));
    }
    let words = || steps.iter().map(|step| step.as_str());
    let name: String = name.chars().take(64).collect();
    let message = format!("{} image {} has no step `{name}`", image.kind, image.id);
    let known = words().collect::<Vec<_>>().join(", ");
    let hint = match closest(&name, words()) {
        Some(near) => format!("did you mean {near}? Its steps: {known}"),
        None => format!("its steps: {known}"),
    };
    Err(refused(Failure::new(Fault::User, "UNKNOWN_STEP", message).path("from_step").hint(hint)))
}

/// Answers secrets as they are given again or can be had by name; refuses if some are neither.
fn given_again(
    sources: &SecretSources,
    request: &RetryRequest,
) -> Result<(GivenSecret, Sensitive), Error> {
    let given = sensitive::read(request.credentials.clone(), || "credentials".to_owned())?;
    let mut missing = sources.clone();
    if given.source().is_some() {
        missing.credentials = given.source();
    }
    let names: Vec<String> = request.parameters.0.keys().cloned().collect();
    let mut parameters = request.parameters.clone();
    let parameters = sensitive::take(&mut parameters, &names)?;
    for (name, _) in &parameters {
        if !sources.parameters.iter().any(|(known, _)| known == name) {
            let message = format!("the image has no sensitive parameter {name}");
            let failure = Failure::new(Fault::User, "UNKNOWN_PARAMETER", message);
            let hint = "only secrets are given again; all else is as it was";
            return Err(refused(failure.path(format!("parameters.{name}")).hint(hint)));
        }
    }
    let is_given = |name: &String| parameters.iter().any(|(given, _)| given == name);
    missing.parameters.retain(|(name, _)| !is_given(name));
    let value = given.source() == Some(SecretSource::Request);
    if value {
        missing.credentials = None;
    }
    let (credentials, mut secrets) = missing.again().map_err(|gone| gone_again(&gone))?;
    secrets.extend(parameters);
    Ok((if value { given } else { credentials }, secrets))
}

fn gone_again(gone: &SecretGone) -> Error {
    let failure = Failure::new(Fault::User, Failure::SECRETS_GONE, gone.to_string());
    refused(failure.hint("give them again with --credentials, --parameter and --template"))
}

/// Answers a secret as a request has it.
fn text(given: &GivenSecret) -> String {
    match given {
        GivenSecret::Value(value) => value.expose().to_owned(),
        GivenSecret::Named(name) => format!("secret:{name}"),
    }
}

impl RetryRequest {
    /// Asks to try an image again from where it failed, with what is recorded.
    pub fn of(id: ImageId) -> Self {
        Self {
            id,
            from_step: None,
            credentials: Secret::new(""),
            parameters: Parameters::default(),
            template_xml: None,
        }
    }
}
