//! Plugins of which some work, some fail, some crash and some hang. Both kinds are of one piece.

use crate::body;
use crate::cloud::Cloud;
use crate::machine::Machine;
use crate::play::{Fate, Play};
use crate::process::Process;
use crate::shifts::{Shift, Shifts};
use async_trait::async_trait;
use factoryd::delegate::{
    Account, CloudDelegate, Delegates, Description, Error, InputImage, NoDelegate, OpenIntent,
    Operation, OsDelegate, Reconciler,
};
use factoryd::domain::{CloudContent, CloudIdentifiers, OperatingSystem, PackageList, Template};
use std::sync::Arc;

/// What a plugin does wrong on purpose, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Vice {
    /// Nothing.
    #[default]
    None,
    /// It creates things that it does not announce.
    CreatesUnannounced,
    /// It creates a second image under another token when it is done.
    PublishesTwice,
    /// It announces a file before that is whole.
    AnnouncesTooEarly,
    /// It does not delete what it is told to delete.
    DeletesNothing,
}

/// The plugins of a machine.
#[derive(Clone)]
pub(crate) struct Plugins {
    pub(crate) machine: Arc<Machine>,
    pub(crate) process: Arc<Process>,
    pub(crate) shifts: Arc<Shifts>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) vice: Vice,
}

impl Plugins {
    async fn begin<'a>(&'a self, operation: &'a Operation) -> Play<'a> {
        let image = operation.image.as_str();
        let shift = self.shifts.begin(image, &self.process, &self.machine);
        self.begin_with(operation, Some(shift)).await
    }

    async fn begin_with<'a>(&'a self, operation: &'a Operation, shift: Option<Shift>) -> Play<'a> {
        let plan = self.machine.plan();
        let fate = self.machine.chance(|chance| Fate::draw(chance, plan.bad_one_in));
        self.machine.note(format!("{} begins: {fate:?}", operation.id));
        self.process.pause("a plugin is called").await;
        Play::new(self, operation, fate, shift)
    }

    /// Sees that a plugin is given whole files only.
    fn check(&self, operation: &Operation, image: &InputImage) {
        for artifact in &image.artifacts {
            if body::read(&artifact.path).is_none() {
                let (step, role) = (&operation.id, &artifact.role);
                self.machine.wrong(format!("{step} was given a {role} that is not whole"));
            }
        }
    }

    async fn place(&self, operation: &Operation) -> Result<(), Error> {
        let mut play = self.begin(operation).await;
        let done = self.place_steps(&mut play).await;
        play.end(done).await
    }

    async fn place_steps(&self, play: &mut Play<'_>) -> Result<(), Error> {
        play.step(10.0).await?;
        if self.machine.chance(|chance| chance.one_in(2)) {
            play.create("upload").await?;
            play.step(40.0).await?;
            if self.machine.chance(|chance| chance.one_in(2)) {
                play.delete("upload").await?;
            }
        }
        let thing = play.create("image").await?;
        if self.vice == Vice::PublishesTwice {
            self.cloud.create(&format!("{}/again", play.operation.id), &thing.image, "image");
        }
        play.step(80.0).await?;
        let identifiers = CloudIdentifiers {
            identifier_on_provider: thing.id,
            provider_account_identifier: "me".into(),
        };
        play.tell(factoryd::delegate::Announced::CloudIdentifiers(identifiers)).await?;
        play.step(100.0).await
    }
}

#[async_trait]
impl OsDelegate for Plugins {
    async fn describe(&self) -> Result<Description, Error> {
        self.process.pause("describe").await;
        Ok(Description { name: "sim-os".into(), ..Description::default() })
    }

    async fn create_base_image(
        &self,
        operation: &Operation,
        _template: &Template,
    ) -> Result<(), Error> {
        let mut play = self.begin(operation).await;
        let done = async {
            play.step(20.0).await?;
            play.file("disk").await?;
            play.step(60.0).await?;
            if self.machine.chance(|chance| chance.one_in(2)) {
                play.file("rootfs").await?;
            }
            if self.machine.chance(|chance| chance.one_in(6)) {
                play.file("disk").await?;
            }
            let icicle_xml = "<icicle><packages><package name='a'/></packages></icicle>".into();
            let packages = PackageList { count: 1, icicle_xml };
            play.tell(factoryd::delegate::Announced::Packages(packages)).await?;
            play.step(100.0).await
        };
        let done = done.await;
        play.end(done).await
    }

    async fn create_target_image(
        &self,
        operation: &Operation,
        _target: &str,
        base: &InputImage,
        _template: &Template,
        content: &CloudContent,
    ) -> Result<(), Error> {
        self.check(operation, base);
        if content.commands.is_empty() && self.machine.chance(|chance| chance.one_in(3)) {
            return Err(Error::Unimplemented("CreateTargetImage"));
        }
        let mut play = self.begin(operation).await;
        let done = async {
            play.step(30.0).await?;
            if self.machine.chance(|chance| chance.one_in(2)) {
                play.file("disk").await?;
            }
            play.step(100.0).await
        };
        let done = done.await;
        play.end(done).await
    }
}

#[async_trait]
impl CloudDelegate for Plugins {
    async fn describe(&self) -> Result<Description, Error> {
        self.process.pause("describe").await;
        let capabilities = ["push", "snapshot", "delete", "reconcile"].map(str::to_owned).to_vec();
        Ok(Description { name: "sim-cloud".into(), capabilities, ..Description::default() })
    }

    async fn should_create_target_image(
        &self,
        operation: &Operation,
        _target: &str,
        base: &InputImage,
    ) -> Result<bool, Error> {
        self.check(operation, base);
        let mut play = self.begin(operation).await;
        let done = play.step(100.0).await;
        play.end(done).await.map(|()| !self.machine.chance(|chance| chance.one_in(8)))
    }

    async fn will_create_target_image(
        &self,
        operation: &Operation,
        _target: &str,
        _base: &InputImage,
    ) -> Result<CloudContent, Error> {
        let mut play = self.begin(operation).await;
        let done = play.step(100.0).await;
        play.end(done).await?;
        let mut content = CloudContent::default();
        if self.machine.chance(|chance| chance.one_in(2)) {
            content.commands.push(("c".into(), b"true".to_vec()));
        }
        Ok(content)
    }

    async fn did_create_target_image(
        &self,
        operation: &Operation,
        _target: &str,
        image: &InputImage,
    ) -> Result<(), Error> {
        self.check(operation, image);
        let mut play = self.begin(operation).await;
        let done = async {
            play.step(50.0).await?;
            if self.machine.chance(|chance| chance.one_in(2)) {
                play.file("disk").await?;
            }
            play.step(100.0).await
        };
        let done = done.await;
        play.end(done).await
    }

    async fn push_image_to_provider(
        &self,
        operation: &Operation,
        _target: &str,
        _account: &Account,
        image: &InputImage,
    ) -> Result<(), Error> {
        self.check(operation, image);
        self.place(operation).await
    }

    async fn snapshot_image_on_provider(
        &self,
        operation: &Operation,
        _target: &str,
        _account: &Account,
        _template: &Template,
    ) -> Result<(), Error> {
        self.place(operation).await
    }

    async fn delete_from_provider(
        &self,
        operation: &Operation,
        _target: &str,
        _account: &Account,
        identifiers: &CloudIdentifiers,
        _image: &InputImage,
    ) -> Result<(), Error> {
        let mut play = self.begin(operation).await;
        let done = async {
            play.step(30.0).await?;
            if self.vice != Vice::DeletesNothing
                && let Some(gone) = self.cloud.delete_id(&identifiers.identifier_on_provider)
            {
                self.machine.note(format!("{} is deleted from the cloud", gone.id));
            }
            play.confirm_deleted("image").await?;
            play.step(100.0).await
        };
        let done = done.await;
        play.end(done).await
    }
}

#[async_trait]
impl Reconciler for Plugins {
    async fn describe(&self) -> Result<Description, Error> {
        CloudDelegate::describe(self).await
    }

    async fn reconcile(
        &self,
        operation: &Operation,
        _target: &str,
        _account: &Account,
        intents: &[OpenIntent],
    ) -> Result<(), Error> {
        // The image itself may be tried again meanwhile.
        let mut play = self.begin_with(operation, None).await;
        for open in intents {
            if let Err(failed) = play.settle(open).await {
                // What remains is asked for again.
                return play.end(Err(failed)).await;
            }
        }
        play.end(Ok(())).await
    }
}

impl Delegates for Plugins {
    fn os(&self, _os: &OperatingSystem) -> Result<Arc<dyn OsDelegate>, NoDelegate> {
        Ok(Arc::new(self.clone()))
    }

    fn cloud(&self, _target: &str) -> Result<Arc<dyn CloudDelegate>, NoDelegate> {
        Ok(Arc::new(self.clone()))
    }

    fn reconciler(&self, _plugin: &str) -> Result<Arc<dyn Reconciler>, NoDelegate> {
        Ok(Arc::new(self.clone()))
    }
}
