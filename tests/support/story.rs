//! What a `--json` run of the command line told: its images and their events.

use super::program::Ended;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The lines of a run.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    lines: Vec<Value>,
}

impl Story {
    /// Reads what a program printed.
    #[track_caller]
    pub(crate) fn of(ended: &Ended) -> Self {
        let parse = |line| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {line}\n{}", ended.stderr),
        };
        Self { lines: ended.stdout.lines().map(parse).collect() }
    }

    /// Returns the images as they were at the end, in the order in which they were first named.
    pub(crate) fn images(&self) -> Vec<&Value> {
        let named: Vec<&Value> = self.lines.iter().filter_map(|line| line.get("image")).collect();
        let mut images: Vec<&Value> = Vec::new();
        for image in named {
            match images.iter_mut().find(|known| known["id"] == image["id"]) {
                Some(known) => *known = image,
                None => images.push(image),
            }
        }
        images
    }

    /// Returns the image for a target; of an empty one, the base image.
    #[track_caller]
    pub(crate) fn image(&self, target: &str) -> &Value {
        let images = self.images();
        let wanted = |image: &&&Value| image["target"].as_str().unwrap_or_default() == target;
        images.iter().find(wanted).unwrap_or_else(|| panic!("no image for {target:?}: {images:#?}"))
    }

    /// Returns all events, in order.
    pub(crate) fn events(&self) -> Vec<&Value> {
        self.lines.iter().filter(|line| line.get("cursor").is_some()).collect()
    }

    /// Returns the events of an image.
    pub(crate) fn events_of(&self, id: &Value) -> Vec<&Value> {
        self.events().into_iter().filter(|event| event["image_id"] == *id).collect()
    }
}

/// Returns the path of an image's file.
#[track_caller]
pub(crate) fn file(image: &Value, role: &str) -> PathBuf {
    let artifacts = image["artifacts"].as_array().unwrap();
    let artifact = artifacts.iter().find(|artifact| artifact["role"] == role);
    let artifact = artifact.unwrap_or_else(|| panic!("no file {role}: {artifacts:#?}"));
    Path::new(artifact["path"].as_str().unwrap()).to_owned()
}

/// Returns what an image's error says in all its words, or what the image is if there is none.
pub(crate) fn complaint(image: &Value) -> String {
    image.get("error").unwrap_or(image).to_string()
}
