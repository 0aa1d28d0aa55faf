//! All cases, by area: a file each.

mod artifacts;
mod attach;
mod cancel;
mod describe;
mod ends;
mod events;
mod judged;
mod launch;
mod ledger;
mod load;
mod methods;
mod needs;
mod requests;
mod schema;
mod secrets;
mod services;
mod steering;
mod tls;

pub use crate::case::Case;

/// The areas: what their cases' ids begin with, what they are about, and the cases.
const AREAS: [(&str, &str, &[Case]); 18] = [
    ("LA", "launch and handshake", launch::CASES),
    ("TL", "mutual TLS", tls::CASES),
    ("SV", "services of the wire", services::CASES),
    ("EN", "the end", ends::CASES),
    ("DE", "what it says of itself", describe::CASES),
    ("NE", "what it needs", needs::CASES),
    ("SC", "schemas", schema::CASES),
    ("VA", "judging requests", judged::CASES),
    ("RQ", "requests", requests::CASES),
    ("AT", "attaching again", attach::CASES),
    ("ST", "listing and acknowledging", steering::CASES),
    ("CA", "cancelling", cancel::CASES),
    ("EV", "events", events::CASES),
    ("AR", "artifacts", artifacts::CASES),
    ("ME", "methods", methods::CASES),
    ("LE", "the ledger", ledger::CASES),
    ("SE", "secrets", secrets::CASES),
    ("LO", "load and bad peers", load::CASES),
];

/// Returns all cases, in order.
pub fn all() -> impl Iterator<Item = &'static Case> {
    AREAS.iter().flat_map(|(_, _, cases)| cases.iter())
}

/// Returns what the area of a case is about.
pub fn area_of(id: &str) -> &'static str {
    AREAS.iter().find(|(prefix, ..)| id.starts_with(prefix)).map_or("", |(_, name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_enough_cases_and_enough_faults_and_ids_are_unique() {
        let ids: BTreeSet<_> = all().map(|case| case.id).collect();
        assert_eq!(ids.len(), all().count());
        assert!(120 <= ids.len(), "{} cases", ids.len());
        let faults = all().filter(|case| case.is_fault).count();
        assert!(25 <= faults, "{faults} faults");
    }

    #[test]
    fn an_id_tells_its_area() {
        assert!(
            AREAS.iter().all(|(prefix, _, cases)| cases.iter().all(|c| c.id.starts_with(prefix)))
        );
    }
}
