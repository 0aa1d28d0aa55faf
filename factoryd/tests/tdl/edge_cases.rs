//! The table of edge cases: each line of `edge-cases.txt` is put into a document, which must get the verdict beside it.

use factoryd::tdl;

const TABLE: &str = include_str!("edge-cases.txt");

struct Case {
    line: usize,
    place: &'static str,
    verdict: &'static str,
    text: String,
}

fn cases() -> Vec<Case> {
    let rows =
        TABLE.lines().enumerate().filter(|(_, row)| !row.is_empty() && !row.starts_with('#'));
    rows.map(|(index, row)| {
        let mut parts = row.splitn(3, ' ');
        let mut next = || parts.next().unwrap();
        Case { line: index + 1, place: next(), verdict: next(), text: unescape(next()) }
    })
    .collect()
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match characters.next().unwrap() {
            'e' => {}
            'n' => plain.push('\n'),
            'r' => plain.push('\r'),
            't' => plain.push('\t'),
            's' => plain.push(' '),
            'u' => {
                let digits: String =
                    characters.by_ref().skip(1).take_while(|c| *c != '}').collect();
                plain.push(char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap());
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Answers every case as a document, named after its line.
pub(crate) fn documents() -> impl Iterator<Item = (String, String)> {
    cases().into_iter().map(|case| (format!("line-{}", case.line), case.document()))
}

impl Case {
    fn document(&self) -> String {
        let text = self.text.as_str();
        let at = |place: &str, otherwise: &str| {
            if self.place == place { text.to_owned() } else { otherwise.to_owned() }
        };
        if self.place == "doc" {
            return text.to_owned();
        }
        let install = at("install", "<install type='url'><url>http://h/</url></install>");
        let os = format!(
            "<os><name>F</name><version>1</version><arch>{}</arch>{install}{}</os>",
            at("arch", "x86_64"),
            at("os", "")
        );
        format!(
            "{}<template {}><name>{}</name>{os}{}</template>{}",
            at("pre", ""),
            at("attrs", ""),
            at("name", "n"),
            self.body(),
            at("post", "")
        )
    }

    fn body(&self) -> String {
        let text = &self.text;
        let repository = |inside: String| {
            format!("<repositories><repository name='r'>{inside}</repository></repositories>")
        };
        let file = |kind| format!("<files><file name='f' type='{kind}'>{text}</file></files>");
        let command =
            |kind| format!("<commands><command name='c' type='{kind}'>{text}</command></commands>");
        match self.place {
            "body" => text.clone(),
            "size" => format!("<disk><size>{text}</size></disk>"),
            "signed" => repository(format!("<url/><signed>{text}</signed>")),
            "url" => repository(format!("<url>{text}</url>")),
            "raw" => file("raw"),
            "raw64" => file("base64"),
            "link" => file("url"),
            "run" => command("raw"),
            "run64" => command("base64"),
            "runlink" => command("url"),
            "positions" => positions(text),
            "pre" | "post" | "attrs" | "name" | "arch" | "os" | "install" => String::new(),
            other => panic!("line {}: no place is called {other}", self.line),
        }
    }
}

fn positions(list: &str) -> String {
    let commands = list.split(',').map(|position| match position {
        "-" => "<command name='c'>x</command>".to_owned(),
        position => format!("<command name='c' position='{position}'>x</command>"),
    });
    format!("<commands>{}</commands>", commands.collect::<String>())
}

#[test]
fn every_edge_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    for case in cases() {
        let xml = case.document();
        let fits = match tdl::parse(&xml) {
            Ok(_) => case.verdict == "ok",
            Err(problems) => problems.0[0].code == case.verdict,
        };
        if !fits {
            wrong.push(format!("line {}: {xml}\n  {:?}", case.line, tdl::parse(&xml)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_as_large_as_it_should_be() {
    let cases = cases();
    let accepted = cases.iter().filter(|case| case.verdict == "ok").count();
    assert!(cases.len() >= 400, "{}", cases.len());
    assert!(accepted >= 100, "{accepted}");
}
