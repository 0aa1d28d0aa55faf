//! Takes what a plugin says of what was left over.

use crate::delegate::{Announced, EventSink, OperationEvent, SinkError};
use crate::domain::{EventKind, Failure, Fault, ImageId, Resource, ResourceState};
use crate::report;
use crate::store::Store;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Writes down what becomes of what one operation left over, as events of its image.
pub(super) struct Settling {
    store: Store,
    image: ImageId,
    /// By intent: whether it may stay.
    asked: HashMap<String, bool>,
    remains: Mutex<HashMap<String, Failure>>,
}

impl Settling {
    /// Settles these intents of an image; each with whether it may stay.
    pub(super) fn new(store: Store, image: ImageId, asked: HashMap<String, bool>) -> Self {
        Self { store, image, asked, remains: Mutex::default() }
    }

    /// Answers why some remain, by intent.
    pub(super) fn remains(&self) -> HashMap<String, Failure> {
        self.remains.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn event(&self, what: Announced) -> Result<Option<EventKind>, SinkError> {
        Ok(match what {
            Announced::Resource(resource) => Some(EventKind::Resource(self.checked(resource)?)),
            Announced::ResourceRemains { intent_id, why } => {
                let mut remains = self.remains.lock().unwrap_or_else(PoisonError::into_inner);
                remains.insert(intent_id, *why);
                None
            }
            Announced::Log(line) => Some(EventKind::Log(line)),
            Announced::Warning(notice) => Some(EventKind::Warning(notice)),
            // The image is settled: nothing of it changes any more.
            _ => None,
        })
    }

    /// Believes only what was asked.
    fn checked(&self, resource: Resource) -> Result<Resource, SinkError> {
        let allowed = match resource.state {
            ResourceState::Intent => false,
            ResourceState::Created => self.asked.get(&resource.intent_id) == Some(&true),
            ResourceState::Deleted => self.asked.contains_key(&resource.intent_id),
        };
        if allowed {
            return Ok(resource);
        }
        let (state, intent) = (resource.state.as_str(), &resource.intent_id);
        let message = format!("the plugin says that {intent} is {state}, which it was not asked");
        Err(SinkError(Box::new(Failure::new(Fault::Plugin, "PROTOCOL_VIOLATION", message))))
    }
}

#[async_trait]
impl EventSink for Settling {
    async fn accept(&self, events: Vec<OperationEvent>) -> Result<(), SinkError> {
        let mut batch: Vec<(SystemTime, EventKind)> = Vec::new();
        for event in events {
            batch.extend(self.event(event.what)?.map(|kind| (event.time, kind)));
        }
        let written = self.store.append(&self.image, batch).await;
        written.map(drop).map_err(|error| {
            let message = report::chain(&error).to_string();
            SinkError(Box::new(Failure::new(Fault::Factory, "STORE_FAILED", message)))
        })
    }
}
