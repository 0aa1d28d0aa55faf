//! Every form of every kind of secret, and what is left alone.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n\
    OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n\
    -----END PRIVATE KEY-----\n";

/// Secrets of all kinds: of any length, with what encodings escape, of more than one line, of other scripts.
const SECRETS: &[&str] = &[
    "s3cr",
    "hunter2",
    "p@ss w/rd+&=%\"'\\<>?",
    "Geheimnis-äöü-密码",
    "a\ttab and \"quotes\"",
    PEM,
    "{\"password\": \"pa55-\\\"w0rd\\\"\", \"n\": 12345678}",
    "<access key='k3y-in-attribute'><secret>inner &amp; secret</secret></access>",
];

fn percent(secret: &str, keep: &[u8], upper: bool) -> String {
    let unit = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || keep.contains(&b) => char::from(b).to_string(),
        b if upper => format!("%{b:02X}"),
        b => format!("%{b:02x}"),
    };
    secret.bytes().map(unit).collect()
}

/// A secret in every form, by the form's name.
fn forms(secret: &str) -> Vec<(String, String)> {
    let json = |text: &str| Value::from(text).to_string();
    let unicode: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let xml: String = secret.chars().map(|c| format!("&#{};", u32::from(c))).collect();
    let mut forms = vec![
        ("raw", secret.to_owned()),
        ("json", json(secret)),
        ("json in json", json(&json(secret))),
        ("debug", format!("{secret:?}")),
        ("unicode", unicode),
        ("xml", quick_xml::escape::escape(secret).into_owned()),
        ("xml numbers", xml),
        ("percent", percent(secret, b"-._~", true)),
        ("percent, lower case", percent(secret, b"-._~", false)),
        ("percent, as little as possible", percent(secret, b"-._~!*'();:@&=$,/?#[]<>\" ", true)),
        ("form", percent(secret, b"-._~ ", true).replace(' ', "+")),
        ("hex", secret.bytes().map(|byte| format!("{byte:02x}")).collect()),
        ("HEX", secret.bytes().map(|byte| format!("{byte:02X}")).collect()),
        ("url-safe, no padding", URL_SAFE_NO_PAD.encode(secret)),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect::<Vec<_>>();
    for (before, after) in [("", ""), ("u", "x"), ("us", "xy"), ("use", "xyz"), ("äö", "\n")] {
        let whole = format!("{before}{secret}{after}");
        forms.push((format!("base64 of {before}…{after}"), STANDARD.encode(&whole)));
        forms.push((format!("url-safe base64 of {before}…{after}"), URL_SAFE.encode(&whole)));
    }
    forms
}

/// What is left of a form when all that could be known of its neighbours is taken away: no half of it.
fn remainder(clean: &str, name: &str) -> usize {
    let left: usize = clean.replace(HIDDEN, "").trim_matches(['"', '\\']).len();
    let edge = if name.contains("base64") { 12 } else { 0 };
    left.saturating_sub(edge)
}

#[test]
fn every_form_of_every_secret_is_hidden_wherever_it_is() {
    for secret in SECRETS {
        let redactor = Redactor::new([*secret]);
        for (name, form) in forms(secret.trim()) {
            let clean = redactor.text(&form);
            assert!(remainder(&clean, &name) == 0, "{name}: {form} became {clean}");
            let text = format!("before <{form}> after");
            let clean = redactor.text(&text);
            assert!(clean.starts_with("before <") && clean.ends_with("> after"), "{name}: {clean}");
            assert!(clean.contains(HIDDEN) && !clean.contains(secret.trim()), "{name}: {clean}");
        }
    }
}

#[test]
fn other_text_stays_as_it_is() {
    let redactor = Redactor::new(SECRETS.iter().copied());
    for text in
        ["", "installing 12 packages", "100 % + 5 & \\n \\u12 %zz &#x; &", "hunter", "ümlaut\n"]
    {
        assert!(matches!(redactor.text(text), Cow::Borrowed(same) if same == text));
        assert!(matches!(Redactor::default().text(text), Cow::Borrowed(same) if same == text));
    }
    assert!(Redactor::new(["", "abc", " x "]).is_empty(), "too short to be hidden");
}

#[test]
fn more_than_one_secret_and_overlaps_are_hidden() {
    let redactor = Redactor::new(["hunter2", "hunter2-longer", "ter2-l"]);
    assert_eq!(redactor.text("a hunter2-longer b hunter2 c"), "a *** b *** c");
    assert_eq!(redactor.text("hunter2hunter2-l"), "***");
}

#[test]
fn a_name_loses_a_secret_but_no_coincidence() {
    let redactor = Redactor::new(["test", "correct-horse"]);
    for (name, clean) in [("latest-1", "latest-1"), ("x-correct-horse", "x-***")] {
        let mut cleaned = name.to_owned();
        redactor.clean_name(&mut cleaned);
        assert_eq!(cleaned, clean);
    }
}

#[test]
fn the_lines_of_a_key_are_secrets_but_not_its_fences() {
    let redactor = Redactor::new([PEM]);
    for line in PEM.lines().filter(|line| !line.starts_with('-')) {
        assert_eq!(redactor.text(&format!("> {line}")), "> ***");
    }
    assert_eq!(redactor.text("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
    let joined = PEM.replace('\n', "");
    assert!(redactor.text(&joined).contains("-----***-----"));
    let wrapped = STANDARD.encode(PEM.trim());
    for width in [64, 76] {
        for line in wrapped.as_bytes().chunks(width).filter(|line| 16 <= line.len()) {
            assert_eq!(redactor.text(std::str::from_utf8(line).unwrap()), HIDDEN);
        }
    }
    let broken: Vec<_> =
        wrapped.as_bytes().chunks(50).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert_eq!(remainder(&redactor.text(&broken.join("\n")), "base64"), 0);
}

#[test]
fn values_in_credentials_are_secrets_and_names_are_not() {
    let auth = STANDARD.encode("ci:d0cker-pass");
    let document = json!({
        "auths": {"registry.example.org": {"auth": auth, "username": "robot-account"}},
        "region": "eu-central-1", "url": "https://me:ur1-pass@x.org/", "pin": 73_501_234,
        "keys": ["first-key", {"nested": "second-key"}], "short": "abc",
    });
    let redactor = Redactor::new([document.to_string().as_str()]);
    for hidden in ["d0cker-pass", "ur1-pass", "73501234", "first-key", "second-key", &auth] {
        assert_eq!(redactor.text(hidden), HIDDEN, "{hidden}");
    }
    for shown in ["robot-account", "eu-central-1", "registry.example.org", "abc"] {
        assert_eq!(redactor.text(shown), shown);
    }
    let xml = "<c><access_key>AKIA-1234</access_key><user>robot</user><p v='attr-pass'/>\
               <x><![CDATA[c<data>]]></x></c>";
    let redactor = Redactor::new([xml]);
    for hidden in ["AKIA-1234", "attr-pass", "c<data>"] {
        assert_eq!(redactor.text(hidden), HIDDEN, "{hidden}");
    }
    assert_eq!(redactor.text("robot"), "robot");
    assert_eq!(Redactor::new(["me:hunter2"]).text("hunter2"), HIDDEN);
}

#[test]
fn json_stays_json() {
    for secret in SECRETS {
        let redactor = Redactor::new([*secret]);
        for (name, form) in forms(secret.trim()) {
            let mut members = serde_json::Map::new();
            members.insert(form.clone(), json!([1, {"x": format!("<{form}>")}]));
            let mut text = Value::Object(members).to_string();
            redactor.clean_json(&mut text);
            let clean: Value = serde_json::from_str(&text).unwrap();
            let (key, value) = clean.as_object().unwrap().iter().next().unwrap();
            let value = value[1]["x"].as_str().unwrap();
            assert!(key.contains(HIDDEN) && value.contains(HIDDEN), "{name}: {text}");
        }
    }
    let redactor = Redactor::new(["12345678", "{\"a\": 1}", "\\u0068idden"]);
    for (text, clean) in [
        ("12345678", "\"***\""),
        ("[12345678.5, true]", "[\"***\",true]"),
        ("{\"a\": 1}", "\"***\""),
        ("[ 1,  2 ]", "[ 1,  2 ]"),
        ("\"1234\\u0035678\"", "\"***\""),
        ("{\"k\": 12345678", "{\"k\": ***"),
    ] {
        let mut cleaned = text.to_owned();
        redactor.clean_json(&mut cleaned);
        assert_eq!(cleaned, clean, "{text}");
    }
}

#[test]
fn a_secret_that_is_cut_anywhere_is_hidden() {
    for secret in SECRETS {
        let redactor = Redactor::new([*secret]);
        for (name, form) in forms(secret.trim()) {
            let text = format!("before {form} after");
            let expected = redactor.text(&text);
            for cut in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let mut stream = Stream::default();
                let mut shown = stream.piece(&redactor, &text[..cut]);
                shown += &stream.end(&redactor, &text[cut..]);
                assert_eq!(shown, expected, "{name} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_stream_shows_what_can_be_no_secret() {
    let redactor = Redactor::new(["hunter2"]);
    let mut stream = Stream::default();
    let shown = stream.piece(&redactor, &"x".repeat(10_000));
    assert!(9_000 < shown.len());
    assert_eq!(shown.len() + stream.end(&redactor, "").len(), 10_000);
    assert_eq!(Stream::default().piece(&Redactor::default(), "all of it"), "all of it");
}

#[test]
fn nothing_shows_in_debug_output() {
    assert_eq!(format!("{:?}", Redactor::new(["hunter2"])), "Redactor(***)");
}

/// A build has some 2 000 lines, and hardly one with a secret.
#[test]
fn a_line_without_secrets_is_not_copied() {
    let redactor = Redactor::new(SECRETS.iter().copied());
    let line =
        "Get:113 http://example.org/debian bookworm/main amd64 libssl3 amd64 3.0.15-1 [2,022 kB]";
    assert!(matches!(redactor.text(line), Cow::Borrowed(_)));
}
