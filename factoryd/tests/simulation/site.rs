//! What all processes of a run share, and how one begins.

use crate::cloud::Cloud;
use crate::machine::Machine;
use crate::plugins::{Plugins, Vice};
use crate::process::Process;
use crate::promises::{Promises, Record};
use crate::shifts::Shifts;
use crate::story::Story;
use factoryd::factory::{Factory, Options, Parts, Service};
use factoryd::secrets::Secrets;
use factoryd::store::{self, Faults, Store};
use std::sync::{Arc, Mutex};

/// What all processes of a run share.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) machine: Arc<Machine>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) story: Arc<Story>,
    pub(crate) options: Options,
    vice: Vice,
    secrets: Secrets,
    shifts: Arc<Shifts>,
    /// The factories beside the first one in this life.
    seconds: Arc<Mutex<Vec<Arc<Process>>>>,
}

impl Site {
    pub(crate) fn new(
        machine: &Arc<Machine>,
        story: Arc<Story>,
        options: Options,
        vice: Vice,
        secrets: Secrets,
    ) -> Self {
        let (machine, cloud) = (machine.clone(), Arc::default());
        let (shifts, seconds) = (Arc::default(), Arc::default());
        Self { machine, cloud, story, options, vice, secrets, shifts, seconds }
    }

    /// Opens the store in a process, and makes its factory.
    pub(crate) fn open(
        &self,
        process: &Arc<Process>,
    ) -> Result<(Factory, Service, Store), store::Error> {
        let options = store::Options { root: self.machine.root() };
        let faults: Arc<dyn Faults> = process.clone();
        let store = self.machine.drive(Store::open_with(options, faults))?;
        let plugins = Plugins {
            machine: self.machine.clone(),
            process: process.clone(),
            shifts: self.shifts.clone(),
            cloud: self.cloud.clone(),
            vice: self.vice,
        };
        let mut parts = Parts::new(store.clone(), Arc::new(plugins));
        parts.secrets = self.secrets.clone();
        let (factory, service) = Factory::new(parts, self.options.clone());
        Ok((factory, service, store))
    }

    /// Makes a process beside the first one.
    pub(crate) fn second(&self) -> Arc<Process> {
        let process = Process::second(&self.machine);
        self.seconds.lock().unwrap().push(process.clone());
        process
    }

    /// Ends all processes beside the first one; answers whether there were any in this life.
    pub(crate) fn bury_seconds(&self) -> bool {
        let seconds = std::mem::take(&mut *self.seconds.lock().unwrap());
        seconds.iter().for_each(|process| process.die("the end of the story"));
        !seconds.is_empty()
    }

    pub(crate) fn promises<'a>(&'a self, record: &'a Record) -> Promises<'a> {
        Promises { machine: &self.machine, record, cloud: &self.cloud }
    }
}
