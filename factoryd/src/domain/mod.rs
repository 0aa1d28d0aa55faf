//! What things are. Pure: no I/O, no async, no clock.

mod deletion;
mod event;
mod failure;
mod fold;
mod image;
mod needs;
mod parameters;
mod principal;
mod retention;
mod secret;
mod status;
mod step;
mod template;

pub use deletion::Deletion;
pub use event::{Event, EventKind, LogLevel, LogLine, Notice, Progress, Resource, ResourceState};
pub use failure::{Failure, Fault};
pub use image::{Artifact, CloudIdentifiers, Image, ImageId, InvalidImageId, Kind, PackageList};
pub use needs::{Needs, Network};
pub use parameters::{InvalidParameters, Parameters};
pub use principal::{How, InvalidRole, Principal, Role, Token};
pub use retention::{KEEP, Pruned, RetentionRule};
pub use secret::{
    GivenSecret, InvalidSecretName, Secret, SecretGone, SecretName, SecretSource, SecretSources,
};
pub use status::{IllegalTransition, Status};
pub use step::{Interruption, StepName, StepRecord, StepResult, StepState, StepValue};
pub use template::{
    Checksum, CloudContent, Command, Content, Extra, File, Install, InstallSource, OperatingSystem,
    Package, Repository, Template,
};
