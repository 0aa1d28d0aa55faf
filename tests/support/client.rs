//! A client of the daemon that asks in the words of tests.

use super::tdl::Tdl;
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::factory_v1::create_target_image_request::Source;
use factory_proto::factory_v1::factory_client::FactoryClient;
use factory_proto::factory_v1::{self as v1, Event, Image, ImageStatus, Step, event};
use serde_json::Value;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// How long a step may take to begin, on a busy machine.
const BEGIN_DEADLINE: Duration = Duration::from_secs(60);
/// How often to look for that.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A connection to a daemon.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    inner: FactoryClient<Channel>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: &str) -> Self {
        let inner = FactoryClient::connect(format!("http://{address}")).await.unwrap();
        Self { inner: inner.max_decoding_message_size(MESSAGE_SIZE_MAX) }
    }

    /// Starts a base image.
    pub(crate) async fn create_base(
        &mut self,
        template: &Tdl,
        parameters: &Value,
    ) -> Result<Image, Status> {
        let request = v1::CreateBaseImageRequest {
            template_xml: template.xml(),
            parameters_json: parameters.to_string(),
            ..Default::default()
        };
        Ok(self.inner.create_base_image(request).await?.into_inner())
    }

    /// Starts a target image, and its base image, from a template.
    pub(crate) async fn create_target(
        &mut self,
        template: &Tdl,
        target: &str,
        parameters: &Value,
    ) -> Result<Image, Status> {
        let request = v1::CreateTargetImageRequest {
            target: target.to_owned(),
            parameters_json: parameters.to_string(),
            source: Some(Source::TemplateXml(template.xml())),
            ..Default::default()
        };
        Ok(self.inner.create_target_image(request).await?.into_inner())
    }

    /// Starts a target image of a base image.
    pub(crate) async fn create_target_of(
        &mut self,
        base_image: &Image,
        target: &str,
    ) -> Result<Image, Status> {
        let request = v1::CreateTargetImageRequest {
            target: target.to_owned(),
            source: Some(Source::BaseImageId(base_image.id.clone())),
            ..Default::default()
        };
        Ok(self.inner.create_target_image(request).await?.into_inner())
    }

    /// Starts a provider image of a target image.
    pub(crate) async fn create_provider(
        &mut self,
        target_image: &Image,
        provider: &str,
    ) -> Result<Image, Status> {
        self.create_provider_with(target_image, provider, "", &serde_json::json!({})).await
    }

    /// Starts a provider image of a target image, with credentials and parameters.
    pub(crate) async fn create_provider_with(
        &mut self,
        target_image: &Image,
        provider: &str,
        credentials: &str,
        parameters: &Value,
    ) -> Result<Image, Status> {
        let source =
            v1::create_provider_image_request::Source::TargetImageId(target_image.id.clone());
        let request = v1::CreateProviderImageRequest {
            target: target_image.target.clone(),
            provider: provider.to_owned(),
            credentials: credentials.to_owned(),
            parameters_json: parameters.to_string(),
            source: Some(source),
            ..Default::default()
        };
        Ok(self.inner.create_provider_image(request).await?.into_inner())
    }

    /// Starts a provider image as a request says.
    pub(crate) async fn create_provider_image(
        &mut self,
        request: v1::CreateProviderImageRequest,
    ) -> Result<Image, Status> {
        Ok(self.inner.create_provider_image(request).await?.into_inner())
    }

    /// Starts an image that is made inside an account.
    pub(crate) async fn snapshot(
        &mut self,
        template: &Tdl,
        target: &str,
        provider: &str,
        parameters: &Value,
    ) -> Result<Image, Status> {
        let source = v1::create_provider_image_request::Source::TemplateXml(template.xml());
        let request = v1::CreateProviderImageRequest {
            target: target.to_owned(),
            provider: provider.to_owned(),
            parameters_json: parameters.to_string(),
            source: Some(source),
            snapshot: true,
            ..Default::default()
        };
        Ok(self.inner.create_provider_image(request).await?.into_inner())
    }

    /// Asks for an image.
    pub(crate) async fn image(&mut self, id: &str) -> Image {
        let request = v1::GetImageRequest { id: id.to_owned() };
        self.inner.get_image(request).await.unwrap().into_inner()
    }

    /// Asks for all images.
    pub(crate) async fn images(&mut self) -> Vec<Image> {
        let request = v1::ListImagesRequest::default();
        self.inner.list_images(request).await.unwrap().into_inner().images
    }

    /// Asks for what is outside this machine; with `kept`, for what complete images own instead of what is left over.
    pub(crate) async fn resources(&mut self, kept: bool) -> Vec<v1::LedgerEntry> {
        let request = v1::ListResourcesRequest { kept, ..Default::default() };
        let mut all = self.inner.list_resources(request).await.unwrap().into_inner().resources;
        all.retain(|entry| kept == (entry.state == "kept"));
        all
    }

    /// Starts a provider image from a template: with the images that it is made from, or as a snapshot.
    pub(crate) async fn create_provider_from(
        &mut self,
        template: &Tdl,
        snapshot: bool,
        parameters: &Value,
    ) -> Image {
        let source = v1::create_provider_image_request::Source::TemplateXml(template.xml());
        let request = v1::CreateProviderImageRequest {
            target: "mock".to_owned(),
            provider: "mock-provider".to_owned(),
            source: Some(source),
            parameters_json: parameters.to_string(),
            snapshot,
            ..Default::default()
        };
        self.inner.create_provider_image(request).await.unwrap().into_inner()
    }

    /// Asks for the steps of an image.
    pub(crate) async fn steps(&mut self, id: &str) -> Vec<v1::Step> {
        let request = v1::ListStepsRequest { id: id.to_owned() };
        self.inner.list_steps(request).await.unwrap().into_inner().steps
    }

    /// Asks for all plugins.
    pub(crate) async fn plugins(&mut self) -> Vec<v1::Plugin> {
        let request = v1::ListPluginsRequest {};
        self.inner.list_plugins(request).await.unwrap().into_inner().plugins
    }

    /// Asks for an image's build to stop.
    pub(crate) async fn cancel(&mut self, id: &str) -> Result<Image, Status> {
        let request = v1::CancelRequest { id: id.to_owned() };
        Ok(self.inner.cancel(request).await?.into_inner())
    }

    /// Asks for an image to be deleted.
    pub(crate) async fn delete(&mut self, id: &str) -> Result<Image, Status> {
        let request = v1::DeleteRequest { id: id.to_owned(), ..Default::default() };
        Ok(self.inner.delete(request).await?.into_inner())
    }

    /// Asks for an image to be deleted as a request says.
    pub(crate) async fn delete_with(
        &mut self,
        request: v1::DeleteRequest,
    ) -> Result<Image, Status> {
        Ok(self.inner.delete(request).await?.into_inner())
    }

    /// Starts to watch an image from after a cursor until it has ended.
    pub(crate) async fn follow(&mut self, id: &str, after: u64) -> Streaming<Event> {
        let request = v1::WatchRequest {
            image_ids: vec![id.to_owned()],
            after,
            follow: true,
            without_logs: false,
        };
        self.inner.watch(request).await.unwrap().into_inner()
    }

    /// Watches an image from after a cursor until it has ended.
    pub(crate) async fn events(&mut self, id: &str, after: u64) -> Vec<Event> {
        drain(self.follow(id, after).await).await
    }

    /// Waits until an image has ended, and asks for it.
    pub(crate) async fn ended(&mut self, id: &str) -> Image {
        self.events(id, 0).await;
        self.image(id).await
    }
}

/// Waits until a step of an image is begun for the given time.
pub(crate) async fn assert_begun(client: &mut Client, id: &str, name: &str, tries: u32) {
    let begun = |step: &Step| step.name == name && step.state == "begun" && step.tries == tries;
    let look = async {
        while !client.steps(id).await.iter().any(begun) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(BEGIN_DEADLINE, look).await.expect("the step is begun");
}

/// Reads a stream of events to its end.
pub(crate) async fn drain(mut stream: Streaming<Event>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

/// Returns the lines of log among events.
pub(crate) fn log_lines(events: &[Event]) -> Vec<&str> {
    let lines = events.iter().filter_map(|event| match &event.kind {
        Some(event::Kind::Log(log)) => Some(log.message.as_str()),
        _ => None,
    });
    lines.collect()
}

/// Returns the statuses that an image entered, in order.
pub(crate) fn statuses(events: &[Event]) -> Vec<ImageStatus> {
    let entered = |event: &Event| match &event.kind {
        Some(event::Kind::Status(change)) => Some(change.to()),
        _ => None,
    };
    events.iter().filter_map(entered).collect()
}

/// Tells whether nobody works on an image.
pub(crate) fn is_settled(image: &Image) -> bool {
    use ImageStatus::{Complete, Deleted, Deletefailed, Failed};
    [Complete, Failed, Deleted, Deletefailed].contains(&image.status())
}

/// Asserts that an image is complete.
#[track_caller]
pub(crate) fn assert_complete(image: &Image) {
    assert_eq!(image.status(), ImageStatus::Complete, "{:?}", image.error);
}

/// Asserts that an image failed, with these words in its error.
#[track_caller]
pub(crate) fn assert_failed(image: &Image, words: &[&str]) {
    assert_eq!(image.status(), ImageStatus::Failed, "{image:?}");
    let error = image.error.as_ref().expect("a failed image says why");
    let text = format!("{} {} {} {}", error.reason, error.message, error.hint, error.detail);
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {error:?}");
    }
}
