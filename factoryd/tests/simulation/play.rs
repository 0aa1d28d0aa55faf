//! One operation of a plugin, as its fate will have it.

use crate::body;
use crate::chance::Chance;
use crate::cloud::Thing;
use crate::plugins::{Plugins, Vice};
use crate::shifts::Shift;
use factoryd::delegate::{Announced, Error, OpenIntent, Operation, OperationEvent};
use factoryd::domain::{Failure, Fault, LogLevel, LogLine, Progress, Resource, ResourceState};
use std::io::Write;
use std::time::Duration;

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Well.
    Well,
    /// It fails after so many steps, and cleans up.
    Fails(u64),
    /// Its process ends after so many steps.
    Crashes(u64),
    /// It hangs after so many steps, until it is cancelled or gives up.
    Hangs(u64),
}

impl Fate {
    pub(crate) fn draw(chance: &mut Chance, bad_one_in: u64) -> Self {
        if !chance.one_in(bad_one_in) {
            return Self::Well;
        }
        let after = chance.below(5);
        match chance.below(3) {
            0 => Self::Fails(after),
            1 => Self::Crashes(after),
            _ => Self::Hangs(after),
        }
    }

    /// Counts a step; tells whether the end is now.
    fn is_now(&mut self) -> bool {
        match self {
            Self::Well => false,
            Self::Fails(after) | Self::Crashes(after) | Self::Hangs(after) => {
                let now = *after == 0;
                *after = after.saturating_sub(1);
                now
            }
        }
    }
}

/// An operation under way.
pub(crate) struct Play<'a> {
    pub(crate) operation: &'a Operation,
    plugins: &'a Plugins,
    fate: Fate,
    seq: u64,
    files: u32,
    /// Intents of what it created and did not delete, oldest first.
    created: Vec<String>,
    /// Of one that works on the image itself.
    _shift: Option<Shift>,
}

impl<'a> Play<'a> {
    pub(crate) fn new(
        plugins: &'a Plugins,
        operation: &'a Operation,
        fate: Fate,
        shift: Option<Shift>,
    ) -> Self {
        let (seq, files, created) = (0, 0, Vec::new());
        Self { operation, plugins, fate, seq, files, created, _shift: shift }
    }

    /// A place where something may happen to the factory: its plugins end with it.
    async fn pause(&self, place: &str) -> Result<(), Error> {
        self.plugins.process.pause(place).await;
        if self.plugins.process.has_lost_its_plugins() {
            return Err(failure(Failure::PLUGIN_CRASHED));
        }
        Ok(())
    }

    /// Goes on a step: may be where the operation ends.
    pub(crate) async fn step(&mut self, percent: f64) -> Result<(), Error> {
        self.pause("a plugin works").await?;
        if self.operation.cancellation.is_cancelled() {
            return Err(Error::Cancelled { left_behind: Vec::new() });
        }
        if self.fate.is_now() {
            return self.meet_fate().await;
        }
        let progress = Progress { activity: format!("{percent} percent"), ..Progress::default() };
        self.tell(Announced::Progress { percent: Some(percent), progress }).await?;
        if self.plugins.machine.chance(|chance| chance.one_in(4)) {
            let (level, source) = (LogLevel::Info, "sim".to_owned());
            let message = format!("{} is at {percent}", self.operation.id);
            self.tell(Announced::Log(LogLine { level, message, source })).await?;
        }
        Ok(())
    }

    async fn meet_fate(&mut self) -> Result<(), Error> {
        match self.fate {
            Fate::Well => Ok(()),
            Fate::Fails(_) => Err(failure("SIM_FAILURE")),
            Fate::Crashes(_) => Err(failure(Failure::PLUGIN_CRASHED)),
            Fate::Hangs(_) => {
                let cancelled = self.operation.cancellation.cancelled();
                let cancelled = tokio::time::timeout(Duration::from_secs(8), cancelled).await;
                if cancelled.is_err() {
                    return Err(failure("SIM_TIMEOUT"));
                }
                self.pause("a plugin is cancelled").await?;
                Err(Error::Cancelled { left_behind: Vec::new() })
            }
        }
    }

    /// Announces something, and goes on once it is durable.
    pub(crate) async fn tell(&mut self, what: Announced) -> Result<(), Error> {
        self.pause("a plugin tells").await?;
        self.seq += 1;
        let time = self.plugins.machine.now();
        let event = OperationEvent { seq: self.seq, time, what };
        self.operation.sink.accept(vec![event]).await.map_err(|error| Error::Failed(error.0))
    }

    /// Writes a file and announces it.
    pub(crate) async fn file(&mut self, role: &str) -> Result<(), Error> {
        let machine = &self.plugins.machine;
        self.files += 1;
        let file = format!("{role}-{}.img", self.files);
        let len = machine.chance(|chance| chance.between(10, 5000));
        let name = format!("{} {file}", self.operation.id);
        let bytes = body::content(&name, usize::try_from(len).unwrap());
        let sha256 = match machine.chance(|chance| chance.one_in(2)) {
            true => body::sha256(&bytes),
            false => String::new(),
        };
        let artifact = Announced::Artifact {
            role: role.into(),
            file: file.clone(),
            format: "raw".into(),
            virtual_size: 4096,
            sha256,
            media_type: String::new(),
        };
        let (first, second) = bytes.split_at(bytes.len() / 2);
        self.write(&file, first)?;
        self.pause("a plugin writes").await?;
        if self.plugins.vice != Vice::AnnouncesTooEarly {
            self.write(&file, second)?;
        }
        self.tell(artifact).await
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<(), Error> {
        if self.plugins.machine.full_for_plugins() {
            return Err(failure("SIM_DISK_FULL"));
        }
        let path = self.operation.work_dir.join(file);
        let opened = std::fs::File::options().append(true).create(true).open(path);
        opened.and_then(|mut file| file.write_all(bytes)).map_err(|_| failure("SIM_NO_WORK_DIR"))
    }

    /// Creates something in the cloud: announced before, confirmed after.
    pub(crate) async fn create(&mut self, intent: &str) -> Result<Thing, Error> {
        if self.plugins.vice != Vice::CreatesUnannounced {
            self.tell(self.resource(ResourceState::Intent, intent, "")).await?;
        }
        self.created.push(intent.to_owned());
        self.pause("a plugin creates").await?;
        let (token, image) = (self.token(intent), self.operation.image.as_str());
        let thing = self.plugins.cloud.create(&token, image, intent);
        self.plugins.machine.note(format!("{} is created in the cloud: {token}", thing.id));
        self.pause("a plugin has created").await?;
        self.tell(self.resource(ResourceState::Created, intent, &thing.id)).await?;
        Ok(thing)
    }

    /// Deletes what it created, and confirms that.
    pub(crate) async fn delete(&mut self, intent: &str) -> Result<(), Error> {
        self.pause("a plugin deletes").await?;
        self.plugins.cloud.delete_token(&self.token(intent));
        self.created.retain(|created| created != intent);
        self.confirm_deleted(intent).await
    }

    pub(crate) async fn confirm_deleted(&mut self, intent: &str) -> Result<(), Error> {
        self.tell(self.resource(ResourceState::Deleted, intent, "")).await
    }

    /// Settles what an earlier operation left over.
    pub(crate) async fn settle(&mut self, open: &OpenIntent) -> Result<(), Error> {
        self.pause("a plugin settles").await?;
        if self.fate.is_now() {
            self.meet_fate().await?;
        }
        let (resource, intent) = (&open.resource, &open.resource.intent_id);
        let token = format!("{}/{intent}", resource.operation);
        let cloud = &self.plugins.cloud;
        let of = |state, id: &str| match self.resource(state, intent, id) {
            Announced::Resource(told) => {
                Announced::Resource(Resource { operation: resource.operation.clone(), ..told })
            }
            other => other,
        };
        if let Some(thing) = cloud.find(&token).filter(|_| open.adopt) {
            return self.tell(of(ResourceState::Created, &thing.id)).await;
        }
        if self.plugins.vice != Vice::DeletesNothing {
            cloud.delete_token(&token);
        }
        self.plugins.machine.note(format!("{token} is settled"));
        self.pause("a plugin has settled").await?;
        self.tell(of(ResourceState::Deleted, "")).await
    }

    fn token(&self, intent: &str) -> String {
        format!("{}/{intent}", self.operation.id)
    }

    fn resource(&self, state: ResourceState, intent: &str, id: &str) -> Announced {
        Announced::Resource(Resource {
            state,
            intent_id: intent.to_owned(),
            kind: "thing".to_owned(),
            description: String::new(),
            locator_json: String::new(),
            resource_id: id.to_owned(),
            lasting: intent == "image",
            plugin: String::new(),
            operation: self.operation.id.to_string(),
        })
    }

    /// Ends: what ends badly is cleaned up after, unless it crashed.
    pub(crate) async fn end(mut self, done: Result<(), Error>) -> Result<(), Error> {
        let crashed = matches!(&done, Err(Error::Failed(failure)) if failure.reason == Failure::PLUGIN_CRASHED);
        let ended = if done.is_ok() { "well" } else { "badly" };
        self.plugins.machine.note(format!("{} ends {ended}", self.operation.id));
        if crashed {
            return done;
        }
        let mut left: Vec<String> = self.created.clone();
        if done.is_ok() {
            left.retain(|intent| intent != "image");
        }
        while let Some(intent) = left.pop() {
            // The factory settles what it did not hear of.
            _ = self.delete(&intent).await;
        }
        self.pause("a plugin ends").await.and(done)
    }
}

fn failure(reason: &str) -> Error {
    Failure::new(Fault::Plugin, reason, "as fate will have it").into()
}
