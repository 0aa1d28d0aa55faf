//! What is read from a document that is accepted.

use crate::document;
use factoryd::domain::{Content, InstallSource, Template};
use factoryd::tdl::{self, Options};
use serde_json::json;

fn parse(body: &str) -> Template {
    tdl::parse(&document(body)).unwrap()
}

fn bytes(content: &Content) -> &[u8] {
    match content {
        Content::Bytes(bytes) => bytes,
        Content::Url(url) => panic!("{url} is no bytes"),
    }
}

fn file(content: &str) -> Vec<u8> {
    let template = parse(&format!("<files><file name='f'>{content}</file></files>"));
    bytes(&template.files[0].content).to_vec()
}

#[test]
fn raw_content_loses_the_white_space_around_it() {
    assert_eq!(file("\n\u{a0} a\n  b \n"), b"a\n  b");
}

#[test]
fn raw_content_is_utf_8_with_plain_line_ends() {
    assert_eq!(file("é\r\nü\rq&#13;z"), "é\nü\nq\rz".as_bytes());
    assert_eq!(file("<![CDATA[a\r\n<b>&amp;]]>"), b"a\n<b>&amp;");
}

#[test]
fn a_value_ends_at_the_first_comment() {
    assert_eq!(file("a<!-- b -->c"), b"a");
    assert_eq!(file("a<?b?>c"), b"a");
    assert_eq!(file("<!-- a -->b"), b"");
}

#[test]
fn base64_content_is_decoded() {
    let body =
        "<files><file name='f' type='base64'>AP8=</file><file name='g' type='base64'/></files>";
    let files = parse(body).files;
    assert_eq!(bytes(&files[0].content), [0, 255]);
    assert!(bytes(&files[1].content).is_empty());
}

#[test]
fn linked_content_is_left_to_be_fetched() {
    let body = "<commands><command name='c' type='url'>\n https://h/c \n</command></commands>";
    assert_eq!(parse(body).commands[0].content, Content::Url("https://h/c".into()));
}

#[test]
fn of_two_files_with_one_name_the_last_counts() {
    let files = "<file name='a'>1</file><file name='b'>2</file><file name='a'>3</file>";
    let files = parse(&format!("<files>{files}</files>")).files;
    let found: Vec<_> = files.iter().map(|f| (f.name.as_str(), bytes(&f.content))).collect();
    assert_eq!(found, [("a", &b"3"[..]), ("b", &b"2"[..])]);
}

#[test]
fn packages_and_commands_may_repeat() {
    let packages = "<packages><package name='a'/><package name='a'/></packages>";
    let command = "<command name='c'>x</command>";
    let template = parse(&format!("{packages}<commands>{command}{command}</commands>"));
    assert_eq!((template.packages.len(), template.commands.len()), (2, 2));
}

#[test]
fn repositories_have_their_defaults_and_the_last_of_a_name_counts() {
    let one = "<repository name='a'><url>http://one/</url><signed>yes</signed></repository>";
    let two = "<repository name='a'><url> http://two/ </url></repository>";
    let repositories = parse(&format!("<repositories>{one}{two}</repositories>")).repositories;
    assert_eq!(repositories.len(), 1);
    let repository = &repositories[0];
    assert_eq!(repository.url, "http://two/");
    let flags = (repository.signed, repository.persisted, repository.ssl_verify);
    assert_eq!(flags, (false, true, false));
}

#[test]
fn attributes_are_normalised_as_xml_says() {
    let files = parse("<files><file name='a\r\nb\tc&#10;d&amp;'>x</file></files>").files;
    assert_eq!(files[0].name, "a b c\nd&");
}

const DISC: &str = "<template version='1.0'>
  <description>From a disc.</description>
  <os>
    <install type='iso'>
      <sha1sum>http://h/SHA1SUMS</sha1sum>
      <iso>http://h/disc.iso</iso>
      <extras>
        <file source='http://h/f' destination='f'/>
        <directory source='ftp://h/d' destination='d'/>
        <file source='file:///g' destination='g'/>
      </extras>
    </install>
    <name>RHEL-6</name><version>9</version><arch>i386</arch>
    <rootpw>hunter2</rootpw><key>AAAAA-BBBBB</key>
    <kernelparam>console=ttyS0</kernelparam>
    <icicle><extra_command>cat /proc/version</extra_command></icicle>
  </os>
  <name>disc</name>
  <packages><package name='p'><arguments>-y</arguments></package></packages>
  <files><file name='/f'>x</file><file name='/g' type='url'>http://h/g</file></files>
  <precommands><command name='before'>true</command></precommands>
  <commands>
    <command name='b' position='2'>two</command><command name='a' position='1'>one</command>
  </commands>
  <repositories><repository name='r'><url>http://h/r</url><sslverify>yes</sslverify></repository></repositories>
  <disk><size>10ZB</size></disk>
</template>";

#[test]
fn every_element_is_in_the_json() {
    let shown = tdl::template_json(&tdl::parse(DISC).unwrap());
    let extra = |kind, source, destination| json!({ "type": kind, "source": source, "destination": destination });
    let expected = json!({
        "name": "disc",
        "description": "From a disc.",
        "os": {
            "name": "RHEL-6", "version": "9", "arch": "i386",
            "install": {
                "type": "iso",
                "location": "http://h/disc.iso",
                "checksum": { "algorithm": "sha1", "url": "http://h/SHA1SUMS" },
                "extras": [
                    extra("directory", "ftp://h/d", "d"),
                    extra("file", "http://h/f", "f"),
                    extra("file", "file:///g", "g"),
                ],
            },
            "rootpw": true,
            "key": true,
            "kernelparam": "console=ttyS0",
            "icicle": { "extra_command": "cat /proc/version" },
        },
        "packages": [{ "name": "p", "repository": null, "file": null, "arguments": "-y" }],
        "repositories": [{
            "name": "r", "url": "http://h/r", "signed": false, "persisted": true, "sslverify": true,
        }],
        "files": [
            { "name": "/f", "size": "1", "base64": "eA==" },
            { "name": "/g", "url": "http://h/g" },
        ],
        "precommands": [{ "name": "before", "size": "4", "base64": "dHJ1ZQ==" }],
        "commands": [
            { "name": "a", "size": "3", "base64": "b25l" },
            { "name": "b", "size": "3", "base64": "dHdv" },
        ],
        "disk": { "size": "10000000000000000000000" },
    });
    assert_eq!(shown, expected);
}

#[test]
fn the_document_kept_has_no_secrets_and_reads_the_same() {
    let template = tdl::parse(DISC).unwrap();
    assert_eq!(template.os.root_password.as_ref().unwrap().expose(), "hunter2");
    for secret in ["hunter2", "AAAAA"] {
        assert!(DISC.contains(secret) && !template.xml.contains(secret));
        assert!(!format!("{template:?}").contains(secret));
    }
    let mut again = tdl::parse(&template.xml).unwrap();
    assert_eq!((&again.os.root_password, &again.os.product_key), (&None, &None));
    again.os.root_password = template.os.root_password.clone();
    again.os.product_key = template.os.product_key.clone();
    assert_eq!(again, template);
}

#[test]
fn empty_elements_mean_no_value() {
    let os = "<name/><version/><arch>i386</arch><install type='iso'><iso/><md5sum/></install>";
    let xml =
        format!("<template><name/><os>{os}<rootpw/><kernelparam/></os><description/></template>");
    let template = tdl::parse(&xml).unwrap();
    assert_eq!((template.name.as_str(), template.os.name.as_str()), ("", ""));
    assert_eq!((template.description, template.os.kernel_parameters), (None, None));
    assert_eq!((template.os.root_password, template.os.install.checksum), (None, None));
    assert_eq!(template.os.install.source, InstallSource::Iso(String::new()));
}

#[test]
fn a_root_password_is_asked_for_only_when_the_factory_is_set_to() {
    let strict = Options { require_root_password: true };
    let without = document("");
    assert!(tdl::parse_with(&without, &Options::default()).is_ok());
    let problems = tdl::parse_with(&without, &strict).unwrap_err();
    assert_eq!(problems.0[0].code, "missing-rootpw");
    let empty = without.replace("</os>", "<rootpw/></os>");
    assert!(tdl::parse_with(&empty, &strict).is_ok());
}
