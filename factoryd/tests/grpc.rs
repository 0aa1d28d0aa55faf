//! The gRPC API over the real factory, with delegates of a few lines and no socket.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "factory/fake.rs"]
#[expect(dead_code, reason = "shared with the tests of the facade, which use more of it")]
mod fake;

use factory_proto::factory_v1::factory_client::FactoryClient;
use factory_proto::factory_v1::{self as v1, ImageStatus, event::Kind};
use factoryd::grpc::{Api, FactoryServer};
use fake::{Script, World, template, world};
use prost::Message;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

type Client = FactoryClient<FactoryServer<Api>>;

fn client(world: &World) -> Client {
    client_until(world, CancellationToken::new())
}

fn client_until(world: &World, stop: CancellationToken) -> Client {
    let plugin = v1::Plugin { name: "fake".into(), ..Default::default() };
    let plugins = Arc::new(move || vec![plugin.clone()]);
    FactoryClient::new(Api::new(world.factory.clone(), plugins, stop).into_server())
}

async fn base(client: &mut Client, os: &str) -> Result<v1::Image, Status> {
    let request = v1::CreateBaseImageRequest {
        template_xml: template(os),
        parameters_json: r#"{"size":"1"}"#.into(),
        ..Default::default()
    };
    client.create_base_image(request).await.map(tonic::Response::into_inner)
}

async fn follow(client: &mut Client, id: &str, after: u64) -> Streaming<v1::Event> {
    let image_ids = vec![id.to_owned()];
    let request = v1::WatchRequest { image_ids, after, follow: true, without_logs: false };
    client.watch(request).await.unwrap().into_inner()
}

async fn events(client: &mut Client, id: &str, after: u64) -> Vec<v1::Event> {
    let mut stream = follow(client, id, after).await;
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    events
}

async fn get(client: &mut Client, id: &str) -> v1::Image {
    client.get_image(v1::GetImageRequest { id: id.into() }).await.unwrap().into_inner()
}

/// Reads the explanation that travels with a status.
fn explanation(status: &Status) -> v1::Error {
    let rpc = tonic_types::pb::Status::decode(status.details()).unwrap();
    assert_eq!(rpc.code, status.code() as i32);
    let detail = rpc.details.first().unwrap();
    assert_eq!(detail.type_url, "type.googleapis.com/factory.v1.Error");
    v1::Error::decode(detail.value.as_slice()).unwrap()
}

#[tokio::test]
async fn a_build_is_seen_from_new_to_complete() {
    let world = world(Script::default()).await;
    let mut client = client(&world);
    let begun = base(&mut client, "FakeOS").await.unwrap();
    assert_eq!((begun.kind(), begun.status()), (v1::ImageKind::Base, ImageStatus::New));
    let request = v1::CreateTargetImageRequest {
        target: "fake".into(),
        source: Some(v1::create_target_image_request::Source::BaseImageId(begun.id.clone())),
        ..Default::default()
    };
    let target = client.create_target_image(request).await.unwrap().into_inner();
    assert_eq!((target.parent_id.as_str(), target.target.as_str()), (&*begun.id, "fake"));

    let events = events(&mut client, &begun.id, 0).await;
    let entered: Vec<_> = events
        .iter()
        .filter_map(|event| match event.kind.as_ref().unwrap() {
            Kind::Status(changed) => Some(changed.to()),
            _ => None,
        })
        .collect();
    let life = [ImageStatus::Pending, ImageStatus::Building, ImageStatus::Complete];
    assert!(entered.ends_with(&life), "{entered:?}");

    let image = get(&mut client, &begun.id).await;
    assert_eq!(image.status(), ImageStatus::Complete);
    assert_eq!(image.last_cursor, events.last().unwrap().cursor);
    assert_eq!(image.parameters_json, r#"{"size":"1"}"#);
    assert!(!image.template_xml.contains("s3cret"), "{}", image.template_xml);
}

#[tokio::test]
async fn a_watcher_gets_exactly_what_came_after_its_cursor_also_after_the_end() {
    let world = world(Script::default()).await;
    let mut client = client(&world);
    let id = base(&mut client, "FakeOS").await.unwrap().id;
    let all = events(&mut client, &id, 0).await;
    for (index, event) in all.iter().enumerate() {
        assert_eq!(events(&mut client, &id, event.cursor).await, all[index + 1..]);
    }
}

#[tokio::test]
async fn a_watcher_that_goes_away_ends_nothing() {
    let go_on = Arc::new(Notify::new());
    let world = world(Script { hold_base: Some(go_on.clone()), ..Script::default() }).await;
    let mut client = client(&world);
    let id = base(&mut client, "FakeOS").await.unwrap().id;
    let mut stream = follow(&mut client, &id, 0).await;
    stream.message().await.unwrap().unwrap();
    drop(stream);
    go_on.notify_one();
    events(&mut client, &id, 0).await;
    assert_eq!(get(&mut client, &id).await.status(), ImageStatus::Complete);
}

#[tokio::test]
async fn a_stream_that_ends_with_the_server_says_so() {
    let hold = Script { hold_base: Some(Arc::new(Notify::new())), ..Script::default() };
    let world = world(hold).await;
    let stop = CancellationToken::new();
    let mut client = client_until(&world, stop.clone());
    let id = base(&mut client, "FakeOS").await.unwrap().id;
    let mut stream = follow(&mut client, &id, 0).await;
    stream.message().await.unwrap().unwrap();
    stop.cancel();
    let end = loop {
        match stream.message().await {
            Ok(event) => assert!(event.is_some(), "the stream ended as if the image had"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(explanation(&end).reason, "SHUTTING_DOWN");
}

#[tokio::test]
async fn what_is_refused_is_explained_and_leaves_nothing() {
    let world = world(Script::default()).await;
    let mut client = client(&world);

    let request = v1::CreateBaseImageRequest {
        template_xml: "<template>\n  <name>x</nome>\n</template>".into(),
        parameters_json: String::new(),
        ..Default::default()
    };
    let status = client.create_base_image(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let error = explanation(&status);
    assert_eq!((error.reason.as_str(), error.fault.as_str()), ("TEMPLATE_INVALID", "user"));
    assert!(error.detail.starts_with("line 2, column 10"), "{}", error.detail);

    let status = base(&mut client, "NoSuchOS").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "no plugin installs NoSuchOS (known: FakeOS)");
    assert_eq!(explanation(&status).reason, "NO_PLUGIN");

    let all = v1::ListImagesRequest { deleted: true, ..Default::default() };
    assert_eq!(client.list_images(all).await.unwrap().into_inner().images, []);
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let world = world(Script::default()).await;
    let mut client = client(&world);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(base(&mut client, "FakeOS").await.unwrap().id);
    }
    let mut request = v1::ListImagesRequest { page_size: 2, ..Default::default() };
    let mut pages = Vec::new();
    loop {
        let page = client.list_images(request.clone()).await.unwrap().into_inner();
        pages.push(page.images.into_iter().map(|image| image.id).collect::<Vec<_>>());
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, made.chunks(2).map(<[String]>::to_vec).collect::<Vec<_>>());
    let begun = v1::ListImagesRequest { id_prefix: made[3].clone(), ..Default::default() };
    let found = client.list_images(begun).await.unwrap().into_inner().images;
    assert_eq!(found.into_iter().map(|image| image.id).collect::<Vec<_>>(), made[3..4]);
    let wrong = v1::ListImagesRequest { page_token: "x".into(), ..Default::default() };
    assert_eq!(client.list_images(wrong).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_not_found_by_any_method() {
    let world = world(Script::default()).await;
    let mut client = client(&world);
    let id = "0192f3a4-5b6c-7d8e-9f01-23456789abcd".to_owned();
    let image_ids = vec![id.clone()];
    let statuses = [
        client.get_image(v1::GetImageRequest { id: id.clone() }).await.unwrap_err(),
        client.cancel(v1::CancelRequest { id: id.clone() }).await.unwrap_err(),
        client.delete(v1::DeleteRequest { id, ..Default::default() }).await.unwrap_err(),
        client.watch(v1::WatchRequest { image_ids, ..Default::default() }).await.unwrap_err(),
    ];
    for status in statuses {
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "there is no image 0192f3a4-5b6c-7d8e-9f01-23456789abcd");
    }
}

#[tokio::test]
async fn what_an_images_status_does_not_allow_is_a_failed_precondition() {
    let world = world(Script::default()).await;
    let mut client = client(&world);
    let id = base(&mut client, "FakeOS").await.unwrap().id;
    events(&mut client, &id, 0).await;
    let status = client.cancel(v1::CancelRequest { id: id.clone() }).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(explanation(&status).reason, "WRONG_STATUS");
}

#[tokio::test]
async fn plugins_are_listed_as_the_host_has_them() {
    let world = world(Script::default()).await;
    let mut client = client(&world);
    let listed = client.list_plugins(v1::ListPluginsRequest {}).await.unwrap().into_inner();
    assert_eq!(listed.plugins[0].name, "fake");
}
