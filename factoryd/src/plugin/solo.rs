//! One plugin without a factory: for who writes it.

use super::host::Host;
use super::options::Options;
use super::{channel, discovery};
use crate::domain::{Failure, Fault};
use crate::sandbox::Mode;
use factory_proto::reattach::Reattach;
use serde_json::{Value, json};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

/// How long a plugin may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// One plugin that runs, and can be called.
pub struct Solo {
    name: String,
    channel: Channel,
    /// Who launched it; nobody here, if it was attached to.
    host: Option<Host>,
    _directory: Option<TempDir>,
}

impl Solo {
    /// Launches an executable that has described itself so (`PLUGIN describe`): without a sandbox, as its author runs it.
    ///
    /// # Errors
    /// If it can't be started, or its description has no name, kind and targets.
    pub async fn launch(executable: &Path, described: &Value) -> Result<Self, Failure> {
        let failed = |why: io::Error| {
            let message = format!("{} can't be launched: {why}", executable.display());
            Failure::new(Fault::Host, "NOT_LAUNCHED", message)
        };
        let name = described["name"].as_str().unwrap_or_default().to_owned();
        let directory = tempfile::tempdir().map_err(failed)?;
        let info = directory.path().join(format!("{name}.info"));
        std::fs::write(info, info_of(described).to_string()).map_err(failed)?;
        let executable = executable.canonicalize().map_err(failed)?;
        let program = directory.path().join(format!("{}{name}", discovery::PREFIX));
        symlink(executable, program).map_err(failed)?;
        let mut options =
            Options::new(vec![directory.path().to_owned()], Options::default_runtime_dir());
        options.sandbox.mode = Mode::Off;
        options.control_groups = false;
        let solo = Self::installed(options, &name).await?;
        Ok(Self { _directory: Some(directory), ..solo })
    }

    /// Starts an installed plugin as a factory does, or attaches to it, if these options say that it runs.
    ///
    /// # Errors
    /// If there is none of this name, or it can't be started.
    pub async fn installed(options: Options, name: &str) -> Result<Self, Failure> {
        if let Some(source) = &options.reattach {
            let found = source.find(name).map_err(|error| {
                let message = crate::report::chain(&error).to_string();
                Failure::new(Fault::User, "NOT_ATTACHED", message)
            });
            if let Some(to) = found? {
                return Self::attach(name, &to, options.timing.call_timeout).await;
            }
        }
        let host = Host::new(options).map_err(|error| {
            let message = crate::report::chain(&error).to_string();
            Failure::new(Fault::Host, "NOT_LAUNCHED", message)
        })?;
        let channel = host.channel(name).await?;
        Ok(Self { name: name.to_owned(), channel, host: Some(host), _directory: None })
    }

    async fn attach(name: &str, to: &Reattach, timeout: Duration) -> Result<Self, Failure> {
        let channel = channel::connect(&to.address(), None, timeout).await.map_err(|error| {
            let message = format!("plugin {name} does not listen on {}", to.addr.string);
            let failure = Failure::new(Fault::User, "NOT_ATTACHED", message);
            failure.detail(crate::report::chain(&error).to_string())
        })?;
        Ok(Self { name: name.to_owned(), channel, host: None, _directory: None })
    }

    /// Answers its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Answers the way to it.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Ends it, if it was launched here.
    pub async fn stop(self) {
        if let Some(host) = &self.host
            && let Err(late) = host.stop(STOP_DEADLINE).await
        {
            tracing::warn!(%late, "a plugin was killed");
        }
    }
}

/// Answers the `.info` file that goes with a description.
fn info_of(described: &Value) -> Value {
    let kind = described["kind"].as_str().unwrap_or_default();
    let kind = kind.trim_start_matches("PLUGIN_KIND_").to_ascii_lowercase();
    let part = |part: &Value| part["value"].clone();
    let parts =
        |target: &Value| target["parts"].as_array().into_iter().flatten().map(part).collect();
    let targets = described["targets"].as_array().into_iter().flatten().map(parts);
    json!({ "type": kind, "targets": targets.collect::<Vec<Vec<Value>>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_all_that_an_info_file_must() {
        let described = json!({"kind": "PLUGIN_KIND_OS",
            "targets": [{"parts": [{"value": "Debian"}, {"value": "12"}, {}]}]});
        assert_eq!(info_of(&described), json!({"type": "os", "targets": [["Debian", "12", null]]}));
    }
}
