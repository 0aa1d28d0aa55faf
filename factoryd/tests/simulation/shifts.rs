//! Who works on which image: no two at once.

use crate::machine::Machine;
use crate::process::Process;
use std::sync::{Arc, Mutex};

/// The work on images that plugins are at.
#[derive(Default)]
pub(crate) struct Shifts(Mutex<Vec<(String, Arc<Process>)>>);

/// The work of one plugin on one image, until dropped.
pub(crate) struct Shift {
    image: String,
    process: Arc<Process>,
    shifts: Arc<Shifts>,
}

impl Shifts {
    /// Begins work on an image, and says so if others are at it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        image: &str,
        process: &Arc<Process>,
        machine: &Machine,
    ) -> Shift {
        let mut all = self.0.lock().unwrap();
        let others = all.iter().filter(|(at, _)| at == image);
        if others.into_iter().any(|(_, other)| !other.has_lost_its_plugins()) {
            machine.wrong(format!("image {image} is worked on by two at once"));
        }
        all.push((image.to_owned(), process.clone()));
        let (image, process, shifts) = (image.to_owned(), process.clone(), self.clone());
        Shift { image, process, shifts }
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        let mut all = self.shifts.0.lock().unwrap();
        let this = |(image, process): &(String, Arc<Process>)| {
            *image == self.image && Arc::ptr_eq(process, &self.process)
        };
        if let Some(at) = all.iter().position(this) {
            all.remove(at);
        }
    }
}
