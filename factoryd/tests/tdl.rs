//! TDL: what is accepted, what is refused, what is said about it, and that nothing upsets the reader.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

#[path = "tdl/corpus.rs"]
mod corpus;
#[path = "tdl/edge_cases.rs"]
mod edge_cases;
#[path = "tdl/hostile.rs"]
mod hostile;
#[path = "tdl/merging.rs"]
mod merging;
#[path = "tdl/messages.rs"]
mod messages;
#[path = "tdl/schema.rs"]
mod schema;
#[path = "tdl/values.rs"]
mod values;

/// A document that is right, with `body` after `os`.
fn document(body: &str) -> String {
    let install = "<install type='url'><url>http://mirror.example.org/</url></install>";
    let os =
        format!("<os><name>Fedora</name><version>38</version><arch>x86_64</arch>{install}</os>");
    format!("<template><name>n</name>{os}{body}</template>")
}
