//! The reader of TDL: whatever comes, it answers, and what it answers fits the document.

use factoryd::tdl;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(xml) = std::str::from_utf8(bytes) else { return };
    match tdl::parse(xml) {
        Ok(template) => {
            let again = tdl::parse(&template.xml)
                .expect("a document without its secrets is as right as it was");
            assert_eq!(again.files, template.files);
            assert_eq!(again.commands, template.commands);
            assert_eq!(again.xml, template.xml, "secrets are blanked once and for all");
            tdl::template_json(&template);
        }
        Err(problems) => {
            assert!(!problems.0.is_empty());
            assert!(problems.0.iter().all(|problem| xml.is_char_boundary(problem.offset)));
            assert!(problems.0.is_sorted_by_key(|problem| problem.offset));
            tdl::render(xml, "fuzz.tdl", &problems);
            tdl::problems_json(&problems);
            tdl::blank_secrets(xml);
        }
    }
}
