//! Stores as Image Factory leaves them.

use crate::disks::{run, sparse};
use crate::place::{Place, silent};
use factoryd::domain::{Image, ImageId, Status};
use factoryd::domain::{Parameters, Secret};
use factoryd::factory::{
    DeleteRequest, ImportStoreRequest, Imported, ListRequest, Outcome, StoreImport, Taking,
};
use serde_json::{Value, json};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

const TEMPLATE: &str = "<template><name>web</name><os><name>Fedora</name><version>18</version>\
<arch>x86_64</arch><install type='url'><url>http://h/</url></install><rootpw>hunter2</rootpw></os></template>";

fn id(number: u32) -> String {
    format!("0192f3a4-5b6c-4d8e-9f01-{number:012}")
}

/// An image as the original saves it, with `more` over it.
fn meta(directory: &Path, number: u32, kind: &str, more: Value) {
    let id = id(number);
    let mut object = json!({
        "identifier": id, "type": kind, "data": "/etc/passwd", "template": TEMPLATE, "icicle": null,
        "status": "COMPLETE", "percent_complete": 0, "parameters": {}, "properties": {},
        "status_detail": {"activity": "build complete", "error": null},
    });
    for (key, value) in more.as_object().unwrap() {
        object[key] = value.clone();
    }
    std::fs::write(directory.join(format!("{id}.meta")), object.to_string()).unwrap();
    std::fs::write(directory.join(format!("{id}.body")), "").unwrap();
}

async fn import(place: &Place, taking: Taking) -> StoreImport {
    let request = ImportStoreRequest { directory: place.path("old"), taking };
    place.factory.import_store(request, silent()).await.unwrap()
}

async fn image(place: &Place, number: u32) -> Image {
    place.factory.image(&ImageId::parse(&id(number)).unwrap()).await.unwrap()
}

fn found(report: &StoreImport, number: u32) -> &Imported {
    report.images.iter().find(|one| one.id.as_str() == id(number)).unwrap()
}

async fn place() -> Place {
    let place = Place::new().await;
    std::fs::create_dir(place.path("old")).unwrap();
    place
}

/// A base, a target and a provider image that belong together.
fn family(old: &Path) {
    let icicle = "<icicle><packages><package name='a'/><package name='b'/></packages></icicle>";
    let base = json!({
        "icicle": icicle, "properties": {"x-image-properties-glance_id": "7"},
        "parameters": {"generate_icicle": "false", "callbacks": ["http://u:p@h/"], "credentials": "s3cret"},
    });
    meta(old, 1, "BaseImage", base);
    let body = std::fs::File::create(old.join(format!("{}.body", id(1)))).unwrap();
    body.set_len(64 << 20).unwrap();
    body.write_all_at(b"boot", 4096).unwrap();
    meta(old, 2, "TargetImage", json!({"base_image_id": id(1), "target": "openstack-kvm"}));
    let mut create = Command::new("qemu-img");
    run(create
        .args(["create", "-q", "-f", "qcow2"])
        .arg(old.join(format!("{}.body", id(2))))
        .arg("1G"));
    let provider = json!({
        "target_image_id": id(2), "target": "rhevm", "provider": r#"{"api-url":"u","password":"s3cret"}"#,
        "identifier_on_provider": 4711, "provider_account_identifier": "me", "parameters": null,
    });
    meta(old, 3, "ProviderImage", provider);
}

#[tokio::test]
async fn a_family_of_images_comes_over_with_all_there_is_to_know() {
    let place = place().await;
    let old = place.path("old");
    family(&old);
    let report = import(&place, Taking::Link).await;
    assert!(report.images.iter().all(|one| one.outcome == Outcome::Imported), "{report:?}");
    assert_eq!(report.skipped, []);
    let base = image(&place, 1).await;
    assert_eq!((base.status, base.name.as_str(), base.percent), (Status::Complete, "web", 100.0));
    assert_eq!(base.parameters.to_json(), r#"{"generate_icicle":"false"}"#);
    assert_eq!(base.properties.to_json(), r#"{"x-image-properties-glance_id":"7"}"#);
    assert!(base.icicle_xml.unwrap().contains("name='b'"));
    let body = &base.artifacts[0];
    assert_eq!((body.format.as_str(), body.size, body.virtual_size), ("raw", 64 << 20, 64 << 20));
    assert!(body.path.metadata().unwrap().blocks() < 2048, "it is not sparse");
    let target = image(&place, 2).await;
    assert_eq!((target.parent, target.target.as_deref()), (Some(base.id), Some("openstack-kvm")));
    assert_eq!(
        (target.artifacts[0].format.as_str(), target.artifacts[0].virtual_size),
        ("qcow2", 1 << 30)
    );
    let provider = image(&place, 3).await;
    assert_eq!(provider.parent, Some(target.id));
    assert_eq!(provider.provider.as_deref(), Some(r#"{"api-url":"u"}"#));
    assert_eq!(provider.identifiers.identifier_on_provider, "4711");
    assert!(!provider.snapshot);
    assert_eq!(found(&report, 1).notes, ["left out: callbacks", "left out: credentials"]);
    let kept = std::fs::read(place.path("store/factory.db-wal")).unwrap_or_default();
    let kept = [kept, std::fs::read(place.path("store/factory.db")).unwrap()].concat();
    for secret in ["hunter2", "s3cret", "u:p@h"] {
        assert!(!kept.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test]
async fn a_second_run_imports_only_what_is_new() {
    let place = place().await;
    let old = place.path("old");
    family(&old);
    import(&place, Taking::Copy).await;
    let before = image(&place, 1).await;
    meta(&old, 4, "TargetImage", json!({"base_image_id": id(1), "target": "docker"}));
    let report = import(&place, Taking::Copy).await;
    assert_eq!(found(&report, 4).outcome, Outcome::Imported);
    for number in 1..=3 {
        assert_eq!(found(&report, number).outcome, Outcome::There);
    }
    assert_eq!(image(&place, 1).await, before);
}

#[tokio::test]
async fn what_was_under_way_has_failed_and_says_why() {
    let place = place().await;
    let old = place.path("old");
    let error = "Traceback (most recent call last):\n  File \"x\"\nOzException: no space left\n";
    let detail = json!({"activity": "Base Image build failed with exception.", "error": error});
    for (number, status, expected, reason) in [
        (1, "NEW", Status::Failed, "it was NEW when its factory ended"),
        (2, "PENDING", Status::Failed, "it was PENDING"),
        (3, "BUILDING", Status::Failed, "it was BUILDING"),
        (4, "FAILED", Status::Failed, "OzException: no space left"),
        (5, "DELETING", Status::DeleteFailed, "it was DELETING"),
        (6, "DELETEFAILED", Status::DeleteFailed, "OzException: no space left"),
        (7, "DELETED", Status::Deleted, ""),
    ] {
        meta(&old, number, "BaseImage", json!({"status": status, "status_detail": detail}));
        import(&place, Taking::Copy).await;
        let image = image(&place, number).await;
        assert_eq!(image.status, expected, "{status}");
        let failure = image.failure.map(|failure| failure.message).unwrap_or_default();
        assert!(failure.starts_with(reason), "{status}: {failure}");
    }
    assert!(image(&place, 4).await.failure.unwrap().detail.contains("Traceback"));
}

#[tokio::test]
async fn what_is_damaged_is_reported_and_skipped_and_the_rest_comes_over() {
    let place = place().await;
    let old = place.path("old");
    family(&old);
    let write = |name: &str, text: &str| std::fs::write(old.join(name), text).unwrap();
    write(&format!("{}.meta", id(10)), "");
    write(&format!("{}.meta", id(11)), "{\"identifier\": \"019");
    write(&format!("{}.meta", id(12)), "[1, 2]");
    write("..%2f..%2fetc.meta", "{}");
    write("not-an-id.meta", "{}");
    write(&format!("{}.body.gz", id(1)), "left by EC2");
    meta(&old, 13, "BaseImage", json!({"identifier": "../../../etc/passwd"}));
    meta(&old, 14, "TemplateImage", json!({}));
    meta(&old, 15, "BaseImage", json!({"status": "LOST"}));
    meta(&old, 16, "TargetImage", json!({"base_image_id": "../../x"}));
    meta(&old, 17, "BaseImage", json!({}));
    let body = old.join(format!("{}.body", id(17)));
    std::fs::remove_file(&body).unwrap();
    symlink("/etc/passwd", &body).unwrap();
    meta(&old, 18, "BaseImage", json!({}));
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
    sparse(&old.join("backing"), 4096);
    run(create.arg(old.join("backing")).arg(old.join(format!("{}.body", id(18)))));
    symlink("/etc/passwd", old.join(format!("{}.meta", id(19)))).unwrap();
    std::fs::write(old.join(format!("{}.meta", id(20))), [0xff, 0xfe, 0]).unwrap();
    std::fs::create_dir(old.join(format!("{}.meta", id(21)))).unwrap();
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    write(&format!("{}.meta", id(22)), &nested);
    let report = import(&place, Taking::Copy).await;
    assert_eq!(report.images.len(), 3, "{report:?}");
    let why = |name: &str| {
        let of =
            |one: &&factoryd::import::legacy::Skipped| one.file == old.join(format!("{name}.meta"));
        report.skipped.iter().find(of).unwrap_or_else(|| panic!("{name}")).why.clone()
    };
    for (name, words) in [
        (id(10), "it is empty"),
        (id(11), "it is no JSON object"),
        (id(12), "it is no JSON object"),
        ("..%2f..%2fetc".into(), "is not an image id"),
        ("not-an-id".into(), "is not an image id"),
        (id(13), "it says that it is image ../../../etc/passwd"),
        (id(14), "its type TemplateImage is not known"),
        (id(15), "its status LOST is not known"),
        (id(16), "its parent: `../../x` is not an image id"),
        (id(17), "its body can't be opened"),
        (id(18), "its body refers to another file"),
        (id(19), "it can't be read"),
        (id(20), "it is no JSON object"),
        (id(21), "it can't be read"),
        (id(22), "it is no JSON object"),
    ] {
        assert!(why(&name).contains(words), "{name}: {}", why(&name));
    }
    assert_eq!(report.skipped.len(), 15);
}

#[tokio::test]
async fn an_image_without_a_template_body_or_parent_comes_over_and_can_be_deleted() {
    let place = place().await;
    let old = place.path("old");
    meta(
        &old,
        1,
        "TargetImage",
        json!({"template": null, "base_image_id": id(9), "target": "ova"}),
    );
    let report = import(&place, Taking::Copy).await;
    let notes = [
        "it has no body",
        "it has no template",
        &format!("what it was made from ({}) is not here", id(9)),
    ];
    assert_eq!(found(&report, 1).notes, notes);
    let request = DeleteRequest {
        id: ImageId::parse(&id(1)).unwrap(),
        provider: None,
        credentials: Secret::new(""),
        parameters: Parameters::default(),
        cascade: false,
        force: false,
    };
    assert_eq!(place.factory.delete(request).await.unwrap().status, Status::Deleting);
}

#[tokio::test]
async fn moving_leaves_the_body_only_here() {
    let place = place().await;
    let old = place.path("old");
    family(&old);
    import(&place, Taking::Move).await;
    assert!(!old.join(format!("{}.body", id(1))).exists());
    assert!(image(&place, 1).await.artifacts[0].path.exists());
    let there = import(&place, Taking::Move).await;
    assert!(there.images.iter().all(|one| one.outcome == Outcome::There), "{there:?}");
    let listed = place.factory.images(&ListRequest::default()).await.unwrap();
    assert_eq!(listed.items.len(), 3);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_an_error() {
    let place = Place::new().await;
    let request = ImportStoreRequest { directory: place.path("old"), taking: Taking::Copy };
    let error = place.factory.import_store(request, silent()).await.unwrap_err();
    assert!(error.to_string().starts_with("can't read"), "{error}");
}
