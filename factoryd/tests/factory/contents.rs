//! Contents that a template names by URL.

use crate::fake::{self, Script, World, template, world};
use async_trait::async_trait;
use factoryd::delegate::ContentSource;
use factoryd::domain::{Event, EventKind, Failure, Fault, Image, Parameters, Status};
use factoryd::factory::{BaseImageRequest, Error, WatchRequest};
use futures_util::TryStreamExt;
use std::sync::Arc;

/// Has what begins with `good`, refuses what begins with `bad`, loses what begins with `lost`, never has the rest.
struct Library;

#[async_trait]
impl ContentSource for Library {
    fn judge(&self, url: &str) -> Result<(), Box<Failure>> {
        match url.contains("bad/") {
            true => Err(Box::new(Failure::new(Fault::User, "CONTENT_REFUSED", "no").hint("ask"))),
            false => Ok(()),
        }
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<Failure>> {
        match url {
            url if url.contains("good/") => Ok(b"content\n".to_vec()),
            url if url.contains("huge/") => Ok(vec![0; 20 << 20]),
            url if url.contains("lost/") => {
                Err(Box::new(Failure::new(Fault::Transient, "CONTENT_UNAVAILABLE", "gone")))
            }
            _ => std::future::pending().await,
        }
    }

    fn shown(&self, url: &str) -> String {
        url.replace("me:pw@", "")
    }
}

async fn library() -> World {
    world(Script { contents: Some(Arc::new(Library)), ..Script::default() }).await
}

/// A template with a file and a command from elsewhere.
fn naming(file: &str, command: &str) -> BaseImageRequest {
    let more = format!(
        "<files><file name='/etc/motd' type='url'>{file}</file></files>\
         <commands><command name='setup' type='url'>{command}</command></commands></template>"
    );
    let template_xml = template("FakeOS").replace("</template>", &more);
    BaseImageRequest { template_xml, parameters: Parameters::default() }
}

async fn built(world: &World, request: BaseImageRequest) -> (Image, Vec<Event>) {
    let image = world.factory.create_base_image(request).await.unwrap();
    world.settled(&image.id).await
}

#[tokio::test]
async fn the_plugin_gets_what_was_fetched_and_the_record_has_sizes_and_digests_but_no_credentials()
{
    let world = library().await;
    let (image, events) = built(&world, naming("http://me:pw@good/a", "http://good/b")).await;
    assert_eq!(image.status, Status::Complete, "{:?}", image.failure);
    let given = r#"given "content\n""#;
    assert_eq!(world.calls(), ["CreateBaseImage(t)", given, given]);
    let logged = events.iter().filter_map(|event| match &event.kind {
        EventKind::Log(line) if line.source == "factory" => Some(line.message.as_str()),
        _ => None,
    });
    let digest = "sha256 434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53";
    assert_eq!(
        logged.collect::<Vec<_>>(),
        [
            format!(
                "template/files/file[@name=\"/etc/motd\"]: 8 bytes from http://good/a, {digest}"
            ),
            format!(
                "template/commands/command[@name=\"setup\"]: 8 bytes from http://good/b, {digest}"
            ),
        ]
    );
    assert!(!fake::contents(world.root.path()).contains("me:pw"), "credentials are stored");
    assert!(events.iter().any(|event| matches!(&event.kind,
        EventKind::Progress(progress) if progress.activity == "fetching http://good/b" && progress.current == 1)));
}

#[tokio::test]
async fn what_can_be_told_before_is_refused_and_leaves_nothing_behind() {
    let world = library().await;
    let refused = world.factory.create_base_image(naming("http://good/a", "http://bad/b")).await;
    let Err(Error::Plugin(failure)) = refused else { panic!("{refused:?}") };
    assert_eq!(failure.reason, "CONTENT_REFUSED");
    assert_eq!(failure.path, "template/commands/command[@name=\"setup\"]");
    assert_eq!(world.all().await.len(), 0);
    let nobody = fake::world(Script::default()).await;
    let refused = nobody.factory.create_base_image(naming("http://good/a", "http://good/b")).await;
    assert!(matches!(refused, Err(Error::Plugin(_))), "a factory without a source fetches nothing");
}

#[tokio::test]
async fn what_is_found_out_later_fails_the_image_before_a_plugin_is_asked() {
    let world = library().await;
    for (file, command, reason, path) in [
        (
            "http://good/a",
            "http://lost/b",
            "CONTENT_UNAVAILABLE",
            "template/commands/command[@name=\"setup\"]",
        ),
        (
            "http://huge/a",
            "http://huge/b",
            "CONTENT_TOO_LARGE",
            "template/commands/command[@name=\"setup\"]",
        ),
    ] {
        let failure = built(&world, naming(file, command)).await.0.failure.unwrap();
        assert_eq!((failure.reason.as_str(), failure.path.as_str()), (reason, path));
        assert_eq!(failure.step, "fetch contents");
    }
    assert_eq!(world.calls(), [""; 0]);
}

#[tokio::test]
async fn a_fetch_without_an_end_can_be_cancelled() {
    let world = library().await;
    let request = naming("http://never/a", "http://good/b");
    let image = world.factory.create_base_image(request).await.unwrap();
    let watch =
        WatchRequest { images: vec![image.id.clone()], follow: true, ..WatchRequest::default() };
    let mut events = std::pin::pin!(world.factory.watch(watch));
    while let Some(event) = events.try_next().await.unwrap() {
        if matches!(event.kind, EventKind::Progress(_)) {
            break;
        }
    }
    world.factory.cancel(&image.id).await.unwrap();
    let failure = world.settled(&image.id).await.0.failure.unwrap();
    assert_eq!(failure.reason, Failure::CANCELLED);
}
