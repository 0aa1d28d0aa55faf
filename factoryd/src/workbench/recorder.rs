//! The recorder: passes calls on to a plugin, and writes them down.

use super::call::open;
use super::message::{self, Method};
use super::record::{Direction, Error as RecordError, Line, Writer};
use super::serve::{Answers, Error, Messages, Served};
use super::status;
use crate::redact::Redactor;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// Passes calls on to a plugin, and writes them down.
pub struct Recorder {
    to: Channel,
    book: Arc<Book>,
}

struct Book {
    writer: Writer,
    calls: AtomicU64,
    secrets: Mutex<Vec<String>>,
}

impl Recorder {
    /// Begins a new file, in which the calls to a plugin are written.
    ///
    /// # Errors
    /// If the file is there already, or can't be made.
    pub fn new(to: Channel, file: &Path) -> Result<Self, RecordError> {
        let writer = Writer::create(file)?;
        let book = Book { writer, calls: AtomicU64::new(0), secrets: Mutex::default() };
        Ok(Self { to, book: Arc::new(book) })
    }

    /// Records until `end` is over.
    ///
    /// # Errors
    /// If serving breaks off.
    pub async fn run(self, served: Served, end: impl Future<Output = ()>) -> Result<(), Error> {
        served.run(Arc::new(self), end).await
    }
}

impl Answers for Recorder {
    fn answer(&self, path: String, request: Bytes) -> BoxFuture<'static, Result<Messages, Status>> {
        let (to, book) = (self.to.clone(), Arc::clone(&self.book));
        Box::pin(async move {
            let Ok(method) = Method::find(&path) else {
                // Not of the contract, such as health: passed on, and not written down.
                let answers = open(to, path, request).await?;
                return Ok(Box::pin(answers) as Messages);
            };
            let call =
                Call { number: book.calls.fetch_add(1, Ordering::Relaxed) + 1, method, book };
            call.note(Direction::Request, call.method.request(), &request);
            match open(to, path, request).await {
                Ok(answers) => Ok(call.pass_on(answers)),
                Err(status) => {
                    call.end(&status);
                    Err(status)
                }
            }
        })
    }
}

/// One call that is written down.
struct Call {
    number: u64,
    method: Method,
    book: Arc<Book>,
}

impl Call {
    fn pass_on(self, answers: Streaming<Bytes>) -> Messages {
        let noted = stream::unfold((self, Some(answers)), |(call, answers)| async move {
            let mut answers = answers?;
            match answers.message().await {
                Ok(Some(bytes)) => {
                    call.note(Direction::Response, call.method.response(), &bytes);
                    Some((Ok(bytes), (call, Some(answers))))
                }
                Ok(None) => {
                    call.end(&Status::ok(""));
                    None
                }
                Err(status) => {
                    call.end(&status);
                    Some((Err(status), (call, None)))
                }
            }
        });
        noted.boxed()
    }

    fn note(&self, direction: Direction, kind: MessageDescriptor, bytes: &Bytes) {
        match message::from_bytes(kind, bytes.clone()) {
            Ok(message) => self.write(direction, self.book.told(message)),
            Err(error) => self.write(direction, json!({ "unreadable": error.to_string() })),
        }
    }

    fn end(&self, status: &Status) {
        self.write(Direction::End, status::to_value(status, &self.book.redactor()));
    }

    fn write(&self, direction: Direction, message: Value) {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let (call, method) = (self.number, self.method.name());
        self.book.writer.add(&Line { time, call, method, direction, message });
    }
}

impl Book {
    /// Answers a message as JSON without secrets: those in it, and those that were seen before, wherever they stand.
    fn told(&self, mut message: DynamicMessage) -> Value {
        let found = message::take_secrets(&mut message);
        if !found.is_empty() {
            let mut known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(found);
            known.sort_unstable();
            known.dedup();
        }
        let mut text = message::to_json(&message).to_string();
        self.redactor().clean_json(&mut text);
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn redactor(&self) -> Redactor {
        let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        Redactor::new(known.iter().map(String::as_str))
    }
}
