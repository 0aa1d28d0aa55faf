//! Why the factory refuses.

use crate::delegate::{Diagnostic, NoDelegate};
use crate::domain::{Failure, ImageId, Notice, Status};
use crate::{jobs, store, tdl};

/// Why a request was refused. Nothing was created or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template is not valid.
    #[error("the template is not valid")]
    Template(#[source] tdl::Problems),
    /// No plugin serves it.
    #[error("nobody can build this")]
    NoDelegate(#[source] NoDelegate),
    /// The plugin can't be asked, or can't do it.
    #[error("the plugin can't do this")]
    Plugin(#[source] Box<Failure>),
    /// The plugin says that the request can't work.
    #[error("the plugin refused: {}", summary(.0))]
    Refused(Vec<Diagnostic>),
    /// Parameters, provider or credentials are not as a plugin's schema has them: every problem.
    #[error("{}", told(.0))]
    Invalid(Vec<Notice>),
    /// A secret can't be used.
    #[error("a secret can't be used")]
    Secret(#[source] Box<Failure>),
    /// A callback can't be used.
    #[error("a callback can't be used")]
    Callback(#[source] Box<Failure>),
    /// An image can't be tried again like this.
    #[error("the image can't be tried again")]
    Retry(#[source] Box<Failure>),
    /// There is no such image.
    #[error("there is no image {0}")]
    NotFound(ImageId),
    /// An image of another kind was needed.
    #[error("image {id} is a {actual} image, but a {expected} image is needed")]
    Kind {
        /// The image.
        id: ImageId,
        /// What it is.
        actual: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The image's status does not allow it.
    #[error("image {id} is {status}: {why}")]
    Status {
        /// The image.
        id: ImageId,
        /// Its status.
        status: Status,
        /// What does not go.
        why: &'static str,
    },
    /// Other images were made from it.
    #[error("image {id} has {count} image(s) made from it: delete those first, or ask to cascade")]
    HasChildren {
        /// The image.
        id: ImageId,
        /// How many.
        count: usize,
    },
    /// There is no such resource.
    #[error("there is no resource {0} that is not deleted")]
    NoResource(u64),
    /// It is not left over.
    #[error("resource {number} {} image {image}", if *.kept { "belongs to" } else { "is being made for" })]
    NotLeftOver {
        /// The resource.
        number: u64,
        /// Its image.
        image: ImageId,
        /// Whether that is complete and owns it; else the image is still being worked on.
        kept: bool,
    },
    /// So many images wait that no more are taken.
    #[error(transparent)]
    Busy(#[from] jobs::Busy),
    /// The factory is shutting down.
    #[error("the factory is shutting down")]
    ShuttingDown,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
}

fn told(notices: &[Notice]) -> String {
    notices.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error);
    errors.map(|error| error.notice.message.as_str()).collect::<Vec<_>>().join("; ")
}
