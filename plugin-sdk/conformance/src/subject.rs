//! The plugin that is checked, and what is found out of it once for all cases.

use crate::canary::Canary;
use crate::case::Stop;
use crate::place::Place;
use crate::process::Launch;
use crate::request::{Requests, text};
use crate::sample::Sample;
use crate::session::Session;
use crate::trace::Trace;
use crate::whole::Whole;
use factory_proto::plugin_v1::{DescribeResponse, PluginKind};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The plugin that is checked.
#[derive(Debug)]
pub struct Subject {
    executable: PathBuf,
    sample: Option<Sample>,
    kind: Option<PluginKind>,
    patience: Duration,
    root_password: Canary,
    credentials: Canary,
    parameter: Canary,
    described: OnceCell<Result<DescribeResponse, Stop>>,
    whole: OnceCell<Result<Whole, Stop>>,
}

impl Subject {
    pub(crate) fn new(
        executable: PathBuf,
        sample: Option<Sample>,
        kind: Option<PluginKind>,
        patience: Duration,
    ) -> Self {
        let mut credentials = Canary::new("credentials");
        if let Some(given) = sample.as_ref().and_then(|sample| sample.credentials.as_ref()) {
            credentials.value = text(given);
        }
        Self {
            executable,
            sample,
            kind,
            patience,
            root_password: Canary::new("os/rootpw"),
            credentials,
            parameter: Canary::new("parameter"),
            described: OnceCell::new(),
            whole: OnceCell::new(),
        }
    }

    /// Returns its executable.
    pub(crate) fn executable(&self) -> &Path {
        &self.executable
    }

    /// Returns what its author says of its operations.
    pub(crate) fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// Returns which kind it is said to be, if anybody said.
    pub(crate) fn kind(&self) -> Option<PluginKind> {
        self.kind
    }

    /// Returns how long something may take that takes milliseconds.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Returns the password that every template has.
    pub(crate) fn root_password(&self) -> &str {
        &self.root_password.value
    }

    /// Returns the credentials that every account has.
    pub(crate) fn credentials(&self) -> &str {
        &self.credentials.value
    }

    /// Returns what it says of itself; asked for once.
    pub(crate) async fn described(&self) -> Result<&DescribeResponse, Stop> {
        let described = self.described.get_or_init(|| self.describe()).await;
        described.as_ref().map_err(Stop::clone)
    }

    /// Returns what happened in a run of all methods that the sample allows; run once.
    pub(crate) async fn whole(&self) -> Result<&Whole, Stop> {
        let whole = self.whole.get_or_init(|| async {
            let described = self.described().await?;
            Whole::run(self, described).await
        });
        whole.await.as_ref().map_err(Stop::clone)
    }

    /// Makes requests for one start of it.
    pub(crate) fn requests<'a>(
        &'a self,
        described: &'a DescribeResponse,
        place: &'a Place,
    ) -> Result<Requests<'a>, Stop> {
        static NONE: std::sync::LazyLock<Sample> = std::sync::LazyLock::new(Sample::default);
        let sample = self.sample.as_ref().unwrap_or(&NONE);
        Ok(Requests { subject: self, described, sample, place })
    }

    /// Returns the names of the parameters that are secrets.
    pub(crate) fn sensitive(&self, described: &DescribeResponse) -> Vec<String> {
        let schema: Value =
            serde_json::from_str(&described.parameters_schema_json).unwrap_or_default();
        let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
        let marked = properties.iter().filter(|(_, it)| it["x-factory-sensitive"] == true);
        marked.map(|(name, _)| name.clone()).collect()
    }

    /// Returns the sensitive parameters that every request has.
    pub(crate) fn secret_parameters(
        &self,
        described: &DescribeResponse,
    ) -> impl Iterator<Item = (String, String)> {
        self.sensitive(described).into_iter().map(|name| {
            let given = self.sample.as_ref().and_then(|sample| sample.secrets.get(&name));
            let value = given.unwrap_or(&self.parameter.value).clone();
            (name, value)
        })
    }

    /// Returns all secrets that it is given.
    pub(crate) fn canaries(&self, described: &DescribeResponse) -> Vec<Canary> {
        let parameters = self.secret_parameters(described);
        let parameters =
            parameters.map(|(name, value)| Canary { name: format!("parameters.{name}"), value });
        let others = [self.root_password.clone(), self.credentials.clone()];
        others.into_iter().chain(parameters).collect()
    }

    async fn describe(&self) -> Result<DescribeResponse, Stop> {
        let trace = Trace::default();
        let launch = Launch::new(&self.executable, &trace)?;
        let mut session = Session::open(launch, self.patience, &trace).await?;
        let described = session.describe().await?;
        // That it ends is somebody else's case.
        let _ = session.stop().await;
        Ok(described)
    }
}
