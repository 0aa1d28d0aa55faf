//! Contents that a template names by URL arrive in the build, if they may.

use crate::debian::BUILD_DEADLINE;
use crate::support::client::{assert_complete, assert_failed, log_lines};
use crate::support::container::Podman;
use crate::support::factory::Sandbox;
use crate::support::program::Ended;
use crate::support::story::{Story, file};
use crate::support::tdl::Tdl;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// Serves one text to everybody, and returns where.
fn serve(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://user:s3cret@{address}/motd")
}

fn naming(name: &str, file: &str, command: &str) -> Tdl {
    Tdl::mock(name).section(&format!(
        "<files><file name='/etc/motd' type='url'>{file}</file></files>\
         <commands><command name='setup' type='url'>{command}</command></commands>"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_fetches_what_it_is_allowed_to_and_nothing_else() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path().join("contents");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("setup.sh"), "touch /done\n").unwrap();
    std::fs::write(sandbox.path().join("secret"), "secret").unwrap();
    let flags = ["--outbound-allow", "127.0.0.1", "--content-dir", directory.to_str().unwrap()];
    let daemon = sandbox.daemon_with(&flags);
    let mut client = daemon.connect().await;
    let url = serve("hello\n");
    let template = naming("fetched", &url, "file://setup.sh");
    let image = client.create_base(&template, &json!({})).await.unwrap();
    assert_complete(&client.ended(&image.id).await);
    let events = client.events(&image.id, 0).await;
    let lines = log_lines(&events);
    for line in ["file /etc/motd has \"hello\\n\"", "command setup has \"touch /done\\n\""] {
        assert!(lines.contains(&line), "no {line} in {lines:#?}");
    }
    let shown = format!("{events:?} {:?}", client.image(&image.id).await);
    assert!(!shown.contains("s3cret"), "{shown}");

    let escape = format!("file://{}", sandbox.path().join("secret").display());
    let refused = client.create_base(&naming("escape", &url, &escape), &json!({})).await;
    let refused = refused.unwrap_err();
    assert!(refused.message().contains("is no file below a content directory"), "{refused}");
    let missing = naming("missing", &url, "file://none.sh");
    let image = client.create_base(&missing, &json!({})).await.unwrap();
    assert_failed(&client.ended(&image.id).await, &["CONTENT_REFUSED", "none.sh", "--content-dir"]);
    daemon.stop().succeeded();

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let refused = client.create_base(&template, &json!({})).await.unwrap_err();
    assert!(refused.message().contains("is not a public address"), "{refused}");
    let file = naming("file", "file:///etc/hostname", "file:///etc/hostname");
    let refused = client.create_base(&file, &json!({})).await.unwrap_err();
    assert!(refused.message().contains("reads no files by URL"), "{refused}");
    daemon.stop().succeeded();
}

#[test]
fn a_command_line_without_a_daemon_reaches_what_its_user_does() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("setup.sh"), "true").unwrap();
    let template = naming("local", &serve("hello"), "file://./setup.sh");
    let mut factory = sandbox.factory();
    factory.current_dir(sandbox.path());
    factory.arg("build").arg(sandbox.template(&template));
    Ended::of(&factory, DEADLINE).succeeded();
}

const TARGET_CONTENT: &str = "<template_includes>\
    <include target='kvm'><packages><package name='no-such-package'/></packages></include>\
    <include target='docker' os='Debian'><packages><package name='hello'/></packages></include>\
    </template_includes>";

#[test]
fn contents_and_what_the_configuration_adds_to_a_target_are_in_a_real_image() {
    let sandbox = Sandbox::new();
    let added = sandbox.path().join("target_content.xml");
    std::fs::write(&added, TARGET_CONTENT).unwrap();
    std::fs::write(sandbox.path().join("setup.sh"), "cp /etc/fetched /etc/copied").unwrap();
    let template = Tdl::debian("contents").disk("2 GiB").section(&format!(
        "<files><file name='/etc/fetched' type='url'>{}</file></files>\
         <commands><command name='setup' type='url'>file://./setup.sh</command></commands>",
        serve("fetched over http\n")
    ));
    let mut factory = sandbox.factory();
    factory.current_dir(sandbox.path()).arg("--target-content").arg(&added);
    factory.arg("build").arg(sandbox.template(&template)).args(["--target", "docker", "--json"]);
    let story = Story::of(&Ended::of(&factory, BUILD_DEADLINE).succeeded());
    let packages = |target: &str| story.image(target)["icicle_xml"].as_str().unwrap().to_owned();
    assert!(!packages("").contains("\"hello\""), "it is in the base image");
    assert!(packages("docker").contains("\"hello\""), "it is not listed in the target image");
    let podman = Podman::new();
    let image = podman.load(&file(story.image("docker"), "archive"));
    assert_eq!(podman.run(&image, &["hello"]).trim(), "Hello, world!");
    assert_eq!(podman.run(&image, &["cat", "/etc/copied"]), "fetched over http\n");
}

#[test]
fn a_file_of_target_content_that_is_wrong_is_told_at_the_start() {
    let sandbox = Sandbox::new();
    let added = sandbox.path().join("target_content.xml");
    std::fs::write(&added, "<template_includes><include></template_includes>").unwrap();
    let mut factory = sandbox.factory();
    factory.arg("--target-content").arg(&added).arg("images");
    let ended = Ended::of(&factory, DEADLINE);
    assert!(!ended.status.success());
    assert!(ended.stderr.contains("target_content.xml is not valid"), "{}", ended.stderr);
}
