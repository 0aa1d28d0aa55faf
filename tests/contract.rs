//! The REST API against its own description: whatever `openapi.json` promises is asked for, and so is what it rules out.
//!
//! The asking is done by schemathesis, with all of its checks: no status, media type, header or body that is not described,
//! no bad request that is taken, no good one that is not, no method beside those described, no 5xx. Left out are only its
//! stateful phase, for the description has no links to follow, and forms, which the description leaves to people.

use crate::support::binaries::repository;
use crate::support::client::assert_complete;
use crate::support::factory::{Daemon, Sandbox};
use crate::support::program::Ended;
use crate::support::tdl::Tdl;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PROGRAM: &str = "target/python/bin/schemathesis";
const DEADLINE: Duration = Duration::from_secs(300);
/// So many cases at least, or the description has become empty.
const CASES_MIN: u32 = 500;

/// Asks a daemon for what its description promises, always in the same way.
fn ask(daemon: &Daemon, settings: &Path, flags: &[&str]) {
    let program = repository(PROGRAM);
    assert!(program.is_file(), "{PROGRAM} is missing: run `make python`");
    let mut command = Command::new(program);
    let server = format!("http://{}", daemon.rest());
    command.current_dir(settings.parent().unwrap()).arg("--config-file").arg(settings);
    command.arg("run").arg(format!("{server}/imagefactory/openapi.json"));
    command.args(["--url", &server, "--generation-deterministic", "--max-examples=10"]);
    command.args(["--phases=examples,coverage,fuzzing", "--checks=all", "--mode=all"]);
    command.args(["--workers=2", "--request-timeout=30", "--no-shrink", "--warnings=off"]);
    let ended = Ended::of(command.args(flags).env("NO_COLOR", "1"), DEADLINE).succeeded();
    let words = ended.stdout.split_once("Test cases:").unwrap_or_else(|| panic!("{ended:?}")).1;
    let mut words = words.split_whitespace();
    let cases: u32 = words.next().unwrap().parse().unwrap();
    let passed = format!("generated, {cases} passed");
    assert!(words.collect::<Vec<_>>().join(" ").starts_with(&passed), "{}", ended.stdout);
    assert!(CASES_MIN <= cases, "{cases} cases are too few");
}

#[test]
fn the_api_is_as_it_describes_itself_while_it_is_empty() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon_with_rest();
    let settings = sandbox.path().join("schemathesis.toml");
    std::fs::write(&settings, "").unwrap();
    ask(&daemon, &settings, &[]);
    daemon.stop().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_it_describes_itself_where_images_are() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon_with_rest();
    let mut client = daemon.connect().await;
    let made = client.create_target(&Tdl::mock("contract"), "mock", &json!({})).await.unwrap();
    let target = client.ended(&made.id).await;
    let provider = client.create_provider(&target, "mock-provider").await.unwrap();
    let provider = client.ended(&provider.id).await;
    assert_complete(&provider);
    // A range is described, but how long a file is, is not: what is behind its end is 416.
    let taken = r#"["2xx", "3xx", "404", "409", "416"]"#;
    let mut settings = format!(
        "[checks.positive_data_acceptance]\nexpected-statuses = {taken}\n\
         [parameters]\n\"path.base_image_id\" = \"{}\"\n\"path.target_image_id\" = \"{}\"\n",
        target.parent_id, target.id
    );
    for (collection, id) in
        [("base", &target.parent_id), ("target", &target.id), ("provider", &provider.id)]
    {
        let path = format!("/{collection}_images/\\{{id\\}}");
        settings += &format!(
            "[[operations]]\ninclude-path-regex = '{path}'\nparameters = {{ \"path.id\" = \"{id}\" }}\n"
        );
    }
    let path = sandbox.path().join("schemathesis.toml");
    std::fs::write(&path, settings).unwrap();
    // What is deleted can't be asked for, and that is what the empty factory is asked.
    ask(&daemon, &path, &["--include-method=GET", "--exclude-path-regex=.*/plugins.*"]);
    daemon.stop().succeeded();
}
