//! A cloud: what is in it outlives every crash of the machine.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Something in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    /// The provider's identifier.
    pub(crate) id: String,
    /// The image it was made for.
    pub(crate) image: String,
    /// The plugin's name for it.
    pub(crate) intent: String,
}

/// All there is in the cloud, by the token that it was tagged with.
#[derive(Debug, Default)]
pub(crate) struct Cloud(Mutex<(u64, BTreeMap<String, Thing>)>);

impl Cloud {
    /// Creates something, or answers what there is with this token already.
    pub(crate) fn create(&self, token: &str, image: &str, intent: &str) -> Thing {
        let (made, things) = &mut *self.0.lock().unwrap();
        let thing = things.entry(token.to_owned()).or_insert_with(|| {
            *made += 1;
            let (image, intent) = (image.to_owned(), intent.to_owned());
            Thing { id: format!("thing-{made}"), image, intent }
        });
        thing.clone()
    }

    /// Answers what has this token.
    pub(crate) fn find(&self, token: &str) -> Option<Thing> {
        self.0.lock().unwrap().1.get(token).cloned()
    }

    /// Deletes what has this token; it may be gone already.
    pub(crate) fn delete_token(&self, token: &str) {
        self.0.lock().unwrap().1.remove(token);
    }

    /// Deletes what has this identifier; it may be gone already. Answers what it was.
    pub(crate) fn delete_id(&self, id: &str) -> Option<Thing> {
        let things = &mut self.0.lock().unwrap().1;
        let token = things.iter().find(|(_, thing)| thing.id == id)?.0.clone();
        things.remove(&token)
    }

    pub(crate) fn things(&self) -> Vec<Thing> {
        self.0.lock().unwrap().1.values().cloned().collect()
    }
}
