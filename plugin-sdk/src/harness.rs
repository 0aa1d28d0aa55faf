//! Runs a plugin inside a test, through the real protocol: within the test's own process ([`Harness::os`],
//! [`Harness::cloud`]), or as the executable that it is ([`Harness::process`]).
//!
//! ```no_run
//! # use factory_plugin_sdk::harness::{Harness, Request, template};
//! # async fn test(plugin: impl factory_plugin_sdk::OsPlugin) {
//! let harness = Harness::os(plugin).await;
//! let request = Request::base_image(template("Debian", "12", "x86_64"));
//! let ended = harness.run(request.parameter("size", 10)).await;
//! assert_eq!(ended.expect_completed().artifact("disk").format, "raw");
//! # }
//! ```
//!
//! The harness checks the rules of the event stream on the way, and panics where a plugin (or the SDK) breaks one. It
//! acknowledges every event that it reads, so a plugin that announces a resource is not kept waiting.

mod ended;
mod process;
mod request;
mod running;

pub use ended::{Ended, Outcome};
pub use request::{Request, input_image, template};
pub use running::Running;

use crate::server::Server;
use crate::{CloudPlugin, OsPlugin};
use factory_proto::plugin_v1::{
    DescribeRequest, DescribeResponse, Diagnostic, OperationStatus, ValidateRequest,
    operations_client::OperationsClient, plugin_client::PluginClient,
};
use hyper_util::rt::TokioIo;
use process::Process;
use std::path::{Path, PathBuf};
use tokio::io::DuplexStream;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

/// How much one side may write before the other reads, in bytes.
const PIPE_BYTES: usize = 256 * 1024;

/// A plugin under test, and a connection to it.
#[derive(Debug)]
pub struct Harness {
    channel: Channel,
    work_root: PathBuf,
    plugin: Plugin,
}

/// What ends with the harness.
#[derive(Debug)]
enum Plugin {
    Here { _serving: JoinSet<()> },
    Process(Process),
}

impl Harness {
    /// Serves an OS plugin.
    pub async fn os(plugin: impl OsPlugin) -> Self {
        Self::serve(Server::os_here(plugin)).await
    }

    /// Serves a cloud plugin.
    pub async fn cloud(plugin: impl CloudPlugin) -> Self {
        Self::serve(Server::cloud_here(plugin)).await
    }

    async fn serve(server: Server) -> Self {
        let (theirs, ours) = tokio::io::duplex(PIPE_BYTES);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let incoming = tokio_stream::once(Ok::<_, std::io::Error>(theirs));
            let served = tonic::transport::Server::builder()
                .add_routes(server.routes())
                .serve_with_incoming(incoming);
            // The connection ends with the test.
            let _ = served.await;
        });
        let work_root = std::env::temp_dir();
        let plugin = Plugin::Here { _serving: serving };
        Self { channel: connect(ours).await, work_root, plugin }
    }

    /// Starts a plugin's executable as a factory does; by convention `env!("CARGO_BIN_EXE_factory-plugin-NAME")`. Only there
    /// are a tool's processes guarded as they are in service.
    ///
    /// # Panics
    /// If it can't be started, or prints no handshake.
    pub async fn process(executable: impl AsRef<Path>) -> Self {
        let (process, channel) = Process::start(executable.as_ref()).await;
        Self { channel, work_root: std::env::temp_dir(), plugin: Plugin::Process(process) }
    }

    /// Returns the process id of a plugin in a process of its own.
    pub fn process_id(&self) -> Option<u32> {
        match &self.plugin {
            Plugin::Here { .. } => None,
            Plugin::Process(process) => Some(process.id()),
        }
    }

    /// Puts the work directories of operations below a directory; the system's temporary one otherwise.
    pub fn work_root(mut self, directory: impl Into<PathBuf>) -> Self {
        self.work_root = directory.into();
        self
    }

    /// Returns what the plugin says about itself.
    ///
    /// # Panics
    /// If it can't say so.
    pub async fn describe(&self) -> DescribeResponse {
        let mut client = PluginClient::new(self.channel.clone());
        let described = client.describe(DescribeRequest::default()).await;
        described.expect("a plugin can always describe itself").into_inner()
    }

    /// Returns what the plugin finds wrong with a request.
    ///
    /// # Panics
    /// If it fails to judge.
    pub async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        let mut client = PluginClient::new(self.channel.clone());
        let judged = client.validate(request).await;
        judged.expect("finding problems is success").into_inner().diagnostics
    }

    /// Starts an operation in a work directory of its own.
    ///
    /// # Panics
    /// If the directory can't be made.
    pub async fn start(&self, request: Request) -> Running {
        let work_dir = tempfile::tempdir_in(&self.work_root).expect("the work root is writable");
        Running::start(self.channel.clone(), request, work_dir).await
    }

    /// Runs an operation to its end.
    ///
    /// # Panics
    /// If a rule of the event stream is broken.
    pub async fn run(&self, request: Request) -> Ended {
        self.start(request).await.end().await
    }

    /// Lists the operations that the plugin knows.
    ///
    /// # Panics
    /// If it can't.
    pub async fn operations(&self) -> Vec<OperationStatus> {
        let mut client = OperationsClient::new(self.channel.clone());
        let listed = client.list(factory_proto::plugin_v1::ListRequest {}).await;
        listed.expect("a plugin can always list its operations").into_inner().operations
    }

    /// Returns the connection, for a test that says what the harness does not.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

async fn connect(stream: DuplexStream) -> Channel {
    let mut stream = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| {
        let stream = stream.take().ok_or_else(|| std::io::Error::other("the plugin hung up"));
        std::future::ready(stream)
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let connected = endpoint.connect_with_connector(connector).await;
    connected.expect("a pipe in memory connects")
}
