//! The gRPC services of a plugin, over the author's trait.
//!
//! A plugin needs nothing of this; [`serve`](crate::serve) does it all. It is public for programs that put something of
//! their own between the wire and the plugin, such as the mock plugins with their misbehaviour.

use crate::executor::Executor;
use crate::operation::Operation;
use crate::operations::{Answer, Operations, Work};
use crate::request::{self, Request};
use crate::stream::EventStream;
use crate::{CloudPlugin, Description, Diagnostic, Failure, OsPlugin, Parameters, ValidateRequest};
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::plugin_v1::{
    self as proto, cloud_delegate_server::CloudDelegateServer, operations_server::OperationsServer,
    os_delegate_server::OsDelegateServer, plugin_server::PluginServer,
};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tonic::service::Routes;
use tonic::{Response, Status};

mod cloud;
mod operations;
mod os;
mod plugin;
mod reconcile;

pub use cloud::CloudService;
pub use operations::OperationsService;
pub use os::OsService;
pub use plugin::PluginService;

/// A plugin, its description and its operations, ready to be served.
#[derive(Clone)]
pub struct Server {
    plugin: Plugin,
    description: proto::DescribeResponse,
    operations: Arc<Operations>,
}

#[derive(Clone)]
enum Plugin {
    Os(Arc<dyn OsPlugin>),
    Cloud(Arc<dyn CloudPlugin>),
}

impl Server {
    /// Prepares to serve an OS plugin, whose operations run on threads of their own.
    pub fn os(plugin: impl OsPlugin) -> Self {
        Self::new(Plugin::Os(Arc::new(plugin)), Executor::Workers)
    }

    /// Prepares to serve a cloud plugin, whose operations run on threads of their own.
    pub fn cloud(plugin: impl CloudPlugin) -> Self {
        Self::new(Plugin::Cloud(Arc::new(plugin)), Executor::Workers)
    }

    /// As [`os`](Self::os), within the caller's runtime.
    pub(crate) fn os_here(plugin: impl OsPlugin) -> Self {
        Self::new(Plugin::Os(Arc::new(plugin)), Executor::Here)
    }

    /// As [`cloud`](Self::cloud), within the caller's runtime.
    pub(crate) fn cloud_here(plugin: impl CloudPlugin) -> Self {
        Self::new(Plugin::Cloud(Arc::new(plugin)), Executor::Here)
    }

    fn new(plugin: Plugin, executor: Executor) -> Self {
        let description = with_missing_tools(plugin.describe()).into_response();
        let operations = Operations::new(executor, description.max_concurrent_operations as usize);
        Self { plugin, description, operations }
    }

    /// Returns the answer to `Describe`.
    pub fn description(&self) -> &proto::DescribeResponse {
        &self.description
    }

    /// Returns the service `Plugin`.
    pub fn plugin(&self) -> PluginService {
        PluginService::new(self.clone())
    }

    /// Returns the service `Operations`.
    pub fn operations(&self) -> OperationsService {
        OperationsService::new(self.clone())
    }

    /// Returns the service `OSDelegate`, if that is what the plugin is.
    pub fn os_delegate(&self) -> Option<OsService> {
        let Plugin::Os(plugin) = &self.plugin else { return None };
        Some(OsService::new(plugin.clone(), self.clone()))
    }

    /// Returns the service `CloudDelegate`, if that is what the plugin is.
    pub fn cloud_delegate(&self) -> Option<CloudService> {
        let Plugin::Cloud(plugin) = &self.plugin else { return None };
        Some(CloudService::new(plugin.clone(), self.clone()))
    }

    /// Returns all services of the contract.
    pub fn routes(&self) -> Routes {
        let mut routes = Routes::builder();
        routes.add_service(
            PluginServer::new(self.plugin()).max_decoding_message_size(MESSAGE_SIZE_MAX),
        );
        let operations = OperationsServer::new(self.operations());
        routes.add_service(operations.max_decoding_message_size(MESSAGE_SIZE_MAX));
        if let Some(os) = self.os_delegate() {
            let service = OsDelegateServer::new(os).max_decoding_message_size(MESSAGE_SIZE_MAX);
            routes.add_service(service.max_encoding_message_size(MESSAGE_SIZE_MAX));
        }
        if let Some(cloud) = self.cloud_delegate() {
            let service =
                CloudDelegateServer::new(cloud).max_decoding_message_size(MESSAGE_SIZE_MAX);
            routes.add_service(service.max_encoding_message_size(MESSAGE_SIZE_MAX));
        }
        routes.routes()
    }

    /// Cancels every operation and waits for them; returns the ids of those that are late.
    pub(crate) async fn stop(&self, grace: Duration) -> Vec<String> {
        self.operations.stop(grace).await
    }

    /// Starts an operation, or attaches to it.
    fn call<R: Request>(
        &self,
        request: tonic::Request<R>,
        prepare: impl FnOnce(R) -> Result<Work, Failure>,
    ) -> Result<Response<EventStream>, Status> {
        if let Some(capability) = R::CAPABILITY
            && !self.description.capabilities.iter().any(|declared| declared == capability)
        {
            let message = format!("the plugin does not declare the capability `{capability}`");
            return Err(Status::unimplemented(message));
        }
        self.operations.call(request.into_inner(), prepare)
    }

    async fn validate(&self, request: ValidateRequest) -> Vec<Diagnostic> {
        match &self.plugin {
            Plugin::Os(plugin) => plugin.validate(request).await,
            Plugin::Cloud(plugin) => plugin.validate(request).await,
        }
    }
}

impl Plugin {
    fn describe(&self) -> Description {
        match self {
            Self::Os(plugin) => plugin.describe(),
            Self::Cloud(plugin) => plugin.describe(),
        }
    }
}

/// Makes a piece of work of a method call.
fn work<F>(method: impl FnOnce(Operation) -> F + Send + 'static) -> Work
where
    F: Future<Output = Answer> + Send + 'static,
{
    Box::new(move |operation| Box::pin(method(operation)))
}

/// Warns of each program that the plugin needs and this machine lacks.
fn with_missing_tools(description: Description) -> Description {
    let needs = description.response.needs.clone().unwrap_or_default();
    needs.tools.iter().filter(|tool| crate::tool::find(tool.program.as_ref()).is_none()).fold(
        description,
        |description, tool| {
            let (program, package) = (&tool.program, &tool.debian_package);
            description.warning(format!("{program} is missing: install the package {package}"))
        },
    )
}

fn validate_request(request: proto::ValidateRequest) -> Result<ValidateRequest, Failure> {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(ValidateRequest {
        parameters: Parameters::new(&request.parameters_json, request.secret_parameters)?,
        method: request.method,
        template: request.template.map(|t| request::template(Some(t))).transpose()?,
        target: given(request.target),
        provider: given(request.provider),
        credentials: request.credentials,
    })
}
