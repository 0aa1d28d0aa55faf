//! What people and programs are told, to the letter.

use crate::document;
use factoryd::tdl;
use serde_json::json;

fn rendered(xml: &str) -> String {
    tdl::render(xml, "t.tdl", &tdl::parse(xml).unwrap_err())
}

#[test]
fn every_problem_is_shown_with_its_line_and_what_to_do() {
    let xml = r#"<template>
  <nam>web</nam>
	<os>
    <name>Debian</name>
    <version>12</version>
    <arch>amd64</arch>
    <install type="url">
      <url>apt:host</url>
    </install>
    <rootpw colour="red">hunter2</rootpw>
  </os>
  <packages>
    <pakage name="vim"/>
    <package nam="git"/>
  </packages>
  <disk><size>10M</size></disk>
</template>
"#;
    let expected = r#"error[unknown-element]: unknown element `nam` in `template`
 --> t.tdl:2:4
  |
2 |   <nam>web</nam>
  |    ^^^
  = in: template/nam
  = expected: `name`, `os`, `description`, `packages`, `files`, `commands`, `precommands`, `repositories` or `disk`
  = hint: did you mean `name`?

error[bad-arch]: `amd64` is not an architecture
 --> t.tdl:6:11
  |
6 |     <arch>amd64</arch>
  |           ^^^^^
  = in: template/os/arch
  = expected: `i386`, `x86_64`, `ppc64`, `ppc64le`, `aarch64`, `armv7l` or `s390x`
  = hint: did you mean `x86_64`?

error[unknown-attribute]: unknown attribute `colour` of `rootpw`
  --> t.tdl:10:13
   |
10 |     <rootpw colour="red">*******</rootpw>
   |             ^^^^^^
   = in: template/os/rootpw/@colour
   = expected: no attributes

error[unknown-element]: unknown element `pakage` in `packages`
  --> t.tdl:13:6
   |
13 |     <pakage name="vim"/>
   |      ^^^^^^
   = in: template/packages/pakage
   = expected: `package`
   = hint: did you mean `package`?

error[unknown-attribute]: unknown attribute `nam` of `package`
  --> t.tdl:14:14
   |
14 |     <package nam="git"/>
   |              ^^^
   = in: template/packages/package[1]/@nam
   = expected: `name`
   = hint: did you mean `name`?

error[bad-disk-size]: `10M` is not a disk size: its unit lacks a `B`
  --> t.tdl:16:15
   |
16 |   <disk><size>10M</size></disk>
   |               ^^^
   = in: template/disk/size
   = expected: a whole number and a unit: `10`, `10 GiB`, `500GB`, `2T`
   = hint: write `10MB` (powers of 1000) or `10MiB` (powers of 1024)

t.tdl: 6 problems
"#;
    assert_eq!(rendered(xml), expected);
}

#[test]
fn what_is_no_xml_is_shown_where_it_breaks() {
    let xml = r#"<template>
  <name>a & b</name>
  <os>
    <name>&who;</name>
</template>
"#;
    let expected = r#"error[xml-entity]: `&` begins no entity
 --> t.tdl:2:11
  |
2 |   <name>a & b</name>
  |           ^^^
  = in: template/name
  = hint: write `&amp;` for an ampersand

error[xml-entity]: unknown entity `&who;`
 --> t.tdl:4:11
  |
4 |     <name>&who;</name>
  |           ^^^^^
  = in: template/os/name
  = expected: `&lt;`, `&gt;`, `&amp;`, `&apos;`, `&quot;` or the number of a character XML allows

error[xml-tag]: `</template>` while `<os>` is open
 --> t.tdl:5:1
  |
5 | </template>
  | ^^^^^^^^^^^
  = in: template/os
  = expected: `</os>`
  = hint: `<os>` was opened on line 3

t.tdl: 3 problems
"#;
    assert_eq!(rendered(xml), expected);
}

#[test]
fn what_stands_in_the_wrong_place_is_sent_to_the_right_one() {
    let xml = r#"<!DOCTYPE template [<!ENTITY who "me">]>
<template name="web">
  <os version="12">
    <name>Debian</name><arch> x86_64 </arch>
    <install type="url"><url/><iso/></install>
  </os>
  <rootpw>x</rootpw>
  <packages/>
  <packages/>
  <files><file type="base64"><name>/f</name>QU JD</file></files>
</template>
"#;
    let expected = r#"error[xml-doctype]: a document type declaration is not allowed
 --> t.tdl:1:1
  |
1 | <!DOCTYPE template [<!ENTITY who "me">]>
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = hint: remove `<!DOCTYPE …>` and write out the entities it defines

error[missing-element]: `template` lacks `name`
 --> t.tdl:2:2
  |
2 | <template name="web">
  |  ^^^^^^^^
  = in: template
  = expected: `<name>`
  = hint: write an element `name` instead of the attribute

error[unknown-attribute]: unknown attribute `name` of `template`
 --> t.tdl:2:11
  |
2 | <template name="web">
  |           ^^^^
  = in: template/@name
  = expected: `version`
  = hint: `name` is an element: write `<name>…</name>`

error[missing-element]: `os` lacks `version`
 --> t.tdl:3:4
  |
3 |   <os version="12">
  |    ^^
  = in: template/os
  = expected: `<version>`
  = hint: write an element `version` instead of the attribute

error[unknown-attribute]: unknown attribute `version` of `os`
 --> t.tdl:3:7
  |
3 |   <os version="12">
  |       ^^^^^^^
  = in: template/os/@version
  = expected: no attributes
  = hint: `version` is an element: write `<version>…</version>`

error[bad-arch]: ` x86_64 ` is not an architecture
 --> t.tdl:4:31
  |
4 |     <name>Debian</name><arch> x86_64 </arch>
  |                               ^^^^^^^
  = in: template/os/arch
  = expected: `i386`, `x86_64`, `ppc64`, `ppc64le`, `aarch64`, `armv7l` or `s390x`
  = hint: remove the white space around it

error[install-mismatch]: `iso` in an `install` of type `url`
 --> t.tdl:5:32
  |
5 |     <install type="url"><url/><iso/></install>
  |                                ^^^
  = in: template/os/install/iso
  = hint: only `<install type="iso">` has it

error[unknown-element]: unknown element `rootpw` in `template`
 --> t.tdl:7:4
  |
7 |   <rootpw>*</rootpw>
  |    ^^^^^^
  = in: template/rootpw
  = expected: `name`, `os`, `description`, `packages`, `files`, `commands`, `precommands`, `repositories` or `disk`
  = hint: `rootpw` belongs in `template/os`

error[duplicate-element]: more than one `packages` in `template`
 --> t.tdl:9:4
  |
9 |   <packages/>
  |    ^^^^^^^^
  = in: template/packages[2]
  = expected: one
  = hint: put everything into the first `packages`

error[missing-attribute]: `file` lacks the attribute `name`
  --> t.tdl:10:11
   |
10 |   <files><file type="base64"><name>/f</name>QU JD</file></files>
   |           ^^^^
   = in: template/files/file[1]
   = expected: `name="…"`
   = hint: write `<file name="…">` instead of an element `name`

error[unknown-element]: unknown element `name` in `file`
  --> t.tdl:10:31
   |
10 |   <files><file type="base64"><name>/f</name>QU JD</file></files>
   |                               ^^^^
   = in: template/files/file[1]/name
   = expected: only text
   = hint: `name` is an attribute: write `name="…"`

error[bad-base64]: white space in base64 content
  --> t.tdl:10:45
   |
10 |   <files><file type="base64"><name>/f</name>QU JD</file></files>
   |                                             ^^^^^
   = in: template/files/file[1]
   = expected: base64 in one line
   = hint: write it as one line, with nothing around it, as `base64 -w0` does

t.tdl: 12 problems
"#;
    assert_eq!(rendered(xml), expected);
}

#[test]
fn the_rules_of_commands_and_repositories_are_explained() {
    let xml = r#"<template>
  <name>n</name>
  <os>
    <name>F</name><version>1</version><arch>i386</arch><install type="url"><url/></install>
  </os>
  <commands>
    <command name="a" position="1">x</command>
    <command name="b" position="1">x</command>
    <command name="c" position="4">x</command>
    <command name="d"><!-- later --> x</command>
  </commands>
  <repositories>
    <repository name="r"><url>http://localhost/</url><signed>maybe</signed></repository>
  </repositories>
</template>
"#;
    let expected = r#"error[bad-position]: position 1 is taken by an earlier command
 --> t.tdl:8:33
  |
8 |     <command name="b" position="1">x</command>
  |                                 ^
  = in: template/commands/command[2]/@position
  = expected: the positions 1 to 4, each once

error[bad-position]: this command has no `position`, but others have
  --> t.tdl:10:6
   |
10 |     <command name="d"><!-- later --> x</command>
   |      ^^^^^^^
   = in: template/commands/command[4]
   = expected: a position on every command or on none

error[empty-command]: the command `d` is empty
  --> t.tdl:10:6
   |
10 |     <command name="d"><!-- later --> x</command>
   |      ^^^^^^^
   = in: template/commands/command[4]
   = expected: a script
   = hint: the value ends at the comment inside it, before any text

error[repository-localhost]: the repository `http://localhost/` names the guest itself
  --> t.tdl:13:31
   |
13 |     <repository name="r"><url>http://localhost/</url><signed>maybe</signed></repository>
   |                               ^^^^^^^^^^^^^^^^^
   = in: template/repositories/repository[1]/url
   = expected: a host that the guest can reach
   = hint: write the name or address of this host as others see it

error[bad-boolean]: `maybe` is neither yes nor no
  --> t.tdl:13:62
   |
13 |     <repository name="r"><url>http://localhost/</url><signed>maybe</signed></repository>
   |                                                              ^^^^^
   = in: template/repositories/repository[1]/signed
   = expected: `true`, `false`, `yes` or `no`

t.tdl: 5 problems
"#;
    assert_eq!(rendered(xml), expected);
}

#[test]
fn a_long_line_is_cut_around_the_problem() {
    let xml = document(&format!("<description>{}</description><odd/>", "é".repeat(3_000)));
    let shown = rendered(&xml);
    let lines: Vec<&str> = shown.lines().collect();
    let caret = lines[4].chars().position(|c| c == '^').unwrap();
    let below: String = lines[3].chars().skip(caret).take(3).collect();
    assert_eq!(below, "odd", "{shown}");
    assert!(lines[3].chars().count() < 150, "{shown}");
}

#[test]
fn what_could_upset_a_terminal_is_not_shown() {
    let shown = rendered(&document("<description>\u{1b}[31m\u{9b}</description><\u{1b}/>"));
    assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown}");
}

#[test]
fn secrets_are_never_shown() {
    for body in ["<rootpw>hunter2</rootpw>", "<os><rootpw a='b'>hunter2</rootpw></os>"] {
        for xml in [format!("<template>{body}</template>"), format!("<template>{body}<name>")] {
            let problems = tdl::parse(&xml).unwrap_err();
            let said = tdl::render(&xml, "f", &problems) + &problems.to_string();
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[test]
fn problems_in_one_line_each_say_where_they_are() {
    let problems = tdl::parse("<template>\n<name/><nmae/></template>").unwrap_err();
    let expected = "line 1, column 2, template: `template` lacks `os`; expected `<os>`\n\
        line 2, column 9, template/nmae: unknown element `nmae` in `template`; expected `name`, `os`, \
        `description`, `packages`, `files`, `commands`, `precommands`, `repositories` or `disk` \
        (did you mean `name`?)";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn programs_get_the_same_as_json() {
    let xml = document("\n<disk><size>é</size></disk>");
    let problems = tdl::parse(&xml).unwrap_err();
    let expected = json!([{
        "code": "bad-disk-size",
        "message": "`é` is not a disk size: it does not begin with a digit",
        "line": 2,
        "column": 13,
        "offset": xml.find('é').unwrap(),
        "length": 1,
        "path": "template/disk/size",
        "expected": "a whole number and a unit: `10`, `10 GiB`, `500GB`, `2T`",
        "hint": null,
    }]);
    assert_eq!(tdl::problems_json(&problems), expected);
}
