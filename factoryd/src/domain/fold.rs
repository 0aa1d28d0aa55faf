//! How an image follows from its events.

use super::{
    Artifact, CloudIdentifiers, Event, EventKind, IllegalTransition, Image, Progress, Status,
};
use serde_json::Value;

impl Image {
    /// Lets the image be what it is after `event`; its first event is New → New.
    ///
    /// # Errors
    /// If the event is a step that the diagram of [`Status`] does not have, or one from where the image is not. The image
    /// is then as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalTransition> {
        match &event.kind {
            EventKind::Status { from, to, failure } => {
                self.step(*from, *to)?;
                if matches!(to, Status::Failed | Status::DeleteFailed) {
                    self.failure.clone_from(failure);
                }
            }
            EventKind::Progress(progress) => self.advance(progress),
            EventKind::Property { key, value_json } => self.set_property(key, value_json),
            EventKind::Artifact(artifact) => self.put_artifact(artifact),
            EventKind::Packages(packages) => self.icicle_xml = Some(packages.icicle_xml.clone()),
            EventKind::CloudIdentifiers(identifiers) => self.identifiers.learn(identifiers),
            EventKind::Log(_) | EventKind::Warning(_) | EventKind::Resource(_) => {}
        }
        self.updated = event.time;
        self.last_cursor = event.cursor;
        Ok(())
    }

    fn step(&mut self, from: Status, to: Status) -> Result<(), IllegalTransition> {
        let recorded = self.last_cursor == 0 && self.status == Status::New;
        if recorded && (from, to) == (Status::New, Status::New) {
            return Ok(());
        }
        if from != self.status {
            return Err(IllegalTransition { from: self.status, to });
        }
        self.enter(to)
    }

    fn enter(&mut self, to: Status) -> Result<(), IllegalTransition> {
        let tried_again = (self.status, to) == (Status::Failed, Status::Pending);
        self.status = self.status.become_(to)?;
        if tried_again {
            self.attempt += 1;
            self.percent = 0.0;
            self.failure = None;
        }
        match to {
            Status::Complete => {
                self.percent = 100.0;
                self.failure = None;
            }
            Status::Deleted => {
                self.artifacts.clear();
                self.failure = None;
            }
            _ => {}
        }
        if to.is_settled() {
            self.activity.clear();
        }
        Ok(())
    }

    fn advance(&mut self, progress: &Progress) {
        // `max` and not `clamp` first: a percent that is no number must leave the image's alone.
        self.percent = self.percent.max(progress.percent).min(100.0);
        if !progress.activity.is_empty() {
            self.activity.clone_from(&progress.activity);
        } else if !progress.phase.is_empty() {
            self.activity.clone_from(&progress.phase);
        }
    }

    fn set_property(&mut self, key: &str, value_json: &str) {
        match serde_json::from_str(value_json) {
            Ok(Value::Null) => _ = self.properties.0.shift_remove(key),
            Ok(value) => _ = self.properties.0.insert(key.to_owned(), value),
            // Whoever made the event let a bare word pass for JSON; the word is worth more than nothing.
            Err(_) => _ = self.properties.0.insert(key.to_owned(), Value::from(value_json)),
        }
    }

    fn put_artifact(&mut self, artifact: &Artifact) {
        match self.artifacts.iter_mut().find(|known| known.role == artifact.role) {
            Some(known) => known.clone_from(artifact),
            None => self.artifacts.push(artifact.clone()),
        }
    }
}

impl CloudIdentifiers {
    /// Takes over what `news` knows; an empty field there says nothing.
    fn learn(&mut self, news: &Self) {
        if !news.identifier_on_provider.is_empty() {
            self.identifier_on_provider.clone_from(&news.identifier_on_provider);
        }
        if !news.provider_account_identifier.is_empty() {
            self.provider_account_identifier.clone_from(&news.provider_account_identifier);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, Fault, ImageId, Kind, PackageList};
    use super::*;
    use serde_json::json;
    use std::time::{Duration, SystemTime};

    fn image() -> Image {
        let id = ImageId::parse("0192f3a4-5b6c-7d8e-9f01-23456789abcd").unwrap();
        Image {
            name: "example".to_owned(),
            template_xml: "<template/>".to_owned(),
            ..Image::asked_for(id, Kind::Base, SystemTime::UNIX_EPOCH)
        }
    }

    fn tell(image: &mut Image, kind: EventKind) -> Result<(), IllegalTransition> {
        let cursor = image.last_cursor + 1;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(cursor);
        image.apply(&Event { cursor, image: image.id.clone(), time, kind })
    }

    fn step(from: Status, to: Status) -> EventKind {
        EventKind::Status { from, to, failure: None }
    }

    fn walk(image: &mut Image, path: &[Status]) {
        for pair in path.windows(2) {
            tell(image, step(pair[0], pair[1])).unwrap();
        }
    }

    fn progress(percent: f64, phase: &str, activity: &str) -> EventKind {
        let (phase, activity) = (phase.to_owned(), activity.to_owned());
        EventKind::Progress(Progress { percent, phase, activity, ..Progress::default() })
    }

    fn disk(role: &str, path: &str) -> Artifact {
        Artifact {
            role: role.to_owned(),
            path: path.into(),
            format: "raw".to_owned(),
            size: 1,
            virtual_size: 1,
            sha256: "0".repeat(64),
            media_type: String::new(),
        }
    }

    #[test]
    fn the_first_event_records_and_no_later_one_does() {
        let mut image = image();
        tell(&mut image, step(Status::New, Status::New)).unwrap();
        assert_eq!((image.last_cursor, image.status), (1, Status::New));
        assert!(tell(&mut image, step(Status::New, Status::New)).is_err());
    }

    #[test]
    fn a_refused_step_leaves_the_image_as_it_was() {
        use Status::*;
        let mut image = image();
        walk(&mut image, &[New, Pending, Building]);
        let before = image.clone();
        for (from, to) in [(Building, Pending), (Pending, Building), (Complete, Deleting)] {
            let refused = tell(&mut image, step(from, to)).unwrap_err();
            assert_eq!(refused, IllegalTransition { from: Building, to });
            assert_eq!(image, before);
        }
    }

    #[test]
    fn percent_never_falls_and_nonsense_does_not_count() {
        let mut image = image();
        for (told, shown) in
            [(10.0, 10.0), (5.0, 10.0), (f64::NAN, 10.0), (-3.0, 10.0), (250.0, 100.0)]
        {
            tell(&mut image, progress(told, "", "")).unwrap();
            assert_eq!(image.percent, shown, "after {told}");
        }
    }

    #[test]
    fn the_activity_is_the_latest_known_and_ends_with_the_work() {
        use Status::*;
        let mut image = image();
        walk(&mut image, &[New, Pending, Building]);
        for (phase, activity, shown) in [
            ("install", "", "install"),
            ("install", "unpacking", "unpacking"),
            ("", "", "unpacking"),
        ] {
            tell(&mut image, progress(1.0, phase, activity)).unwrap();
            assert_eq!(image.activity, shown);
        }
        walk(&mut image, &[Building, Complete]);
        assert_eq!((image.activity.as_str(), image.percent), ("", 100.0));
    }

    #[test]
    fn a_failure_belongs_to_the_status_it_came_with() {
        use Status::*;
        let mut image = image();
        walk(&mut image, &[New, Pending, Building]);
        for (from, to) in [(Building, Failed), (Deleting, DeleteFailed)] {
            let failure = Some(Failure::new(Fault::Host, "NO_TOOL", format!("{to}")));
            tell(&mut image, EventKind::Status { from, to, failure: failure.clone() }).unwrap();
            assert_eq!(image.failure, failure);
            tell(&mut image, step(to, Deleting)).unwrap();
            assert_eq!(image.failure, failure);
        }
        tell(&mut image, step(Deleting, Deleted)).unwrap();
        assert_eq!(image.failure, None);
    }

    #[test]
    fn an_image_that_is_tried_again_begins_anew() {
        use Status::*;
        let mut image = image();
        walk(&mut image, &[New, Pending, Building]);
        tell(&mut image, progress(50.0, "", "")).unwrap();
        let failure = Some(Failure::new(Fault::Host, "NO_TOOL", "no tool"));
        tell(&mut image, EventKind::Status { from: Building, to: Failed, failure }).unwrap();
        walk(&mut image, &[Failed, Pending]);
        assert_eq!((image.attempt, image.percent, &image.failure), (2, 0.0, &None));
    }

    #[test]
    fn properties_are_set_replaced_and_removed() {
        let mut image = image();
        for (key, value) in [("a", "1"), ("b", "{\"c\":[2]}"), ("a", "null"), ("d", "no json")] {
            let (key, value_json) = (key.to_owned(), value.to_owned());
            tell(&mut image, EventKind::Property { key, value_json }).unwrap();
        }
        let shown = serde_json::Value::from(image.properties.0);
        assert_eq!(shown, json!({"b": {"c": [2]}, "d": "no json"}));
    }

    #[test]
    fn a_second_artifact_of_a_role_takes_the_place_of_the_first() {
        use Status::*;
        let mut image = image();
        walk(&mut image, &[New, Pending, Building]);
        for (role, path) in [("disk", "/a"), ("rootfs", "/b"), ("disk", "/c")] {
            tell(&mut image, EventKind::Artifact(disk(role, path))).unwrap();
        }
        assert_eq!(image.artifacts, [disk("disk", "/c"), disk("rootfs", "/b")]);
        walk(&mut image, &[Building, Complete, Deleting, Deleted]);
        assert_eq!(image.artifacts, []);
    }

    #[test]
    fn packages_and_identifiers_are_kept_and_unknown_identifiers_do_not_erase() {
        let mut image = image();
        let icicle_xml = "<icicle/>".to_owned();
        tell(&mut image, EventKind::Packages(PackageList { count: 0, icicle_xml })).unwrap();
        for (image_name, account) in [("ami-1", ""), ("", "42")] {
            let identifiers = CloudIdentifiers {
                identifier_on_provider: image_name.to_owned(),
                provider_account_identifier: account.to_owned(),
            };
            tell(&mut image, EventKind::CloudIdentifiers(identifiers)).unwrap();
        }
        assert_eq!(image.icicle_xml.as_deref(), Some("<icicle/>"));
        assert_eq!(image.identifiers.identifier_on_provider, "ami-1");
        assert_eq!(image.identifiers.provider_account_identifier, "42");
    }

    #[test]
    fn every_event_moves_the_time_and_the_cursor() {
        let mut image = image();
        tell(&mut image, progress(1.0, "", "")).unwrap();
        tell(&mut image, progress(2.0, "", "")).unwrap();
        assert_eq!(image.updated, SystemTime::UNIX_EPOCH + Duration::from_secs(2));
        assert_eq!(image.last_cursor, 2);
    }
}
