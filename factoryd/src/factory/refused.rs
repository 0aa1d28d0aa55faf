//! Requests that can't work, recorded for clients who look for the reason at the image and not at the answer.
//!
//! Image Factory accepts every well-formed request and lets the image fail. An edge that speaks its language tries the
//! ordinary use case first and then, with the error, [`Factory::record_refused`].

use super::{Error, Factory};
use crate::domain::{EventKind, Failure, Fault, Image, ImageId, Kind, Notice, Secret, Status};
use crate::store::Store;
use crate::tdl;

/// Templates longer than this, in bytes, are not recorded: none that is valid is as long.
const TEMPLATE_LEN_MAX: usize = 4 * 1024 * 1024;

/// What is kept of a request that was refused. There are no parameters: nobody knows which of them are secrets.
#[derive(Debug, Clone)]
pub struct RefusedRequest {
    /// What was to be made.
    pub kind: Kind,
    /// The template as it was given; empty if there was none.
    pub template_xml: String,
    /// The image it was to be made from.
    pub parent: Option<ImageId>,
    /// The target.
    pub target: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// Whether it was to be made inside the account.
    pub snapshot: bool,
    /// Who is to be told.
    pub callbacks: Vec<Secret>,
}

impl Factory {
    /// Records an image that was refused: NEW, then FAILED for the reason of the refusal. Nothing is done for it.
    ///
    /// # Errors
    /// The refusal itself if it is no matter of what was asked for: an image that does not exist or is of another kind, a
    /// shutdown, a broken store, a callback that can't be used. And if the store fails now.
    pub async fn record_refused(
        &self,
        request: RefusedRequest,
        refusal: Error,
    ) -> Result<Image, Error> {
        let failure = reason(refusal)?;
        let callbacks = self.accept(&request.callbacks)?;
        let image = request.image(&self.store);
        self.store.insert_with(&image, &callbacks).await?;
        let failed =
            EventKind::Status { from: Status::New, to: Status::Failed, failure: Some(failure) };
        self.store.append(&image.id, vec![(self.store.now(), failed)]).await?;
        self.image(&image.id).await
    }
}

/// Answers the failure that an image gets for a refusal; other errors stay errors.
fn reason(refusal: Error) -> Result<Failure, Error> {
    let told = |reason, message: String| Failure::new(Fault::User, reason, message);
    match refusal {
        Error::Template(problems) => {
            Ok(told("TEMPLATE_INVALID", "the template is not valid".into())
                .detail(problems.to_string()))
        }
        Error::NoDelegate(nobody) => Ok(told("NO_PLUGIN", nobody.to_string())
            .hint("see `factory plugins` for what is served, or install the plugin")),
        Error::Plugin(failure) | Error::Secret(failure) | Error::Retry(failure) => Ok(*failure),
        Error::Refused(ref diagnostics) => {
            let notices = diagnostics.iter().map(|diagnostic| &diagnostic.notice);
            Ok(told("REFUSED_BY_PLUGIN", refusal.to_string()).detail(lines(notices)))
        }
        Error::Invalid(ref notices) => {
            let detail = lines(notices.iter());
            Ok(told(Failure::INVALID_PARAMETERS, refusal.to_string()).detail(detail))
        }
        Error::Status { .. } => Ok(told("PARENT_FAILED", refusal.to_string())),
        other => Err(other),
    }
}

fn lines<'n>(notices: impl Iterator<Item = &'n Notice>) -> String {
    notices.map(line).collect::<Vec<_>>().join("\n")
}

fn line(notice: &Notice) -> String {
    let place = if notice.path.is_empty() { String::new() } else { format!("{}: ", notice.path) };
    let hint = if notice.hint.is_empty() { String::new() } else { format!(" ({})", notice.hint) };
    format!("{place}{}{hint}", notice.message)
}

impl RefusedRequest {
    fn image(self, store: &Store) -> Image {
        let recordable = self.template_xml.len() <= TEMPLATE_LEN_MAX;
        let template_xml =
            if recordable { tdl::blank_secrets(&self.template_xml) } else { String::new() };
        let id = ImageId::from_uuid(store.fresh_id());
        Image {
            template_xml,
            parent: self.parent,
            target: self.target,
            provider: self.provider,
            snapshot: self.snapshot,
            ..Image::asked_for(id, self.kind, store.now())
        }
    }
}
