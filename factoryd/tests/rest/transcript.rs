//! Everything that Image Factory's clients say, and what they are told, as a text to compare with.
//!
//! `transcript.txt` was read line by line against the record of the original's behaviour. After a change that is meant,
//! `UPDATE_TRANSCRIPT=1 cargo test -p factoryd --test rest` writes it anew.

use crate::client::{Reply, Server};
use crate::fake::{Script, template};
use factoryd::domain::ImageId;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

const JSON: &str = "Content-Type: application/json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const PARTS: &str = "Content-Type: multipart/form-data; boundary=XX";

struct Transcript {
    server: Server,
    names: Vec<(String, String)>,
    text: String,
    requests: usize,
}

impl Transcript {
    async fn start() -> Self {
        let server = Server::start(Script::default()).await;
        let names = vec![
            (format!("http://{}", server.address), String::new()),
            (env!("CARGO_PKG_VERSION").to_owned(), "{version}".to_owned()),
        ];
        Self { server, names, text: String::new(), requests: 0 }
    }

    /// Says something, writes down what was said and answered; names in braces stand for ids.
    async fn say(&mut self, line: &str, headers: &[&str], body: &str) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let full = format!("{method} /imagefactory{}", self.with_ids(path));
        let reply = self.server.send(&full, headers, self.with_ids(body).as_bytes()).await;
        writeln!(self.text, "{method} /imagefactory{path}").unwrap();
        for line in headers.iter().copied().chain(body.lines()) {
            let line = format!("    {}", self.with_names(line));
            writeln!(self.text, "{}", line.trim_end()).unwrap();
        }
        let media_type = reply.header("content-type").unwrap_or("-").to_owned();
        writeln!(self.text, "{} {media_type}", reply.status).unwrap();
        for name in ["allow", "content-disposition", "content-range", "link", "x-total-count"] {
            if let Some(value) = reply.header(name) {
                writeln!(self.text, "{name}: {}", self.with_names(value)).unwrap();
            }
        }
        let shown = self.with_names(&shown(&reply));
        writeln!(self.text, "{shown}\n").unwrap();
        self.requests += 1;
        reply
    }

    async fn get(&mut self, path: &str) {
        self.say(&format!("GET {path}"), &[], "").await;
    }

    async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.say(&format!("POST {path}"), &[JSON], &body.to_string()).await
    }

    /// Creates an image, names it, and waits for its end.
    async fn make(&mut self, name: &str, path: &str, headers: &[&str], body: &str) {
        let reply = self.say(&format!("POST {path}"), headers, body).await;
        self.name(name, &reply).await;
    }

    async fn name(&mut self, name: &str, reply: &Reply) {
        let id = reply.id();
        self.text = self.text.replace(&id, &format!("{{{name}}}"));
        self.names.push((id.clone(), format!("{{{name}}}")));
        self.server.world.settled(&ImageId::parse(&id).unwrap()).await;
    }

    async fn settle(&self, name: &str) {
        let id = self.with_ids(&format!("{{{name}}}"));
        self.server.world.settled(&ImageId::parse(&id).unwrap()).await;
    }

    fn with_ids(&self, text: &str) -> String {
        let named = self.names.iter().filter(|(_, name)| !name.is_empty());
        named.fold(text.to_owned(), |text, (id, name)| text.replace(name, id))
    }

    fn with_names(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }
}

fn shown(reply: &Reply) -> String {
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap(),
        Err(_) => reply.text(),
    }
}

async fn lifecycle(it: &mut Transcript) {
    let xml = template("FakeOS");
    let base = json!({ "base_image": { "template": xml, "parameters": { "size": "1" } } });
    it.get("").await;
    for collection in ["/base_images", "/target_images", "/provider_images"] {
        it.get(collection).await;
    }
    it.make("base", "/base_images", &[JSON], &base.to_string()).await;
    it.get("/base_images").await;
    it.get("/base_images/{base}").await;
    let target = r#"{"target_image":{"target":"fake","base_image_id":"{base}"}}"#;
    it.make("target", "/target_images", &[JSON], target).await;
    let nested = r#"{"target_image":{"target":"fake2"}}"#;
    it.make("target2", "/base_images/{base}/target_images", &[JSON], nested).await;
    let both = json!({ "target_image": { "target": "fake", "base_image_id": "{base}" } });
    it.make("target3", "/base_images/{nobody}/target_images", &[JSON], &both.to_string()).await;
    let from_template = json!({ "target_image": { "target": "fake", "template": xml } });
    it.make("target4", "/target_images", &[JSON], &from_template.to_string()).await;
    let push = r#"{"provider_image":{"provider":"region-1","credentials":"hunter2","target":"fake","target_image_id":"{target}"}}"#;
    it.make("provider", "/provider_images", &[JSON], push).await;
    let push =
        r#"{"provider_image":{"provider":"region-2","credentials":"hunter2","target":"fake"}}"#;
    it.make("provider2", "/target_images/{target}/provider_images", &[JSON], push).await;
    let deep = "/base_images/{base}/target_images/{target}/provider_images";
    it.make("provider3", deep, &[JSON], push).await;
    let from_template = json!({ "provider_image": { "provider": "region-1", "credentials": "hunter2", "target": "fake",
        "template": xml } });
    it.make("provider4", "/provider_images", &[JSON], &from_template.to_string()).await;
}

async fn forms(it: &mut Transcript) {
    let encoded: String = template("FakeOS").bytes().map(|byte| format!("%{byte:02X}")).collect();
    it.make("form", "/base_images", &[FORM], &format!("template={encoded}")).await;
    let typed = "target=fake&base_image_id={form}&parameters=%7B%22size%22%3A%222%22%7D";
    it.make("form2", "/target_images", &[FORM], typed).await;
    let part = |name: &str, value: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!("{}{}--XX--\r\n", part("target", "fake"), part("base_image_id", "{form}"));
    it.make("parts", "/target_images", &[PARTS], &body).await;
    let flat = "provider=region-1&credentials=hunter2&target=fake";
    it.make("pushed", "/target_images/{parts}/provider_images", &[FORM], flat).await;
    it.say("POST /provider_images", &[FORM], "provider=p&target=mock").await;
}

async fn reading(it: &mut Transcript) {
    for path in [
        "/target_images/{target}",
        "/base_images/{base}/target_images/{target}",
        "/provider_images/{provider}",
        "/target_images/{target}/provider_images/{provider}",
        "/base_images/{base}/provider_images/{provider}",
        "/base_images/{base}/target_images/{target}/provider_images/{provider}",
        "/base_images/{nobody}/target_images/{target}",
        "/base_images/{base}/target_images",
        "/target_images/{target}/provider_images",
        "/base_images/{nobody}/target_images",
        "/base_images?limit=1",
        "/base_images?limit=1&offset=1",
        "/target_images?target=fake2",
        "/provider_images?provider=region-2",
        "/base_images?status=FAILED",
        "/base_images/{base}/raw_image",
        "/target_images/{target}/raw_image",
        "/base_images/{base}/target_images/{target}/raw_image",
        "/target_images/{target}/provider_images/{base}/raw_image",
        "/provider_images/{provider}/raw_image",
        "/base_images/{base}/target_images/{target}/provider_images/{provider}/raw_image",
        "/plugins",
        "/plugins/",
        "/plugins/Fake",
        "/jeos",
        "/jeos/images",
    ] {
        it.get(path).await;
    }
    it.say("GET /base_images/{base}/raw_image", &["Range: bytes=2-5"], "").await;
    it.say("GET /base_images/{base}/raw_image", &["Range: bytes=900-"], "").await;
    it.say("HEAD /base_images/{base}/raw_image", &[], "").await;
}

async fn refusals(it: &mut Transcript) {
    for path in [
        "/",
        "/foo",
        "/foo/bar",
        "/targets",
        "/targets/fake/providers",
        "/targets/fake/providers/region-1",
        "/targets/fake",
        "/jeos/images/1",
        "/jeos/1",
        "/plugins/Nobody",
        "/base_images/{nobody}",
        "/base_images/{target}",
        "/target_images/not-an-id",
        "/base_images/{nobody}/raw_image",
        "/base_images/{base}/target_images/{target}/provider_images",
        "/base_images?limit=0",
        "/base_images?status=SLEEPING",
    ] {
        it.get(path).await;
    }
    for line in ["PUT /base_images", "PATCH /base_images/{base}", "DELETE /plugins", "POST "] {
        it.say(line, &[], "").await;
    }
    it.say("GET /base_images", &["Accept: text/html"], "").await;
    it.say("GET /base_images", &["Accept: application/xml"], "").await;
    it.say("GET /base_images", &["Accept: text/html, */*;q=0.1"], "").await;
    it.say("GET /base_images/{nobody}", &["Accept: application/problem+json"], "").await;
    it.post("/foo", json!({})).await;
    for body in [json!({}), json!({ "base_image": {} }), json!([]), json!({ "target_image": {} })] {
        it.post("/base_images", body).await;
    }
    it.say("POST /base_images", &[JSON], "{").await;
    it.say("POST /base_images", &[], "{}").await;
    it.say("POST /base_images", &["Content-Type: application/xml"], "<image/>").await;
    it.post("/target_images", json!({ "target_image": { "target": "fake" } })).await;
    let nobody = json!({ "target_image": { "target": "fake", "base_image_id": "{nobody}" } });
    it.post("/target_images", nobody).await;
    it.post("/provider_images", json!({ "provider_image": { "provider": "p", "target": "mock" } }))
        .await;
}

async fn accepted_and_failed(it: &mut Transcript) {
    for (name, template) in [("broken", "<template>".to_owned()), ("unknown", template("NoSuchOS"))]
    {
        let body = json!({ "base_image": { "template": template } }).to_string();
        it.make(name, "/base_images", &[JSON], &body).await;
        it.get(&format!("/base_images/{{{name}}}")).await;
    }
    it.make("empty", "/base_images", &[JSON], r#"{"base_image":{"parameters":{"a":1}}}"#).await;
    let elsewhere = r#"{"target_image":{"target":"nowhere","base_image_id":"{base}"}}"#;
    it.make("elsewhere", "/target_images", &[JSON], elsewhere).await;
    it.get("/target_images/{elsewhere}").await;
    let below = r#"{"target_image":{"target":"fake","base_image_id":"{broken}"}}"#;
    it.make("below", "/target_images", &[JSON], below).await;
}

async fn deleting(it: &mut Transcript) {
    it.say("POST /base_images/{base}/cancel", &[], "").await;
    it.say("DELETE /base_images/{nobody}", &[], "").await;
    it.say("DELETE /base_images/{base}", &[], "").await;
    it.say("DELETE /provider_images/{provider}", &[], "").await;
    let account =
        r#"{"provider_image":{"provider":"region-1","credentials":"hunter2","target":"fake"}}"#;
    it.say("DELETE /provider_images/{provider}", &[JSON], account).await;
    let bare = r#"{"provider":"region-2","credentials":"hunter2","target":"fake"}"#;
    let path = "DELETE /base_images/{base}/target_images/{target}/provider_images/{provider2}";
    it.say(path, &[JSON], bare).await;
    let flat = "provider=region-2&credentials=hunter2&target=fake";
    it.say("DELETE /foo/{provider3}", &[FORM], flat).await;
    it.say("DELETE /target_images/{target2}", &[JSON], "").await;
    it.say("DELETE /base_images/{base}/target_images/{target3}", &[], "").await;
    for name in ["provider", "provider2", "provider3", "target2", "target3"] {
        it.settle(name).await;
    }
    it.get("/provider_images/{provider}").await;
    it.say("DELETE /provider_images/{provider}", &[], "").await;
    it.get("/target_images/{target2}?deleted=true").await;
    it.say("DELETE /base_images/{base}?cascade=true", &[], "").await;
    it.settle("base").await;
    it.get("/target_images/{target}").await;
    it.say("DELETE /base_images/{broken}?cascade=yes", &[], "").await;
    it.get("/base_images/{broken}").await;
}

#[tokio::test]
async fn clients_of_image_factory_are_told_what_they_were_always_told() {
    let mut it = Transcript::start().await;
    let nobody = "0192f3a4-5b6c-7d8e-9f01-23456789abcd".to_owned();
    it.names.push((nobody, "{nobody}".to_owned()));
    lifecycle(&mut it).await;
    forms(&mut it).await;
    reading(&mut it).await;
    refusals(&mut it).await;
    accepted_and_failed(&mut it).await;
    deleting(&mut it).await;
    assert!(80 <= it.requests, "{}", it.requests);
    compare(&anonymous(&it.text));
}

/// Ids that nobody named are of images that came along with others.
fn anonymous(text: &str) -> String {
    let is_id = |word: &str| ImageId::parse(word).is_ok();
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('-') {
        let start = at.saturating_sub(8);
        match rest.get(start..start + 36) {
            Some(id) if is_id(id) => {
                words.push(format!("{}{{other}}", &rest[..start]));
                rest = &rest[start + 36..];
            }
            _ => {
                words.push(rest[..=at].to_owned());
                rest = &rest[at + 1..];
            }
        }
    }
    words.push(rest.to_owned());
    words.concat()
}

fn compare(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rest/transcript.txt");
    if std::env::var_os("UPDATE_TRANSCRIPT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap();
    for (number, (new, old)) in text.lines().zip(known.lines()).enumerate() {
        assert_eq!(new, old, "line {} of {}", number + 1, path.display());
    }
    assert_eq!(text.lines().count(), known.lines().count(), "{}", path.display());
}
