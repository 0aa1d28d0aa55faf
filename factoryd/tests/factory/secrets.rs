//! Secrets that requests name, and what is recorded of secrets.

use crate::fake::{Script, World, contents, template, to_region_1, world};
use factoryd::domain::{
    EventKind, Parameters, Secret, SecretName, SecretSource, SecretSources, Status,
};
use factoryd::factory::{
    BaseImageRequest, DeleteRequest, Error, ProviderSource, TargetImageRequest, TargetSource,
};
use factoryd::secrets::Secrets;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;

fn put(directory: &Path, name: &str, value: &str) {
    fs::write(directory.join(name), value).unwrap();
    fs::set_permissions(directory.join(name), Permissions::from_mode(0o600)).unwrap();
}

async fn with_secrets(script: Script) -> (World, TempDir) {
    let directory = TempDir::new().unwrap();
    put(directory.path(), "region", "hunter3\n");
    let secrets = Secrets::new(Some(directory.path().to_owned()));
    (world(Script { secrets, ..script }).await, directory)
}

fn named(name: &str) -> SecretSource {
    SecretSource::Named(SecretName::parse(name).unwrap())
}

#[tokio::test]
async fn a_named_secret_is_recorded_by_name_and_looked_up_whenever_it_is_used() {
    let (world, directory) = with_secrets(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    let source = ProviderSource::TargetImage(target.id);
    let request = to_region_1(source, "secret:region");
    let pushed = world.factory.create_provider_image(request).await.unwrap();
    let (pushed, _) = world.settled(&pushed.id).await;
    assert_eq!(pushed.secrets.credentials, Some(named("region")));
    assert_eq!(world.calls().last().unwrap(), "PushImageToProvider(region-1, hunter3)");

    put(directory.path(), "region", "hunter4");
    world.factory.delete(world.deletion(&pushed.id, false)).await.unwrap();
    assert_eq!(world.settled(&pushed.id).await.0.status, Status::Deleted);
    assert!(world.calls().contains(&"deleting with \"hunter4\"".to_owned()), "as it was pushed");
    let everything = contents(world.root.path());
    assert!(everything.contains("secret:region"));
    assert!(!everything.contains("hunter"), "a value is in the store");
}

#[tokio::test]
async fn an_unknown_name_is_refused_before_anything_is_recorded() {
    let (world, _directory) = with_secrets(Script::default()).await;
    for (given, reason) in [
        ("secret:regoin", "SECRET_UNKNOWN"),
        ("secret:../region", "SECRET_NAME_INVALID"),
        ("secret:", "SECRET_NAME_INVALID"),
    ] {
        let request = to_region_1(ProviderSource::Template(template("FakeOS")), given);
        let refused = world.factory.create_provider_image(request).await;
        let Err(Error::Secret(failure)) = refused else { panic!("{refused:?}") };
        assert_eq!((failure.reason.as_str(), failure.path.as_str()), (reason, "credentials"));
        let parameters = Parameters::parse(&format!(r#"{{"token": "{given}"}}"#)).unwrap();
        let request = BaseImageRequest { template_xml: template("FakeOS"), parameters };
        let refused = world.factory.create_base_image(request).await;
        let Err(Error::Secret(failure)) = refused else { panic!("{refused:?}") };
        assert_eq!((failure.reason.as_str(), failure.path.as_str()), (reason, "parameters.token"));
    }
    assert!(world.all().await.is_empty());
}

#[tokio::test]
async fn a_secret_that_is_gone_when_its_turn_comes_fails_the_image() {
    let hold = Arc::new(Notify::new());
    let script = Script { hold_base: Some(hold.clone()), ..Script::default() };
    let (world, directory) = with_secrets(script).await;
    let source = ProviderSource::Template(template("FakeOS"));
    let request = to_region_1(source, "secret:region");
    let pushed = world.factory.create_provider_image(request).await.unwrap();
    fs::remove_file(directory.path().join("region")).unwrap();
    hold.notify_one();
    let (failed, _) = world.settled(&pushed.id).await;
    assert_eq!(failed.status, Status::Failed);
    assert_eq!(failed.failure.unwrap().reason, "SECRET_UNKNOWN");
}

#[tokio::test]
async fn what_came_with_a_request_is_recorded_as_having_been_there() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let expected = SecretSources {
        credentials: None,
        parameters: vec![("token".into(), SecretSource::Request)],
        template: true,
    };
    assert_eq!(base.secrets, expected);
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    assert_eq!(target.secrets, SecretSources::default());
    let pushed = world.push(&target.id).await;
    assert_eq!(pushed.secrets.credentials, Some(SecretSource::Request));
    assert!(pushed.secrets.again().is_err());
}

#[tokio::test]
async fn what_is_secret_to_one_plugin_is_no_plain_parameter_of_another() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let request = TargetImageRequest {
        target: "fake".into(),
        source: TargetSource::BaseImage(base.id),
        parameters: Parameters::parse(r#"{"token":"hunter2","size":"1"}"#).unwrap(),
    };
    let target = world.factory.create_target_image(request).await.unwrap();
    world.settled(&target.id).await;
    assert_eq!(target.parameters.to_json(), r#"{"size":"1"}"#);
    assert!(!contents(world.root.path()).contains("hunter2"));
}

#[tokio::test]
async fn a_secret_that_is_too_short_to_be_hidden_is_warned_of() {
    let world = world(Script::default()).await;
    let warnings = async |token: &str| {
        let parameters = Parameters::parse(&format!(r#"{{"token":"{token}"}}"#)).unwrap();
        let request = BaseImageRequest { template_xml: template("FakeOS"), parameters };
        let base = world.factory.create_base_image(request).await.unwrap();
        let (_, events) = world.settled(&base.id).await;
        let warnings = events.into_iter().filter_map(|event| match event.kind {
            EventKind::Warning(notice) => Some(notice.message),
            _ => None,
        });
        warnings.collect::<Vec<_>>()
    };
    assert_eq!(warnings("abc").await, ["token is too short to be hidden in logs"]);
    assert_eq!(warnings("abcd").await, [""; 0]);
}

#[tokio::test]
async fn parameters_of_a_deletion_are_secrets_where_nobody_knows_better() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let parameters = Parameters::parse(r#"{"token":"hunter2"}"#).unwrap();
    let credentials = Secret::new("secret:unheard-of");
    let request = DeleteRequest { parameters, credentials, ..world.deletion(&base.id, false) };
    world.factory.delete(request).await.unwrap();
    assert_eq!(world.settled(&base.id).await.0.status, Status::Deleted, "no credentials needed");
}
