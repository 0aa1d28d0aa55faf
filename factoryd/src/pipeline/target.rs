//! Target images: the dialogue between a cloud plugin and an OS plugin.

use super::images::{input_image, target_of};
use super::recorder::{Bodies, as_new};
use super::step::{Answer, Done, Step};
use super::{Build, Pipeline, Result, no_delegate, store_failed};
use crate::delegate::{self, CloudDelegate, InputImage, Operation};
use crate::domain::{
    Artifact, CloudContent, EventKind, Image, LogLevel, LogLine, PackageList, StepName, Template,
};

const SHOULD: Step = Step {
    name: StepName::ShouldCreateTargetImage,
    method: "ShouldCreateTargetImage",
    percent: (0.0, 5.0),
    bodies: Bodies::Adopt,
};
const WILL: Step = Step {
    name: StepName::WillCreateTargetImage,
    method: "WillCreateTargetImage",
    percent: (5.0, 10.0),
    bodies: Bodies::Adopt,
};
const CREATE: Step = Step {
    name: StepName::CreateTargetImage,
    method: "CreateTargetImage",
    percent: (10.0, 50.0),
    bodies: Bodies::Collect,
};
const DID: Step = Step {
    name: StepName::DidCreateTargetImage,
    method: "DidCreateTargetImage",
    percent: (50.0, 99.0),
    bodies: Bodies::Adopt,
};

impl Pipeline {
    /// Builds a target image from a complete base image.
    ///
    /// # Errors
    /// If no plugin serves the operating system or the target, or a plugin fails, or the build is cancelled.
    pub async fn target_image(&self, build: &Build, base: Image) -> Result<()> {
        let target = target_of(&build.image)?;
        let cloud = self.delegates.cloud(target).map_err(|error| no_delegate(&error))?;
        let base = input_image(base, build.template.clone());
        self.inherit_packages(build, &base.image).await?;
        if !self.should(build, cloud.as_ref(), target, &base).await? {
            return Ok(());
        }
        let content = self.will(build, cloud.as_ref(), target, &base).await?;
        let customised = self.create(build, target, &base, &content).await?;
        let image = InputImage {
            artifacts: replaced(&base.artifacts, &customised.artifacts),
            ..base.clone()
        };
        let announced = self.did(build, cloud.as_ref(), target, &image).await?;
        if announced.is_empty() {
            let keep = self.keep(build, &base, &customised.artifacts);
            self.own_step(build, StepName::KeepFiles, keep).await?;
        }
        Ok(())
    }

    /// Gives an image the packages of the one it is made from, unless it has them from an earlier try.
    pub(super) async fn inherit_packages(&self, build: &Build, parent: &Image) -> Result<()> {
        let Some(icicle_xml) = parent.icicle_xml.clone() else { return Ok(()) };
        if build.image.icicle_xml.is_some() {
            return Ok(());
        }
        let count = icicle_xml.matches("<package ").count();
        let packages = EventKind::Packages(PackageList { count, icicle_xml });
        self.note(build, packages).await
    }

    async fn should(
        &self,
        build: &Build,
        cloud: &dyn CloudDelegate,
        target: &str,
        base: &InputImage,
    ) -> Result<bool> {
        let done = self
            .step(build, SHOULD, |operation: Operation| async move {
                or(true, cloud.should_create_target_image(&operation, target, base).await)
            })
            .await?;
        Ok(done.value)
    }

    async fn will(
        &self,
        build: &Build,
        cloud: &dyn CloudDelegate,
        target: &str,
        base: &InputImage,
    ) -> Result<CloudContent> {
        let done = self
            .step(build, WILL, |operation: Operation| async move {
                let content = cloud.will_create_target_image(&operation, target, base).await;
                or(CloudContent::default(), content)
            })
            .await?;
        Ok(done.value)
    }

    /// Lets the OS plugin put into the image what the cloud and the configuration want there. Where that is nothing, a plugin that can't is no hindrance, and
    /// nor is that there is no plugin: a disk that was imported may hold any operating system.
    async fn create(
        &self,
        build: &Build,
        target: &str,
        base: &InputImage,
        content: &CloudContent,
    ) -> Result<Done<()>> {
        if let Some(((), artifacts)) = self.recall(build, CREATE.name).await? {
            return Ok(Done { value: (), artifacts });
        }
        let template = self.with_target_content(build, target).await?;
        let is_needed = *content != CloudContent::default() || template != build.template;
        let os = match self.delegates.os(&build.template.os) {
            Ok(os) => Some(os),
            Err(_) if !is_needed => None,
            Err(error) => return Err(no_delegate(&error)),
        };
        let (os, template) = (&os, &template);
        self.step(build, CREATE, |operation: Operation| async move {
            let Some(os) = os else { return Ok(()) };
            let created = os.create_target_image(&operation, target, base, template, content).await;
            if is_needed { created } else { or((), created) }
        })
        .await
    }

    /// Answers the build's template with what the configuration adds for the target, and tells that with the image.
    async fn with_target_content(&self, build: &Build, target: &str) -> Result<Template> {
        let mut template = build.template.clone();
        let Some(content) = &self.target_content else { return Ok(template) };
        content.merge(&mut template, target)?;
        if template != build.template {
            let names = template.packages.iter().map(|package| package.name.as_str());
            let names = names.collect::<Vec<_>>().join(" ");
            let message = format!("the configuration adds to images for {target}: {names}");
            let (level, source) = (LogLevel::Info, "factory".to_owned());
            self.note(build, EventKind::Log(LogLine { level, message, source })).await?;
        }
        Ok(template)
    }

    async fn did(
        &self,
        build: &Build,
        cloud: &dyn CloudDelegate,
        target: &str,
        image: &InputImage,
    ) -> Result<Vec<Artifact>> {
        let done = self
            .step(build, DID, |operation: Operation| async move {
                or((), cloud.did_create_target_image(&operation, target, image).await)
            })
            .await?;
        Ok(done.artifacts)
    }

    /// Keeps the image's files as they are: what the OS plugin made moves into the store, the rest is shared with the base.
    async fn keep(&self, build: &Build, base: &InputImage, made: &[Artifact]) -> Result<()> {
        let id = &build.image.id;
        for artifact in &base.artifacts {
            let kept = match made.iter().find(|new| new.role == artifact.role) {
                Some(new) => self.store.adopt(id, as_new(new)).await,
                None => self.store.share(artifact, id).await,
            };
            self.note(build, EventKind::Artifact(kept.map_err(|e| store_failed(&e))?)).await?;
        }
        for new in made.iter().filter(|new| !base.artifacts.iter().any(|a| a.role == new.role)) {
            let kept = self.store.adopt(id, as_new(new)).await;
            self.note(build, EventKind::Artifact(kept.map_err(|e| store_failed(&e))?)).await?;
        }
        Ok(())
    }

    /// Records one event of the factory's own.
    pub(super) async fn note(&self, build: &Build, kind: EventKind) -> Result<()> {
        let events = vec![(self.store.now(), kind)];
        let written = self.store.append(&build.image.id, events).await;
        written.map(drop).map_err(|error| store_failed(&error))
    }
}

/// Replaces, role by role, what was made anew.
fn replaced(base: &[Artifact], made: &[Artifact]) -> Vec<Artifact> {
    let mut artifacts: Vec<Artifact> = base.to_vec();
    for new in made {
        match artifacts.iter_mut().find(|old| old.role == new.role) {
            Some(old) => *old = new.clone(),
            None => artifacts.push(new.clone()),
        }
    }
    artifacts
}

/// Takes a default where the plugin does not have an optional method.
fn or<T>(default: T, answer: Answer<T>) -> Answer<T> {
    match answer {
        Err(delegate::Error::Unimplemented(_)) => Ok(default),
        other => other,
    }
}
