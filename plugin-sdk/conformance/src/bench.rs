//! What a case works with: the plugin, ways to start it, and a record of what happens.

use crate::call::Call;
use crate::case::Stop;
use crate::method::Method;
use crate::place::Place;
use crate::process::Launch;
use crate::reader::Reader;
use crate::request::Requests;
use crate::session::Session;
use crate::subject::Subject;
use crate::trace::Trace;
use crate::whole::Whole;
use factory_proto::plugin_v1::{DescribeResponse, PluginKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long it is watched that something does not happen.
pub(crate) const MOMENT: Duration = Duration::from_millis(600);

/// What a case works with.
#[derive(Debug)]
pub struct Bench {
    subject: Arc<Subject>,
    trace: Trace,
}

impl Bench {
    pub(crate) fn new(subject: Arc<Subject>) -> Self {
        Self { subject, trace: Trace::default() }
    }

    /// Returns the plugin.
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the plugin's executable.
    pub(crate) fn executable(&self) -> &Path {
        self.subject.executable()
    }

    /// Returns how long something may take that takes milliseconds.
    pub(crate) fn patience(&self) -> Duration {
        self.subject.patience()
    }

    /// Returns what happened so far.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Prepares a start as a factory does it.
    pub(crate) fn launch(&self) -> Result<Launch, Stop> {
        Launch::new(self.executable(), &self.trace)
    }

    /// Prepares a start where another one is or was.
    pub(crate) fn launch_at(&self, place: &Arc<Place>) -> Result<Launch, Stop> {
        Launch::at(place.clone(), self.executable(), &self.trace)
    }

    /// Starts the plugin and connects.
    pub(crate) async fn session(&self) -> Result<Session, Stop> {
        self.session_of(self.launch()?).await
    }

    /// Starts the plugin as prepared and connects.
    pub(crate) async fn session_of(&self, launch: Launch) -> Result<Session, Stop> {
        Session::open(launch, self.patience(), &self.trace).await
    }

    /// Returns what the plugin says of itself.
    pub(crate) async fn described(&self) -> Result<&DescribeResponse, Stop> {
        self.subject.described().await
    }

    /// Returns what happened in one run of all methods.
    pub(crate) async fn whole(&self) -> Result<&Whole, Stop> {
        self.subject.whole().await
    }

    /// Makes requests for a start of the plugin.
    pub(crate) async fn requests<'a>(&'a self, place: &'a Place) -> Result<Requests<'a>, Stop> {
        let described = self.described().await?;
        self.subject.requests(described, place)
    }

    /// Makes a request of the method that is interrupted, cancelled and repeated.
    pub(crate) async fn call(&self, session: &Session) -> Result<Call, Stop> {
        let requests = self.requests(session.place()).await?;
        requests.call(self.method().await?)
    }

    /// Makes such a request that lasts.
    pub(crate) async fn long_call(&self, session: &Session) -> Result<Call, Stop> {
        let call = self.call(session).await?;
        let long = self.subject.sample().and_then(|sample| sample.long.clone());
        Ok(call.with(&long.unwrap_or_default()))
    }

    /// Starts an operation that lasts, and waits until it has begun.
    pub(crate) async fn long(&self, session: &Session) -> Result<(Call, Reader), Stop> {
        let call = self.long_call(session).await?;
        let mut reader = session.start(&call).await?;
        reader.until("an event of an operation that lasts", |_| true).await?;
        Ok((call, reader))
    }

    /// Runs the method to its end. Returns the events that the plugin must still know, and the request that replays them.
    pub(crate) async fn finished(&self, session: &Session) -> Result<(Call, Reader), Stop> {
        let call = self.call(session).await?;
        let mut reader = session.start(&call).await?;
        reader.ended().await?;
        let acknowledged = reader.leave_out_acknowledged();
        Ok((call.after(acknowledged), reader))
    }

    /// Returns the method that is interrupted, cancelled and repeated.
    pub(crate) async fn method(&self) -> Result<Method, Stop> {
        let described = self.described().await?;
        let sample = self.subject.sample();
        let push = || {
            let declared = described.capabilities.iter().any(|name| name == "push");
            declared && sample.is_none_or(|sample| sample.allows(Method::PushImageToProvider))
        };
        let usual = match described.kind() {
            PluginKind::Cloud if push() => Method::PushImageToProvider,
            PluginKind::Cloud => Method::DidCreateTargetImage,
            PluginKind::Os | PluginKind::Unspecified => Method::CreateBaseImage,
        };
        Ok(sample.and_then(|sample| sample.method()).unwrap_or(usual))
    }
}
