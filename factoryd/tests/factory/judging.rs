//! What is given to plugins is judged by their schemas before anything is recorded.

use crate::fake::{Script, World, template, to_region_1, world};
use factoryd::domain::{EventKind, Image, Notice, Parameters, Secret};
use factoryd::factory::{
    BaseImageRequest, Error, ProviderImageRequest, ProviderSource, TargetImageRequest, TargetSource,
};
use serde_json::{Value, json};

fn script() -> Script {
    Script {
        os_schema: Some(json!({
            "type": "object",
            "required": ["release"],
            "properties": {
                "release": {"type": "integer", "description": "the year"},
                "variant": {"enum": ["small", "large"]},
                "old": {"deprecated": true, "description": "use variant"},
                "token": {"type": "string", "maxLength": 12, "x-factory-sensitive": true},
            },
        })),
        cloud_schemas: Some([
            json!({"properties": {"compress": {"type": "boolean"}, "key": {"x-factory-sensitive": true}}}),
            json!({"type": ["string", "object"], "properties": {"zone": {"type": "integer"}}, "required": ["zone"]}),
            json!({"type": "object", "properties": {"password": {"type": "string", "minLength": 10}}}),
        ]),
        ..Script::default()
    }
}

fn base(parameters: &Value) -> BaseImageRequest {
    let parameters = Parameters::parse(&parameters.to_string()).unwrap();
    BaseImageRequest { template_xml: template("FakeOS"), parameters }
}

fn target(source: TargetSource, parameters: &Value) -> TargetImageRequest {
    let parameters = Parameters::parse(&parameters.to_string()).unwrap();
    TargetImageRequest { target: "fake".into(), source, parameters }
}

#[track_caller]
fn told(refused: Result<Image, Error>) -> Vec<String> {
    let Err(Error::Invalid(notices)) = refused else { panic!("{refused:?}") };
    notices.into_iter().map(|Notice { message, path, .. }| format!("{path}: {message}")).collect()
}

async fn asked(world: &World, parameters: Value) -> Result<Image, Error> {
    world.factory.create_base_image(base(&parameters)).await
}

#[tokio::test]
async fn every_problem_is_told_at_once_without_secrets_and_nothing_is_recorded() {
    let world = world(script()).await;
    let given = json!({"variat": "small", "variant": "tiny", "token": "hunter2-hunter2"});
    let refused = asked(&world, given).await;
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    assert_eq!(
        told(refused),
        [
            "parameters.variat: variat is not known",
            "parameters.release: release is missing",
            "parameters.variant: variant must be `small` or `large`, not `tiny`",
            "parameters.token: token must have at most 12 characters",
        ]
    );
    assert!(world.all().await.is_empty());
    let taken = asked(&world, json!({"release": "2026", "snapshot": false})).await.unwrap();
    assert_eq!(taken.parameters.to_json(), r#"{"release":"2026","snapshot":false}"#);
}

#[tokio::test]
async fn names_of_the_plugins_that_come_later_are_known_if_the_request_says_so() {
    let world = world(script()).await;
    let both = json!({"release": 2026, "compress": "yes", "key": "hunter2-hunter2"});
    let paths = ["parameters.compress: compress is not known", "parameters.key: key is not known"];
    assert_eq!(told(asked(&world, both.clone()).await), paths);
    let sharing = world.factory.clone().sharing_parameters_with(vec!["fake".to_owned()]);
    let image = sharing.create_base_image(base(&both)).await.unwrap();
    assert_eq!(image.parameters.to_json(), r#"{"release":2026,"compress":"yes"}"#);
    // What comes later is judged now.
    let wrong = json!({"release": 2026, "compress": "perhaps"});
    let refused = told(sharing.create_base_image(base(&wrong)).await);
    assert_eq!(refused, ["parameters.compress: compress must be true or false, not `perhaps`"]);
}

#[tokio::test]
async fn a_target_image_is_judged_by_both_of_its_plugins() {
    let world = world(script()).await;
    let image = asked(&world, json!({"release": 2026})).await.unwrap();
    world.settled(&image.id).await;
    let of_base = |given: &Value| target(TargetSource::BaseImage(image.id.clone()), given);
    let wrong = json!({"compress": 3, "variant": "tiny", "zone": 1});
    assert_eq!(
        told(world.factory.create_target_image(of_base(&wrong)).await),
        [
            "parameters.zone: zone is not known",
            "parameters.compress: compress must be true or false, not 3",
            "parameters.variant: variant must be `small` or `large`, not `tiny`",
        ]
    );
    // What a base image takes to be made is not asked for again.
    world.factory.create_target_image(of_base(&json!({"compress": true}))).await.unwrap();
    let from_template = target(TargetSource::Template(template("FakeOS")), &json!({}));
    let refused = told(world.factory.create_target_image(from_template).await);
    assert_eq!(refused, ["parameters.release: release is missing"]);
}

#[tokio::test]
async fn providers_and_credentials_are_judged_and_credentials_are_not_told() {
    let world = world(script()).await;
    let image = asked(&world, json!({"release": 2026})).await.unwrap();
    world.settled(&image.id).await;
    let target = world.target(&image.id, "fake").await;
    let request = |provider: &str, credentials: &str| ProviderImageRequest {
        provider: provider.to_owned(),
        credentials: Secret::new(credentials),
        ..to_region_1(ProviderSource::TargetImage(target.id.clone()), "")
    };
    let refused = world
        .factory
        .create_provider_image(request(r#"{"zone": "x"}"#, r#"{"password": "hunter2"}"#))
        .await;
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    assert_eq!(
        told(refused),
        [
            "provider.zone: zone must be a whole number, not `x`",
            "credentials.password: password must have at least 10 characters",
        ]
    );
    let refused = told(world.factory.create_provider_image(request("eu", "hunter2")).await);
    assert_eq!(refused, ["credentials: credentials must be an object"]);
    for provider in ["eu-west", "<provider/>", r#"{"zone": 3}"#] {
        world.factory.create_provider_image(request(provider, "")).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_deprecated_is_warned_of_in_the_events_of_the_image() {
    let world = world(script()).await;
    let image = asked(&world, json!({"release": 2026, "old": 1})).await.unwrap();
    let (_, events) = world.settled(&image.id).await;
    let warnings = events.into_iter().filter_map(|event| match event.kind {
        EventKind::Warning(notice) => Some((notice.path, notice.message, notice.hint)),
        _ => None,
    });
    let expected = ("parameters.old".into(), "old is deprecated".into(), "use variant".into());
    assert_eq!(warnings.collect::<Vec<(String, String, String)>>(), [expected]);
}
