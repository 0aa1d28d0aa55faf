//! Image Factory's command line, as its users' scripts call it.

use crate::support::factory::Sandbox;
use crate::support::program::Ended;
use crate::support::tdl::Tdl;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// A place with a template, credentials and the command.
struct Shop {
    sandbox: Sandbox,
    template: PathBuf,
    credentials: PathBuf,
    /// Goes before all other words.
    first: Vec<String>,
}

impl Shop {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let template = sandbox.template(&Tdl::mock("classic"));
        let credentials = sandbox.path().join("credentials.xml");
        std::fs::write(&credentials, "<provider_credentials/>\n\n").unwrap();
        Self { sandbox, template, credentials, first: Vec::new() }
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> Ended {
        self.run_as(self.sandbox.imagefactory(), words)
    }

    #[track_caller]
    fn run_as(&self, mut command: Command, words: &[&str]) -> Ended {
        command.args(&self.first);
        for word in words {
            match *word {
                "TEMPLATE" => command.arg(&self.template),
                "CREDENTIALS" => command.arg(&self.credentials),
                word => command.arg(word),
            };
        }
        Ended::of(&command, DEADLINE)
    }

    /// Runs a command that succeeds, and answers the one document that it prints.
    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let ended = self.run(&[&["--output", "json", "--raw"], words].concat()).succeeded();
        serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
    }
}

fn id(image: &Value) -> &str {
    image["identifier"].as_str().unwrap()
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Builds a base, a target and a provider image, lists and deletes them, each told as JSON.
fn story(shop: &Shop) {
    let base = shop.json(&["base_image", "TEMPLATE", "--parameter", "mock_note", "a b"]);
    assert_eq!((&base["status"], &base["percent_complete"]), (&json!("COMPLETE"), &json!(100)));
    assert_eq!(base["parameters"], json!({"mock_note": "a b"}));
    assert_eq!(
        base["status_detail"],
        json!({"activity": "Base Image build complete", "error": null})
    );
    let expected = ["identifier", "data", "template", "icicle", "status_detail", "status"];
    assert_eq!(names(&base)[..6], expected);
    let body = std::fs::read_to_string(base["data"].as_str().unwrap()).unwrap();
    assert!(body.starts_with("MockOS base_image file"), "{body}");
    let target = shop.json(&["target_image", "mock", "--id", id(&base)]);
    assert_eq!(
        (&target["base_image_id"], &target["target"]),
        (&base["identifier"], &json!("mock"))
    );
    let words = ["provider_image", "mock", "@mock-provider", "CREDENTIALS", "--id", id(&target)];
    let provider = shop.json(&words);
    assert_eq!(provider["target_image_id"], target["identifier"]);
    assert_eq!(provider["provider"], "mock-provider");
    assert_eq!(provider["provider_account_identifier"], "mock_user");
    let found = shop.json(&["images", r#"{"type": "ProviderImage", "provider": "mock-provider"}"#]);
    assert_eq!(found, provider);
    assert_eq!(shop.json(&["images", "{}"])["images"].as_array().unwrap().len(), 3);
    assert_eq!(shop.json(&["images", r#"{"target": "nobody"}"#]), json!({}));
    let words = ["delete", id(&provider), "--credentials", "CREDENTIALS", "--target", "mock"];
    assert_eq!(shop.json(&words)["status"], "DELETED");
    for image in [&target, &base] {
        assert_eq!(
            shop.json(&["delete", id(image)])["status_detail"]["activity"],
            "Image deleted."
        );
    }
    assert_eq!(shop.json(&["images", "{}"]), json!({}));
}

#[test]
fn the_whole_story_is_told_as_json() {
    story(&Shop::new());
}

#[test]
fn the_whole_story_can_be_asked_of_a_daemon() {
    let mut shop = Shop::new();
    let daemon = shop.sandbox.daemon();
    shop.first = vec!["--server".into(), daemon.address().into()];
    story(&shop);
    let ended = shop.run(&["import_base_image", "TEMPLATE"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("run it there, without --server"), "{}", ended.stderr);
    daemon.stop().succeeded();
}

#[test]
fn the_whole_story_is_told_in_words() {
    let shop = Shop::new();
    let words = ["provider_image", "mock", "@here", "CREDENTIALS", "--template", "TEMPLATE"];
    let ended = shop.run(&words).succeeded();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "============ Final Image Details ============");
    let id = lines[1].strip_prefix("UUID: ").unwrap();
    assert_eq!(lines[2], "Type: provider_image");
    assert!(lines[3].starts_with("Image filename: "), "{}", lines[3]);
    let known = lines[4].strip_prefix("Image ID on provider: ").unwrap();
    assert!(!known.is_empty());
    assert_eq!(lines[5..], ["Image build completed SUCCESSFULLY!"]);
    assert!(ended.stderr.contains("BUILDING"), "progress is on standard error");
    let listed = shop.run(&["images", r#"{"status": "COMPLETE"}"#]).succeeded().stdout;
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(listed.contains("ProviderImage") && listed.starts_with("UUID"), "{listed}");
    let deleted = shop.run(&["delete", id, "--credentials", "CREDENTIALS"]).succeeded().stdout;
    assert_eq!(deleted, format!("Image {id} deleted SUCCESSFULLY!\n"));
}

#[test]
fn what_fails_exits_with_1_and_says_why() {
    let shop = Shop::new();
    let doomed = ["base_image", "TEMPLATE", "--parameter", "mock_misbehave", "fail"];
    let ended = shop.run(&doomed);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stdout.contains("Image build FAILED with error: "), "{}", ended.stdout);
    let ended = shop.run(&[&["--output=json"], &doomed[..]].concat());
    assert_eq!(ended.status.code(), Some(1));
    let image: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(image["status"], "FAILED");
    assert!(image["status_detail"]["error"].is_string(), "{image}");
    let unknown = "0192f3a4-5b6c-4d8e-9f01-000000000000";
    for (words, reason) in [
        (&["target_image", "nowhere", "--template", "TEMPLATE"][..], "nowhere"),
        (&["base_image", "/no/such.tdl"], "can't read /no/such.tdl"),
        (&["delete", unknown], unknown),
        (&["images", "[]"], "FETCH_SPEC is no JSON object"),
        (&["plugins", "--id", "nobody"], "there is no plugin nobody"),
    ] {
        let ended = shop.run(words);
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""), "{words:?}");
        assert!(ended.stderr.contains(reason), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn a_deletion_that_fails_is_no_success() {
    let shop = Shop::new();
    let words = ["provider_image", "mock", "@here", "CREDENTIALS", "--template", "TEMPLATE"];
    let provider = shop.json(&words);
    let words = ["delete", id(&provider), "--parameter", "mock_misbehave", "fail"];
    let ended = shop.run(&words);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stdout);
    let expected = format!("Deletion of image {} FAILED with error: ", id(&provider));
    assert!(ended.stdout.starts_with(&expected), "{}", ended.stdout);
}

#[test]
fn plugins_say_what_they_are_by_their_names() {
    let shop = Shop::new();
    let all = shop.json(&["plugins"]);
    assert_eq!(all["mock-os"]["type"], "os");
    assert_eq!(shop.json(&["plugins", "--id", "mock-os"]), all["mock-os"]);
    let words = shop.run(&["plugins"]).succeeded().stdout;
    assert!(words.starts_with("NAME") && words.contains("mock-cloud"), "{words}");
}

#[test]
fn parameters_come_from_files_and_options_and_later_ones_win() {
    let shop = Shop::new();
    let path = |name: &str| shop.sandbox.path().join(name).display().to_string();
    std::fs::write(path("p.json"), r#"{"mock_steps": 1, "mock_note": "2", "mock_property": 3}"#)
        .unwrap();
    std::fs::write(path("script"), "line\n").unwrap();
    let base = shop.json(&[
        "base_image",
        "TEMPLATE",
        "--file-parameter",
        "mock_property",
        &path("script"),
        "--parameter",
        "mock_note",
        "x",
        "--parameters",
        &path("p.json"),
    ]);
    let expected = json!({"mock_steps": 1, "mock_note": "x", "mock_property": "line\n"});
    assert_eq!(base["parameters"], expected);
}

#[test]
fn under_its_own_name_the_program_takes_both_forms() {
    let shop = Shop::new();
    let factory = |words: &[&str]| shop.run_as(shop.sandbox.factory(), words);
    let help = Ended::of(&shop.bare("imagefactory"), DEADLINE).succeeded();
    assert!(
        help.stdout.contains("import_base_image") && !help.stdout.contains("watch"),
        "{}",
        help.stdout
    );
    assert_eq!(help.stderr, "");
    let ended =
        factory(&["base_image", "TEMPLATE", "--imgdir", "/x", "--timeout", "9"]).succeeded();
    assert!(ended.stdout.contains("Type: base_image"), "{}", ended.stdout);
    let warning = "warning: --imgdir, --timeout mean nothing any more";
    assert_eq!(
        ended.stderr.lines().filter(|line| line.starts_with("warning")).collect::<Vec<_>>(),
        [warning]
    );
    let ours = factory(&["images"]).succeeded().stdout;
    assert!(ours.starts_with("ID "), "{ours}");
    let theirs = factory(&["images", "{}", "--output", "json"]).succeeded().stdout;
    assert!(serde_json::from_str::<Value>(&theirs).unwrap()["identifier"].is_string());
    assert_eq!(
        factory(&["target_image", "kvm"]).status.code(),
        Some(2),
        "a line that makes no sense"
    );
}

impl Shop {
    /// The command without a word.
    fn bare(&self, name: &str) -> Command {
        drop(self.sandbox.imagefactory());
        let mut command = Command::new(self.sandbox.path().join(name));
        command.env_remove("XDG_RUNTIME_DIR").env("TMPDIR", self.sandbox.temporary());
        command
    }
}
