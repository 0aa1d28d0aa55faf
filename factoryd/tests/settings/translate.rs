//! The configuration of Image Factory, as it came with it and as people changed it.

use super::Place;
use std::os::unix::fs::PermissionsExt;

/// As it was shipped.
const SHIPPED: &str = r#"{
    "debug": 0,
    "no_ssl": 0,
    "no_oauth": 0,
    "imgdir": "/var/lib/imagefactory/images",
    "ec2_ami_type": "ebs",
    "rhevm_image_format": "qcow2",
    "openstack_image_format": "qcow2",
    "clients": {
        "mock-key": "mock-secret"
    },
    "proxy_ami_id": "ami-id",
    "max_concurrent_local_sessions": 2,
    "max_concurrent_ec2_sessions": 4,
    "ec2-32bit-util": "m1.small",
    "ec2-64bit-util": "t2.micro",
    "image_manager": "file",
    "image_manager_args": { "storage_path": "/var/lib/imagefactory/storage" },
    "tdl_require_root_pw": 0,
    "jeos_config": ["/etc/imagefactory/jeos_images/"]
}
"#;

const SHIPPED_TOML: &str = r#"# Translated from f.toml.
store = "/var/lib/imagefactory/storage"
require_root_password = false

[jobs]
concurrent_builds = 2

[rest]
listen = "127.0.0.1:8075"
"#;

/// The keys of which something is said, in the order of the file, and the line.
const SHIPPED_WARNINGS: &[(&str, u32)] = &[
    ("no_ssl", 3),
    ("imgdir", 5),
    ("ec2_ami_type", 6),
    ("rhevm_image_format", 7),
    ("openstack_image_format", 8),
    ("clients", 9),
    ("proxy_ami_id", 12),
    ("max_concurrent_ec2_sessions", 14),
    ("ec2-32bit-util", 15),
    ("ec2-64bit-util", 16),
    ("image_manager", 17),
    ("storage_path", 18),
    ("jeos_config", 20),
];

#[test]
fn the_shipped_configuration_is_translated_with_a_warning_for_each_key_that_is_lost() {
    let ended = Place::with(SHIPPED).daemon(&["config", "translate", "f.toml"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), SHIPPED_TOML), "{ended:?}");
    let mut lines = ended.err.lines();
    for (key, line) in SHIPPED_WARNINGS {
        let begin = format!("warning: f.toml:{line}: `{key}` ");
        let said = lines.next().unwrap();
        assert!(said.starts_with(&begin), "{said}\n{begin}");
    }
    let last = lines.next().unwrap();
    assert!(last.starts_with("warning: f.toml: `address` is not said: "), "{last}");
    assert_eq!(lines.next(), None);
    assert!(!ended.err.contains("mock-secret"));
}

#[test]
fn what_is_translated_is_valid_and_says_the_same_as_the_original() {
    let place = Place::with(SHIPPED);
    let translated = place.daemon(&["config", "translate", "f.toml"]).out;
    std::fs::write(place.path().join("new.toml"), translated).unwrap();
    let show = |file: &str| {
        let ended = place.daemon(&["config", "show", "--json", "--config", file]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str::<Vec<serde_json::Value>>(&ended.out).unwrap()
    };
    let value = |(one, other): (&serde_json::Value, &serde_json::Value)| {
        assert_eq!(one["value"], other["value"], "{}", one["key"]);
    };
    let (before, after) = (show("f.toml"), show("new.toml"));
    assert_eq!(before.len(), after.len());
    before.iter().zip(&after).for_each(value);
    let store = before.iter().find(|setting| setting["key"] == "store").unwrap();
    assert_eq!(store["origin"], "f.toml:18", "the line of the original");
}

#[test]
fn every_key_of_the_original_is_known() {
    let all = r#"{"verbose": true, "debug": true, "foreground": true, "port": 9000, "address": "127.0.0.1",
        "no_ssl": true, "ssl_pem": "*", "no_oauth": true, "clients": {}, "secondary": false, "imgdir": "/i",
        "tmpdir": "/t", "timeout": 3600, "plugins": "/usr", "output": "json", "raw": true,
        "image_manager": "file", "image_manager_args": {"storage_path": "/s", "other": 1},
        "tdl_require_root_pw": true, "jeos_config": [], "ec2_ami_type": "s3", "ec2_image_format": "raw",
        "ec2-32bit-util": "a", "ec2-64bit-util": "b", "rhevm_image_format": "raw",
        "openstack_image_format": "raw", "oz_data_dir": "/o", "oz_screenshot_dir": "/o",
        "max_concurrent_local_sessions": 3, "max_concurrent_ec2_sessions": 1, "proxy_ami_id": "x"}"#;
    let ended = Place::with(all).daemon(&["config", "translate", "f.toml"]);
    let expected = r#"# Translated from f.toml.
log = "debug"
plugins = ["/usr"]
store = "/s"
require_root_password = true

[access]
anonymous = "admin"

[jobs]
concurrent_builds = 3

[rest]
listen = "127.0.0.1:9000"
"#;
    assert_eq!(ended.out, expected);
    assert!(!ended.err.contains("no key of Image Factory's"), "{}", ended.err);
    let unknown = Place::with(r#"{"colour": 1}"#).daemon(&["config", "translate", "f.toml"]);
    let said = "warning: f.toml:1: `colour` is no key of Image Factory's; it is left out\n";
    assert!(unknown.err.starts_with(said), "{unknown:?}");
}

#[test]
fn clients_go_to_a_file_of_their_owner_and_nowhere_else() {
    let place = Place::with(r#"{"clients": {"build": "s3cret\"7", "mock-key": "mock-secret"}}"#);
    let without = place.daemon(&["config", "translate", "f.toml"]);
    assert!(without.err.contains("--oauth-clients-out FILE writes a file of them"), "{without:?}");
    let typed = ["config", "translate", "f.toml", "--oauth-clients-out", "clients.toml"];
    let ended = place.daemon(&typed);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let file = place.path().join("clients.toml");
    let expected = "[clients.\"build\"]\nsecret = \"s3cret\\\"7\"\nrole = \"builder\"\n\n";
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let named = format!("[access]\noauth_clients = {:?}\n", file.display().to_string());
    assert!(ended.out.contains(&named), "{}", ended.out);
    for said in [&without.err, &without.out, &ended.err, &ended.out] {
        assert!(!said.contains("s3cret") && !said.contains("mock-secret"), "{said}");
    }
    let again = place.daemon(&typed);
    assert_eq!((again.code, again.out.as_str()), (Some(2), ""));
    let refused =
        "error: can't write clients.toml: File exists (os error 17)\n --> --oauth-clients-out\n";
    assert!(again.err.ends_with(refused), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected, "it stays as it was");
}

#[test]
fn a_published_secret_makes_no_file() {
    let place = Place::with(SHIPPED);
    let typed = ["config", "translate", "f.toml", "--oauth-clients-out", "clients.toml"];
    assert_eq!(place.daemon(&typed).code, Some(0));
    assert!(!place.path().join("clients.toml").exists());
}

#[test]
fn what_makes_no_sense_is_refused_without_a_look_at_secrets() {
    let file = "{\"clients\": {\"a\": \"s3cret\"},\n \"port\": \"http\", \"address\": \"host\",\n \"no_oauth\": []}";
    let ended = Place::with(file).daemon(&["config", "translate", "f.toml"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""));
    let expected = "\
error: the value of `port` can't be used
 --> f.toml:2
  = expected: a whole number from 0 to 65535

error: the value of `address` can't be used
 --> f.toml:2
  = expected: an IP address

error: the value of `no_oauth` can't be used
 --> f.toml:3
  = expected: true or false, 1 or 0

the settings have 3 problems
";
    assert_eq!(ended.err, expected);
    let broken = "{\"clients\": {\"a\": \"s3cret\"},\n \"port\": }";
    let ended = Place::with(broken).daemon(&["config", "check", "--config", "f.toml"]);
    let expected = "error: this is no JSON object: error at column 10\n --> f.toml:2\n";
    assert_eq!(ended.err, expected);
    let ended =
        Place::with(b"{\"clients\": {\"a\": \"s3cret\xff\"}}").daemon(&["--config", "f.toml"]);
    assert_eq!(ended.err, "error: this byte is not UTF-8 text\n --> f.toml:1\n");
}

#[test]
fn a_setting_that_will_not_do_is_pointed_at_in_the_original() {
    let file = "{\"clients\": {\"a\": \"s3cret\"},\n \"plugins\": \"/nonexistent\"}";
    let ended = Place::with(file).daemon(&["config", "check", "--config", "f.toml"]);
    let said = "error: plugin directory /nonexistent does not exist\n --> f.toml:2\n";
    assert_eq!((ended.code, ended.err.as_str()), (Some(2), said));
}

#[test]
fn who_was_served_over_the_network_still_is() {
    let translated = |file: &str| Place::with(file).daemon(&["config", "translate", "f.toml"]);
    let tls = translated(r#"{"address": "0.0.0.0", "port": 443, "ssl_pem": "/etc/pki/f.pem"}"#);
    let expected = "# Translated from f.toml.\n\n[rest]\nlisten = \"0.0.0.0:443\"\n\n\
                    [tls]\ncertificate = \"/etc/pki/f.pem\"\nkey = \"/etc/pki/f.pem\"\n";
    assert_eq!((tls.out.as_str(), tls.err.as_str()), (expected, ""));
    let plain = translated(r#"{"address": "0.0.0.0", "no_ssl": "1"}"#);
    let expected = "# Translated from f.toml.\n\n[access]\nplain_text = true\n\n[rest]\nlisten = \"0.0.0.0:8075\"\n";
    assert_eq!((plain.out.as_str(), plain.err.as_str()), (expected, ""));
    let neither = translated(r#"{"address": "0.0.0.0"}"#);
    let said = "warning: f.toml:1: `address` is open to other machines: name a certificate and a key in `[tls]`, or \
                say `plain_text = true` in `[access]`\n";
    assert_eq!(neither.err, said);
}
