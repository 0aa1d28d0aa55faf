//! The steps in which the work on an image advances, as its journal has them.

use super::{Artifact, CloudContent, Kind};
use std::fmt;
use std::time::SystemTime;

/// A step of the work on an image. Each is written down before it is begun and when it is done, so that work that was
/// interrupted goes on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepName {
    /// What the template names by URL is fetched. Nothing of it is kept: whoever begins the next step again fetches again.
    FetchContents,
    /// The OS plugin installs the system.
    CreateBaseImage,
    /// The cloud plugin says whether the target image needs anything.
    ShouldCreateTargetImage,
    /// The cloud plugin says what it needs inside.
    WillCreateTargetImage,
    /// The OS plugin changes the base image.
    CreateTargetImage,
    /// The cloud plugin makes the target's files.
    DidCreateTargetImage,
    /// The files are kept as they are, for the cloud plugin made none.
    KeepFiles,
    /// The cloud plugin puts the image into an account.
    PushImageToProvider,
    /// The cloud plugin makes the image inside an account.
    SnapshotImageOnProvider,
    /// The cloud plugin deletes the image from its account.
    DeleteFromProvider,
    /// The image's files are removed.
    RemoveBodies,
}

impl StepName {
    /// Every step, in an order in which those of one image follow each other.
    pub const ALL: [Self; 11] = [
        Self::FetchContents,
        Self::CreateBaseImage,
        Self::ShouldCreateTargetImage,
        Self::WillCreateTargetImage,
        Self::CreateTargetImage,
        Self::DidCreateTargetImage,
        Self::KeepFiles,
        Self::PushImageToProvider,
        Self::SnapshotImageOnProvider,
        Self::DeleteFromProvider,
        Self::RemoveBodies,
    ];

    /// Answers the word for it: the contract's method in lower case, or what the factory does itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FetchContents => "fetch-contents",
            Self::CreateBaseImage => "create-base-image",
            Self::ShouldCreateTargetImage => "should-create-target-image",
            Self::WillCreateTargetImage => "will-create-target-image",
            Self::CreateTargetImage => "create-target-image",
            Self::DidCreateTargetImage => "did-create-target-image",
            Self::KeepFiles => "keep-files",
            Self::PushImageToProvider => "push-image-to-provider",
            Self::SnapshotImageOnProvider => "snapshot-image-on-provider",
            Self::DeleteFromProvider => "delete-from-provider",
            Self::RemoveBodies => "remove-bodies",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == word)
    }

    /// Answers the steps that make an image, in their order.
    pub fn of_build(kind: Kind, snapshot: bool) -> &'static [Self] {
        match (kind, snapshot) {
            (Kind::Base, _) => &[Self::FetchContents, Self::CreateBaseImage],
            (Kind::Target, _) => &[
                Self::ShouldCreateTargetImage,
                Self::WillCreateTargetImage,
                Self::CreateTargetImage,
                Self::DidCreateTargetImage,
                Self::KeepFiles,
            ],
            (Kind::Provider, false) => &[Self::PushImageToProvider],
            (Kind::Provider, true) => &[Self::FetchContents, Self::SnapshotImageOnProvider],
        }
    }

    /// Answers the steps that delete an image, in their order.
    pub fn of_deletion(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Provider => &[Self::DeleteFromProvider, Self::RemoveBodies],
            Kind::Base | Kind::Target => &[Self::RemoveBodies],
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It is to be done again.
    Waiting,
    /// It is under way, or was when its factory ended.
    Begun,
    /// The end of a plugin's or a factory's process interrupted it.
    Interrupted,
    /// It ended without success.
    Failed,
    /// It is done.
    Done,
}

impl StepState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::Begun, Self::Interrupted, Self::Failed, Self::Done];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Begun => "begun",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What interrupted a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// The plugin's process ended by itself.
    Crash,
    /// The factory's process ended, or its machine.
    FactoryGone,
}

/// What a step answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum StepValue {
    /// Nothing.
    #[default]
    Nothing,
    /// Yes or no.
    Answer(bool),
    /// What the cloud needs inside the image.
    Content(CloudContent),
}

/// What a step that is done leaves to those after it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepResult {
    /// What it answered.
    pub value: StepValue,
    /// The files that it announced, where they are.
    pub files: Vec<Artifact>,
    /// If the files only wait for another step: since which start of the machine. After a power cut they may not be whole.
    pub boot: Option<String>,
}

/// A step as the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// Which.
    pub name: StepName,
    /// How far it is.
    pub state: StepState,
    /// How often it was begun, in all.
    pub tries: u32,
    /// How often a crash of its plugin interrupted it, in this attempt of the image.
    pub crashes: u32,
    /// How often the end of its factory interrupted it, in this attempt of the image.
    pub interruptions: u32,
    /// When it was begun last; before 1971 if it never was.
    pub begun: SystemTime,
    /// When it ended, or was found interrupted.
    pub ended: Option<SystemTime>,
    /// What it left, if it is done.
    pub result: StepResult,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_writing_and_reading() {
        for step in StepName::ALL {
            assert_eq!(StepName::parse(step.as_str()), Some(step));
        }
        for state in StepState::ALL {
            assert_eq!(StepState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn the_steps_of_every_image_are_in_the_order_of_all() {
        let kinds = [Kind::Base, Kind::Target, Kind::Provider];
        let builds =
            kinds.iter().flat_map(|kind| [false, true].map(|it| StepName::of_build(*kind, it)));
        let deletions = kinds.iter().map(|kind| StepName::of_deletion(*kind));
        for steps in builds.chain(deletions) {
            assert!(steps.is_sorted(), "{steps:?}");
        }
    }
}
