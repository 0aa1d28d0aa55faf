//! Streams that break one rule each.
//!
//! | rule | what comes |
//! |---|---|
//! | `falling-percent` | 60 % and then 40 % |
//! | `percent-range` | 250 % |
//! | `artifact-outside` | an artifact that is `../../../etc/passwd` |
//! | `artifact-absolute` | an artifact that is `/etc/passwd` |
//! | `artifact-missing` | an artifact that is not there |
//! | `two-terminals` | `completed` and then `failed` |
//! | `after-terminal` | a line of log after `completed` |
//! | `seq-gap` | an event numbered 5 after 2 |
//! | `seq-repeat` | two events with one number |
//! | `bad-property` | a property whose value is no JSON |
//! | `unknown-state` | a state that no contract knows |
//! | `unknown-event` | an event of no known kind, as from a later version: to be ignored |

use super::{completed, event, line, running};
use factory_plugin_sdk::proto::{
    Artifact, Event, Failure, Progress, Property, StateChanged, event::Kind,
};

/// The rules above.
pub const NAMES: &[&str] = &[
    "falling-percent",
    "percent-range",
    "artifact-outside",
    "artifact-absolute",
    "artifact-missing",
    "two-terminals",
    "after-terminal",
    "seq-gap",
    "seq-repeat",
    "bad-property",
    "unknown-state",
    "unknown-event",
];

/// Returns a stream that breaks a rule.
pub(super) fn events(rule: &str) -> Vec<Event> {
    let kinds = match rule {
        "percent-range" => vec![percent(250.0), completed()],
        "artifact-outside" => vec![artifact("../../../etc/passwd"), completed()],
        "artifact-absolute" => vec![artifact("/etc/passwd"), completed()],
        "artifact-missing" => vec![artifact("not-there"), completed()],
        "two-terminals" => vec![completed(), Kind::Failed(Failure::default())],
        "after-terminal" => vec![completed(), line("one more thing".to_owned())],
        "bad-property" => vec![property(), completed()],
        "unknown-state" => vec![Kind::State(StateChanged { state: 77 }), completed()],
        "seq-gap" => {
            return vec![event(1, running()), event(2, line("a".into())), event(5, completed())];
        }
        "seq-repeat" => {
            return vec![event(1, running()), event(1, running()), event(2, completed())];
        }
        "unknown-event" => {
            let unknown = Event { kind: None, ..event(2, running()) };
            return vec![event(1, running()), unknown, event(3, completed())];
        }
        _ => vec![percent(60.0), percent(40.0), completed()],
    };
    let all = std::iter::once(running()).chain(kinds);
    (1..).zip(all).map(|(seq, kind)| event(seq, kind)).collect()
}

fn percent(percent: f64) -> Kind {
    Kind::Progress(Progress { percent: Some(percent), ..Default::default() })
}

fn artifact(path: &str) -> Kind {
    Kind::Artifact(Artifact {
        role: "disk".to_owned(),
        path: path.to_owned(),
        format: "raw".to_owned(),
        ..Default::default()
    })
}

fn property() -> Kind {
    Kind::Property(Property { key: "mock".to_owned(), value_json: "{not json".to_owned() })
}
