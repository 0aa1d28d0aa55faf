//! One run of every method that a plugin serves and its sample allows, in the order of an image's life. It is watched from
//! all sides, so that many cases have only to look at what was seen.

use crate::artifact::{Measured, measure};
use crate::call::Call;
use crate::case::Stop;
use crate::method::{self, Method};
use crate::place::Place;
use crate::process::Launch;
use crate::reader::{Batch, Reader, is_terminal};
use crate::request::Requests;
use crate::session::Session;
use crate::spy::Spy;
use crate::subject::Subject;
use crate::trace::Trace;
use factory_proto::plugin_v1::{
    Artifact, CloudIdentifiers, DescribeResponse, Event, InputImage, event::Kind,
};
use std::path::PathBuf;
use std::sync::Arc;
use tonic::Code;

/// What was seen of a run of all methods.
#[derive(Debug)]
pub(crate) struct Whole {
    /// One for each method that was run to its end.
    pub(crate) transcripts: Vec<Transcript>,
    /// Why a method that was tried has no transcript.
    pub(crate) stopped: Vec<(Method, Stop)>,
    /// Optional methods that it does not have.
    pub(crate) lacking: Vec<Method>,
    /// What it wrote to standard error and to standard output after the handshake.
    pub(crate) stderr: String,
    pub(crate) stdout: String,
    /// The argument lists and environments of all of its processes, at many moments.
    pub(crate) arguments: String,
    pub(crate) environments: String,
    /// The image that the methods read: before and after.
    pub(crate) inputs: Vec<(PathBuf, Measured)>,
    /// Where it worked. Still there.
    pub(crate) place: Arc<Place>,
}

/// One operation from its request to its end.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) method: Method,
    pub(crate) events: Vec<Event>,
    pub(crate) batches: Vec<Batch>,
    /// How the stream ended: `None` in order.
    pub(crate) broken_off: Option<String>,
    pub(crate) work_dir: PathBuf,
    /// Each artifact, and what its file was when it was announced.
    pub(crate) artifacts: Vec<(Artifact, Result<Measured, String>)>,
}

impl Transcript {
    /// Returns the kinds of all events, in order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.events.iter().filter_map(|event| event.kind.as_ref())
    }

    /// Returns the terminal event.
    pub(crate) fn terminal(&self) -> Option<&Kind> {
        self.kinds().find(|kind| is_terminal(kind))
    }

    /// Returns what the provider calls the image.
    pub(crate) fn identifiers(&self) -> Option<&CloudIdentifiers> {
        self.kinds().find_map(|kind| match kind {
            Kind::CloudIdentifiers(identifiers) => Some(identifiers),
            _ => None,
        })
    }
}

impl Whole {
    /// Runs everything.
    pub(crate) async fn run(subject: &Subject, described: &DescribeResponse) -> Result<Self, Stop> {
        let trace = Trace::default();
        let launch = Launch::new(subject.executable(), &trace)?;
        let mut session = Session::open(launch, subject.patience(), &trace).await?;
        let place = session.process.place().clone();
        let requests = subject.requests(described, &place)?;
        let image = requests.image()?;
        let spy = Spy::on(session.process.mark());
        let mut whole = Self::empty(&image, place.clone())?;
        for method in method::ALL.into_iter().filter(|method| is_served(*method, described)) {
            if requests.sample.allows(method) && subject.sample().is_some() {
                whole.add(method, &session, &requests).await;
            }
        }
        // How it ends is other cases' matter.
        let _ = session.stop().await;
        (whole.arguments, whole.environments) = spy.seen();
        (whole.stderr, whole.stdout) = (session.process.stderr(), session.process.stdout());
        Ok(whole)
    }

    /// Returns the transcript of a method, or stops the case if there is none.
    pub(crate) fn transcript(&self, method: Method) -> Result<&Transcript, Stop> {
        if let Some((_, why)) = self.stopped.iter().find(|(stopped, _)| *stopped == method) {
            return Err(why.clone());
        }
        let found = self.transcripts.iter().find(|transcript| transcript.method == method);
        found.ok_or_else(|| Stop::NotApplicable(format!("{} was not run", method.name())))
    }

    fn empty(image: &InputImage, place: Arc<Place>) -> Result<Self, Stop> {
        let paths = image.artifacts.iter().map(|artifact| PathBuf::from(&artifact.path));
        let inputs =
            paths.map(|path| measure(&path).map(|it| (path, it))).collect::<Result<_, _>>()?;
        Ok(Self {
            transcripts: Vec::new(),
            stopped: Vec::new(),
            lacking: Vec::new(),
            stderr: String::new(),
            stdout: String::new(),
            arguments: String::new(),
            environments: String::new(),
            inputs,
            place,
        })
    }

    async fn add(&mut self, method: Method, session: &Session, requests: &Requests<'_>) {
        let call = match method {
            Method::DeleteFromProvider => match self.pushed() {
                Some(identifiers) => requests.delete(identifiers),
                None => return,
            },
            _ => requests.call(method),
        };
        let call = match call {
            Ok(call) => call,
            Err(stop) => return self.stopped.push((method, stop)),
        };
        match session.start(&call).await {
            Ok(mut reader) => match Transcript::read(&call, &mut reader).await {
                Ok(transcript) => self.transcripts.push(transcript),
                Err(Lacking) => self.lacking.push(method),
            },
            Err(refusal) if refusal.code() == Code::Unimplemented && method.is_optional() => {
                self.lacking.push(method);
            }
            Err(refusal) => self.stopped.push((method, refusal.into())),
        }
    }

    fn pushed(&self) -> Option<CloudIdentifiers> {
        self.transcripts.iter().find_map(Transcript::identifiers).cloned()
    }
}

/// The plugin does not have the method.
struct Lacking;

impl Transcript {
    async fn read(call: &Call, reader: &mut Reader) -> Result<Self, Lacking> {
        let work_dir = PathBuf::from(call.header.as_ref().map_or("", |it| &it.work_dir));
        let mut artifacts = Vec::new();
        let broken_off = loop {
            match reader.next().await {
                Ok(None) => break None,
                Ok(Some(Event { kind: Some(Kind::Artifact(artifact)), .. })) => {
                    let measured = measure(&work_dir.join(&artifact.path));
                    artifacts.push((artifact, measured.map_err(|error| error.to_string())));
                }
                Ok(Some(_)) => {}
                Err(Stop::Broken(why))
                    if reader.events.is_empty() && why.contains("UNIMPLEMENTED") =>
                {
                    return Err(Lacking);
                }
                Err(Stop::Broken(why) | Stop::Kit(why) | Stop::NotApplicable(why)) => {
                    break Some(why);
                }
            }
        };
        let (events, batches) = (reader.events.clone(), reader.batches.clone());
        Ok(Self { method: call.method, events, batches, broken_off, work_dir, artifacts })
    }
}

/// Tells whether a plugin must serve a method, or may.
fn is_served(method: Method, described: &DescribeResponse) -> bool {
    let declared = |name: &str| described.capabilities.iter().any(|it| it == name);
    method != Method::Reconcile
        && method.kind() == described.kind()
        && method.capability().is_none_or(declared)
}
