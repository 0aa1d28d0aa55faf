//! The player: answers calls as a record has it, so that a factory can be tried without the plugin.
//!
//! Calls of a method are answered in the order in which they were recorded; once all are used, as the last one was. Files that
//! were announced are made anew, with holes for content: a record has none.

use super::message::{self, Method};
use super::record::{self, Direction, Error as RecordError, Line};
use super::serve::{Answers, Error, Messages, Served};
use super::status;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tonic::Status;

/// Answers calls as a record has it.
pub struct Player {
    name: String,
    calls: Mutex<HashMap<String, Vec<Recorded>>>,
}

/// How a call was answered.
#[derive(Debug, Clone, Default)]
struct Recorded {
    responses: Vec<Value>,
    end: Value,
}

impl Player {
    /// Reads a record.
    ///
    /// # Errors
    /// If it can't be read, or does not tell which plugin it is of.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let lines = record::read(path)?;
        let described = lines
            .iter()
            .find(|line| line.method == "Plugin/Describe" && line.direction == Direction::Response);
        let name = described.and_then(|line| line.message["name"].as_str());
        let name = name.ok_or_else(|| RecordError::NoDescription(path.to_owned()))?.to_owned();
        Ok(Self { name, calls: Mutex::new(by_method(lines)) })
    }

    /// Answers the name of the plugin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Plays until `end` is over.
    ///
    /// # Errors
    /// If serving breaks off.
    pub async fn run(self, served: Served, end: impl Future<Output = ()>) -> Result<(), Error> {
        served.run(Arc::new(self), end).await
    }

    /// Answers the next recorded call of a method; the last one stays.
    fn next(&self, method: &str) -> Option<Recorded> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let of_method = calls.get_mut(method)?;
        match of_method.len() {
            0 => None,
            1 => of_method.first().cloned(),
            _ => Some(of_method.remove(0)),
        }
    }

    fn play(&self, path: &str, request: Bytes) -> Result<Messages, Status> {
        let unknown = |error: message::Error| Status::unimplemented(error.to_string());
        let method = Method::find(path).map_err(unknown)?;
        let missing =
            || Status::unimplemented(format!("the record has no call of {}", method.name()));
        let Recorded { mut responses, end } = self.next(&method.name()).ok_or_else(missing)?;
        let request = message::from_bytes(method.request(), request).map_err(unknown)?;
        let request = message::to_json(&request);
        let directory = request["header"]["work_dir"].as_str().unwrap_or_default();
        for file in responses.iter_mut().flat_map(files) {
            let made = make(Path::new(directory), file);
            made.map_err(|error| Status::internal(format!("a file can't be made: {error}")))?;
        }
        let kind = method.response();
        let bytes = responses.iter().map(|response| {
            let message = message::from_json(kind.clone(), &response.to_string());
            message.map(|it| message::to_bytes(&it)).map_err(|it| Status::internal(it.to_string()))
        });
        let end = status::from_value(&end).map(Err);
        let all: Vec<_> = bytes.chain(end).collect();
        Ok(Box::pin(stream::iter(all)))
    }
}

impl Answers for Player {
    fn answer(&self, path: String, request: Bytes) -> BoxFuture<'static, Result<Messages, Status>> {
        let answer = self.play(&path, request);
        Box::pin(std::future::ready(answer))
    }
}

/// Sorts lines into calls, and calls by their methods.
fn by_method(lines: Vec<Line>) -> HashMap<String, Vec<Recorded>> {
    let mut order: Vec<(u64, String)> = Vec::new();
    let mut calls: HashMap<u64, Recorded> = HashMap::new();
    for Line { call, method, direction, message, .. } in lines {
        if !calls.contains_key(&call) {
            order.push((call, method));
        }
        let recorded = calls.entry(call).or_default();
        match direction {
            Direction::Request => {}
            Direction::Response => recorded.responses.push(message),
            Direction::End => recorded.end = message,
        }
    }
    let mut sorted: HashMap<String, Vec<Recorded>> = HashMap::new();
    for (call, method) in order {
        sorted.entry(method).or_default().extend(calls.remove(&call));
    }
    sorted
}

/// Answers the files that a response announces.
fn files(response: &mut Value) -> Vec<&mut Value> {
    let events = response.get_mut("events").and_then(Value::as_array_mut);
    let events = events.into_iter().flatten();
    events.filter_map(|event| event.get_mut("artifact")).collect()
}

/// Makes a file of the size that was recorded; what its content was is not known, nor its digest any more.
fn make(directory: &Path, artifact: &mut Value) -> io::Result<()> {
    let name = artifact["path"].as_str().unwrap_or_default();
    let is_plain = Path::new(name).file_name().is_some_and(|plain| plain == name);
    if is_plain && directory.is_absolute() {
        let text = |key: &str| artifact[key].as_str().and_then(|size| size.parse::<u64>().ok());
        File::create(directory.join(name))?.set_len(text("size").unwrap_or_default())?;
    }
    if let Some(members) = artifact.as_object_mut() {
        members.remove("sha256");
    }
    Ok(())
}
