//! The factory's API over gRPC: `factory.v1`. It translates and decides nothing.
//!
//! A caller who hangs up ends nothing: only `Cancel` does. A watcher who is slow is waited for, by the stream itself.

mod access;
mod maintenance;
mod request;
mod status;
mod tokens;
mod translate;

use self::status::{of_plugin, shutting_down, status};
use crate::domain::{Failure, Principal};
use crate::factory::Factory;
use factory_proto::factory_v1 as v1;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};

pub use access::Guard;
pub use factory_proto::factory_v1::factory_server::FactoryServer;
pub use factory_proto::factory_v1::tokens_server::TokensServer;
pub use maintenance::MaintenanceApi;
pub use tokens::TokensApi;

/// Answers the plugins: the facade knows who serves what, not how plugins are.
pub type ListPlugins = Arc<dyn Fn() -> Vec<v1::Plugin> + Send + Sync>;

/// Accepts the plugins of these names, or all.
pub type AcceptPlugins = Arc<
    dyn Fn(Vec<String>) -> BoxFuture<'static, Result<Vec<v1::PluginAcceptance>, Failure>>
        + Send
        + Sync,
>;

/// Says what the plugin of this name is and takes.
pub type DescribePlugin =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<v1::PluginDescription, Failure>> + Send + Sync>;

/// The service `factory.v1.Factory`.
#[derive(Clone)]
pub struct Api {
    factory: Factory,
    plugins: ListPlugins,
    accept: Option<AcceptPlugins>,
    describe: Option<DescribePlugin>,
    stop: CancellationToken,
    streams: TaskTracker,
}

impl Api {
    /// Serves a factory until `stop` fires; streams then end with UNAVAILABLE.
    pub fn new(factory: Factory, plugins: ListPlugins, stop: CancellationToken) -> Self {
        Self { factory, plugins, accept: None, describe: None, stop, streams: TaskTracker::new() }
    }

    /// Lets callers accept plugins.
    pub fn with_acceptance(self, accept: AcceptPlugins) -> Self {
        Self { accept: Some(accept), ..self }
    }

    /// Lets callers ask what plugins take.
    pub fn with_description(self, describe: DescribePlugin) -> Self {
        Self { describe: Some(describe), ..self }
    }

    /// Answers the factory as it works for who calls.
    fn factory_for<T>(&self, request: &Request<T>) -> Factory {
        let caller = request.extensions().get::<Principal>();
        self.factory.clone().called_by(caller.map_or("", |principal| &principal.name))
    }

    /// Answers what counts the open streams.
    pub fn streams(&self) -> TaskTracker {
        self.streams.clone()
    }

    /// Answers the tonic service.
    pub fn into_server(self) -> FactoryServer<Self> {
        FactoryServer::new(self)
            .max_decoding_message_size(factory_proto::MESSAGE_SIZE_MAX)
            .max_encoding_message_size(factory_proto::MESSAGE_SIZE_MAX)
    }
}

type Events = Pin<Box<dyn Stream<Item = Result<v1::Event, Status>> + Send>>;

#[tonic::async_trait]
impl v1::factory_server::Factory for Api {
    async fn create_base_image(
        &self,
        request: Request<v1::CreateBaseImageRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let factory = self.factory_for(&request);
        let mut request = request.into_inner();
        let factory = factory.sharing_parameters_with(take(&mut request.shared_with_targets));
        let request = request::base_image(request)?;
        answer(factory.create_base_image(request).await)
    }

    async fn create_target_image(
        &self,
        request: Request<v1::CreateTargetImageRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let factory = self.factory_for(&request);
        let mut request = request.into_inner();
        let factory = factory.sharing_parameters_with(take(&mut request.shared_with_targets));
        let request = request::target_image(request)?;
        answer(factory.create_target_image(request).await)
    }

    async fn create_provider_image(
        &self,
        request: Request<v1::CreateProviderImageRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let factory = self.factory_for(&request);
        let mut request = request.into_inner();
        let factory = factory.sharing_parameters_with(take(&mut request.shared_with_targets));
        let request = request::provider_image(request)?;
        answer(factory.create_provider_image(request).await)
    }

    async fn get_image(
        &self,
        request: Request<v1::GetImageRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let id = request::image_id("id", &request.get_ref().id)?;
        answer(self.factory.image(&id).await)
    }

    async fn list_images(
        &self,
        request: Request<v1::ListImagesRequest>,
    ) -> Result<Response<v1::ListImagesResponse>, Status> {
        let request = request::list(request.get_ref())?;
        let listed = self.factory.images(&request).await.map_err(|error| status(&error))?;
        let images: Vec<v1::Image> = listed.items.into_iter().map(translate::image).collect();
        let last = images.last().filter(|_| listed.more);
        let next_page_token = last.map(|image| image.id.clone()).unwrap_or_default();
        Ok(Response::new(v1::ListImagesResponse { images, next_page_token }))
    }

    type WatchStream = Events;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Events>, Status> {
        let request = request::watch(request.get_ref())?;
        // A stream of nothing would look like an image without events.
        for id in &request.images {
            self.factory.image(id).await.map_err(|error| status(&error))?;
        }
        let events = self.factory.watch(request).map(|event| match event {
            Ok(event) => Ok(translate::event(event)),
            Err(error) => Err(status(&error)),
        });
        let open = self.streams.token();
        let events = until(events, self.stop.clone()).inspect(move |_| _ = &open);
        Ok(Response::new(Box::pin(events)))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let id = request::image_id("id", &request.get_ref().id)?;
        answer(self.factory.cancel(&id).await)
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let request = request::delete(request.into_inner())?;
        answer(self.factory.delete(request).await)
    }

    async fn list_resources(
        &self,
        request: Request<v1::ListResourcesRequest>,
    ) -> Result<Response<v1::ListResourcesResponse>, Status> {
        let filter = request::resources(request.get_ref())?;
        let entries = self.factory.resources(&filter).await.map_err(|error| status(&error))?;
        let resources = entries.into_iter().map(translate::ledger_entry).collect();
        Ok(Response::new(v1::ListResourcesResponse { resources }))
    }

    async fn reap(
        &self,
        request: Request<v1::ReapRequest>,
    ) -> Result<Response<v1::ReapResponse>, Status> {
        let request = request::reap(request.into_inner())?;
        let entries = self.factory.reap(request).await.map_err(|error| status(&error))?;
        let resources = entries.into_iter().map(translate::ledger_entry).collect();
        Ok(Response::new(v1::ReapResponse { resources }))
    }

    async fn retry(
        &self,
        request: Request<v1::RetryRequest>,
    ) -> Result<Response<v1::Image>, Status> {
        let request = request::retry(request.into_inner())?;
        answer(self.factory.retry(request).await)
    }

    async fn list_steps(
        &self,
        request: Request<v1::ListStepsRequest>,
    ) -> Result<Response<v1::ListStepsResponse>, Status> {
        let id = request::image_id("id", &request.get_ref().id)?;
        let steps = self.factory.steps(&id).await.map_err(|error| status(&error))?;
        let steps = steps.iter().map(translate::step).collect();
        Ok(Response::new(v1::ListStepsResponse { steps }))
    }

    async fn accept_plugins(
        &self,
        request: Request<v1::AcceptPluginsRequest>,
    ) -> Result<Response<v1::AcceptPluginsResponse>, Status> {
        let accept = self.accept.as_ref();
        let accept = accept.ok_or_else(|| Status::unimplemented("there are no plugins here"))?;
        match accept(request.into_inner().names).await {
            Ok(plugins) => Ok(Response::new(v1::AcceptPluginsResponse { plugins })),
            Err(failure) => Err(of_plugin(failure)),
        }
    }

    async fn describe_plugin(
        &self,
        request: Request<v1::DescribePluginRequest>,
    ) -> Result<Response<v1::PluginDescription>, Status> {
        let describe = self.describe.as_ref();
        let describe =
            describe.ok_or_else(|| Status::unimplemented("there are no plugins here"))?;
        match describe(request.into_inner().name).await {
            Ok(described) => Ok(Response::new(described)),
            Err(failure) => Err(of_plugin(failure)),
        }
    }

    async fn list_plugins(
        &self,
        _request: Request<v1::ListPluginsRequest>,
    ) -> Result<Response<v1::ListPluginsResponse>, Status> {
        Ok(Response::new(v1::ListPluginsResponse { plugins: (self.plugins)() }))
    }
}

fn answer(
    result: Result<crate::domain::Image, crate::factory::Error>,
) -> Result<Response<v1::Image>, Status> {
    match result {
        Ok(image) => Ok(Response::new(translate::image(image))),
        Err(error) => Err(status(&error)),
    }
}

/// Ends a stream when `stop` fires, and says so: a watcher must not take the server's end for the images' end.
fn until(
    events: impl Stream<Item = Result<v1::Event, Status>> + Send + 'static,
    stop: CancellationToken,
) -> impl Stream<Item = Result<v1::Event, Status>> + Send + 'static {
    let stopped = stop.clone();
    let goodbye = stream::iter([()]).filter_map(move |()| {
        std::future::ready(stopped.is_cancelled().then(|| Err(shutting_down())))
    });
    events.take_until(stop.cancelled_owned()).chain(goodbye)
}
