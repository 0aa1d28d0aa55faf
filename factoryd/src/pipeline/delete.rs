//! The end of an image: out of the provider's account, then out of the store.

use super::images::{for_customisation, input_image, target_of};
use super::recorder::Bodies;
use super::step::Step;
use super::{Build, GivenAccount, Pipeline, Result, no_delegate, store_failed};
use crate::delegate::Operation;
use crate::domain::{Kind, StepName};

const DELETE: Step = Step {
    name: StepName::DeleteFromProvider,
    method: "DeleteFromProvider",
    percent: (0.0, 100.0),
    bodies: Bodies::Drop,
};

impl Pipeline {
    /// Deletes what an image is made of. Its record stays.
    ///
    /// # Errors
    /// If the plugin fails or can't delete; the bodies are still there then.
    pub async fn delete(&self, build: &Build, account: &GivenAccount) -> Result<()> {
        if self.is_on_provider(build) {
            self.delete_from_provider(build, account).await?;
        }
        self.own_step(build, StepName::RemoveBodies, self.remove_files(build)).await
    }

    async fn remove_files(&self, build: &Build) -> Result<()> {
        let id = &build.image.id;
        let removed = self.store.remove_bodies(id).await.and(self.store.remove_kept(id).await);
        removed.map_err(|error| store_failed(&error))
    }

    /// Tells whether there is anything in an account. An image that failed before it was pushed has left nothing.
    fn is_on_provider(&self, build: &Build) -> bool {
        build.image.kind == Kind::Provider
            && !build.image.identifiers.identifier_on_provider.is_empty()
    }

    async fn delete_from_provider(&self, build: &Build, account: &GivenAccount) -> Result<()> {
        let account = &self.account(account)?;
        let image = &build.image;
        let target = target_of(image)?;
        let cloud = self.delegates.cloud(target).map_err(|error| no_delegate(&error))?;
        let input = input_image(image.clone(), for_customisation(build.template.clone()));
        let (cloud, input) = (&cloud, &input);
        self.step(build, DELETE, |operation: Operation| async move {
            let identifiers = &image.identifiers;
            cloud.delete_from_provider(&operation, target, account, identifiers, input).await
        })
        .await?;
        Ok(())
    }
}
