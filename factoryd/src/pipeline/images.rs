//! Base images and provider images: stories of one step.

use super::recorder::Bodies;
use super::step::Step;
use super::{Build, GivenAccount, Pipeline, Result, no_delegate};
use crate::delegate::{InputImage, Operation};
use crate::domain::{Failure, Fault, Image, Kind, StepName, Template};
use crate::tdl;

const CREATE: Step = Step {
    name: StepName::CreateBaseImage,
    method: "CreateBaseImage",
    percent: (0.0, 99.0),
    bodies: Bodies::Adopt,
};
const PUSH: Step = Step {
    name: StepName::PushImageToProvider,
    method: "PushImageToProvider",
    percent: (0.0, 99.0),
    bodies: Bodies::Adopt,
};
const SNAPSHOT: Step = Step {
    name: StepName::SnapshotImageOnProvider,
    method: "SnapshotImageOnProvider",
    percent: (0.0, 99.0),
    bodies: Bodies::Adopt,
};

impl Pipeline {
    /// Answers the plugins that an image needs, and how many operations each runs at once; 0: any number. One that can't be asked
    /// is left out: that is told by the work itself.
    pub async fn plugins_of(&self, image: &Image, template: &Template) -> Vec<(String, u32)> {
        let mut plugins = Vec::new();
        let cloud = image.target.as_deref().and_then(|target| self.delegates.cloud(target).ok());
        if let Some(cloud) = cloud {
            plugins.push(cloud.describe().await);
        }
        if image.kind != Kind::Provider
            && let Ok(os) = self.delegates.os(&template.os)
        {
            plugins.push(os.describe().await);
        }
        let known = plugins.into_iter().flatten();
        known.map(|plugin| (plugin.name, plugin.concurrent_operations_max)).collect()
    }

    /// Builds a base image.
    ///
    /// # Errors
    /// If no plugin installs the operating system, a content can't be had, the plugin fails, or the build is cancelled.
    pub async fn base_image(&self, build: &Build) -> Result<()> {
        let os = self.delegates.os(&build.template.os).map_err(|error| no_delegate(&error))?;
        let template = self.with_contents(build, CREATE.name).await?;
        let (os, template) = (&os, &template);
        self.step(build, CREATE, |operation: Operation| async move {
            os.create_base_image(&operation, template).await
        })
        .await?;
        Ok(())
    }

    /// Pushes a target image into an account.
    ///
    /// # Errors
    /// If no plugin serves the target, or the plugin fails or can't push, or the build is cancelled.
    pub async fn push(
        &self,
        build: &Build,
        account: &GivenAccount,
        target_image: Image,
    ) -> Result<()> {
        let account = &self.account(account)?;
        let target = target_of(&build.image)?;
        let cloud = self.delegates.cloud(target).map_err(|error| no_delegate(&error))?;
        let input = input_image(target_image, build.template.clone());
        self.inherit_packages(build, &input.image).await?;
        let (cloud, input) = (&cloud, &input);
        self.step(build, PUSH, |operation: Operation| async move {
            cloud.push_image_to_provider(&operation, target, account, input).await
        })
        .await?;
        Ok(())
    }

    /// Makes an image inside an account.
    ///
    /// # Errors
    /// If no plugin serves the target, or the plugin fails or can't snapshot, or the build is cancelled.
    pub async fn snapshot(&self, build: &Build, account: &GivenAccount) -> Result<()> {
        let account = &self.account(account)?;
        let target = target_of(&build.image)?;
        let cloud = self.delegates.cloud(target).map_err(|error| no_delegate(&error))?;
        let template = self.with_contents(build, SNAPSHOT.name).await?;
        let (cloud, template) = (&cloud, &template);
        self.step(build, SNAPSHOT, |operation: Operation| async move {
            cloud.snapshot_image_on_provider(&operation, target, account, template).await
        })
        .await?;
        Ok(())
    }
}

/// Answers the target of a target or provider image.
pub(super) fn target_of(image: &Image) -> Result<&str> {
    image.target.as_deref().ok_or_else(|| {
        let message = format!("image {} has no target", image.id);
        Box::new(Failure::new(Fault::Factory, "NO_TARGET", message))
    })
}

/// Makes an image the input of an operation.
pub(super) fn input_image(image: Image, template: Template) -> InputImage {
    InputImage { artifacts: image.artifacts.clone(), image, template }
}

/// Reads the template that an image was recorded with.
///
/// # Errors
/// If the record holds none that can be read.
pub fn recorded_template(image: &Image) -> Result<Template> {
    tdl::parse(&image.template_xml).map_err(|problems| {
        let message = format!("the template recorded with image {} can't be read", image.id);
        let failure = Failure::new(Fault::Factory, "BAD_RECORD", message);
        Box::new(failure.detail(problems.to_string()))
    })
}

/// Answers the template of an image that is to be deleted. One that can't be read, as an imported image may have it, is no
/// reason to keep the image for ever.
pub fn template_for_deletion(image: &Image) -> Template {
    recorded_template(image).unwrap_or_else(|_| Template::unknown())
}

/// Leaves of a template what still means something once the base image exists. Packages, files and commands are in the
/// image by then; Image Factory clears them too.
pub fn for_customisation(mut template: Template) -> Template {
    template.packages.clear();
    template.files.clear();
    template.commands.clear();
    template.precommands.clear();
    template
}
