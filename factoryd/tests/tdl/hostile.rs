//! Nothing upsets the reader: not noise, not size, not depth.

use crate::{corpus, document};
use factoryd::tdl;
use std::time::{Duration, Instant};

/// A small generator of numbers that look random: the same for ever, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

const SNIPPETS: [&str; 40] = [
    "<",
    ">",
    "/",
    "\"",
    "'",
    "&",
    ";",
    "=",
    " ",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "é",
    "😀",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "--",
    "<?",
    "?>",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE a [",
    "]>",
    "&#x1F600;",
    "&#0;",
    "&amp;",
    "</os>",
    "<os>",
    "<name/>",
    "<file name='a'>",
    "</template>",
    "xmlns='u'",
    "xmlns:a='b'",
    "a:",
    "type='base64'",
    "position='1'",
    "rootpw",
    "<key>",
];

fn mutate(xml: &str, dice: &mut Dice) -> String {
    let mut characters: Vec<char> = xml.chars().collect();
    for _ in 0..=dice.below(4) {
        let at = dice.below(characters.len() + 1);
        let end = (at + dice.below(30)).min(characters.len());
        match dice.below(4) {
            0 => drop(characters.drain(at..end)),
            1 => characters.truncate(at),
            2 => {
                let copy = characters[at..end].to_vec();
                characters.splice(at..at, copy);
            }
            _ => {
                let snippet = SNIPPETS[dice.below(SNIPPETS.len())];
                characters.splice(at..at, snippet.chars());
            }
        }
    }
    characters.into_iter().collect()
}

/// Holds whatever is said about a document against the document.
fn check(xml: &str) {
    let Err(problems) = tdl::parse(xml) else { return };
    assert!(!problems.0.is_empty(), "refused without a reason: {xml:?}");
    for problem in &problems.0 {
        assert!(xml.is_char_boundary(problem.offset), "{problem:?} in {xml:?}");
        let before = &xml[..problem.offset];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        assert_eq!((problem.line as usize, problem.column as usize), (line, column), "{xml:?}");
    }
    assert!(tdl::render(xml, "noise.tdl", &problems).lines().count() > 4 * problems.0.len());
    tdl::blank_secrets(xml);
}

#[test]
fn noise_never_upsets_the_reader() {
    let documents: Vec<String> = corpus::documents().into_values().collect();
    let mut dice = Dice(0x5DEE_CE66_D1CE_4E5B);
    for _ in 0..2_000 {
        let xml = mutate(&documents[dice.below(documents.len())], &mut dice);
        check(&xml);
    }
}

#[test]
fn a_document_cut_off_anywhere_is_refused_with_a_reason() {
    let documents = corpus::documents();
    let xml = &documents["11-description-packages-repositories"];
    let end = xml.trim_end().len();
    for at in (0..end).filter(|at| xml.is_char_boundary(*at)) {
        assert!(tdl::parse(&xml[..at]).is_err(), "{}", &xml[..at]);
        check(&xml[..at]);
    }
}

fn code_of(xml: &str) -> &'static str {
    let started = Instant::now();
    let problems = tdl::parse(xml).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    problems.0[0].code
}

#[test]
fn ten_megabytes_of_nesting_are_refused_at_once() {
    let mut xml = "<a>".repeat(1_800_000);
    xml.push_str(&"</a>".repeat(1_800_000));
    assert!(xml.len() > 10_000_000);
    assert_eq!(code_of(&xml), "xml-limit");
}

#[test]
fn nesting_within_the_size_is_refused_at_its_depth() {
    assert_eq!(code_of(&"<template>".repeat(300_000)), "xml-limit");
}

#[test]
fn floods_within_the_size_are_refused_in_time() {
    let attributes: String = (0..200_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(code_of(&format!("<template{attributes}/>")), "xml-limit");
    assert_eq!(code_of(&document(&"<a/>".repeat(500_000))), "xml-limit");
    assert_eq!(code_of(&document(&"<!-- -->&#1;".repeat(200_000))), "xml-entity");
    assert_eq!(code_of(&document(&"&".repeat(3_000_000))), "xml-entity");
    assert_eq!(code_of(&document(&"<nam/>".repeat(90_000))), "unknown-element");
    assert_eq!(code_of(&document(&"<packages/>".repeat(90_000))), "duplicate-element");
    assert_eq!(code_of(&document(&"\0".repeat(3_000_000))), "xml-character");
    assert_eq!(code_of(&"<".repeat(3_000_000)), "xml-syntax");
    assert_eq!(code_of(&format!("<{}/>", "x".repeat(4_000_000))), "wrong-root");
}

#[test]
fn a_large_honest_document_is_read() {
    let packages: String = (0..20_000).map(|n| format!("<package name='p{n}'/>")).collect();
    let file = format!("<file name='big'>{}</file>", "line &amp; line\n".repeat(100_000));
    let body = format!("<packages>{packages}</packages><files>{file}</files>");
    assert_eq!(tdl::parse(&document(&body)).unwrap().packages.len(), 20_000);
}

#[test]
fn only_so_many_problems_are_told() {
    let problems = tdl::parse(&document(&"<odd/>".repeat(1_000))).unwrap_err();
    assert_eq!(problems.0.len(), 101);
    assert_eq!(problems.0[100].message, "there are more problems than these 100");
}
