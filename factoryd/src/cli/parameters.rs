//! What a plugin takes, as a table.

use super::table::table;
use super::words::printable;
use factory_proto::factory_v1 as v1;

/// Shows parameters, or the members of what is named in the header. Of none there is nothing to show.
pub(super) fn parameter_table(header: &str, parameters: &[v1::Parameter]) -> String {
    if parameters.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = parameters.iter().map(row).collect();
    let table = table([header, "TYPE", "DEFAULT", "NOTES", "DESCRIPTION"], &rows);
    format!("\n{table}")
}

fn row(parameter: &v1::Parameter) -> [String; 5] {
    let kind = match (parameter.r#type.as_str(), parameter.allowed.as_str()) {
        ("", "") => "any".to_owned(),
        (kind, "") => kind.to_owned(),
        ("integer" | "number" | "string", range) if !range.contains('|') => {
            format!("{} {range}", parameter.r#type)
        }
        (_, words) => words.to_owned(),
    };
    let notes = [
        (parameter.required, "required"),
        (parameter.sensitive, "sensitive"),
        (parameter.deprecated, "deprecated"),
    ];
    let notes = notes.into_iter().filter(|(is, _)| *is).map(|(_, word)| word);
    [
        printable(&parameter.name),
        printable(&kind),
        printable(&parameter.default_json),
        notes.collect::<Vec<_>>().join(", "),
        printable(&parameter.description),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_what_may_and_must_be_given() {
        let parameters = [
            v1::Parameter {
                name: "cpus".to_owned(),
                r#type: "integer".to_owned(),
                allowed: "1..64".to_owned(),
                default_json: "2".to_owned(),
                ..Default::default()
            },
            v1::Parameter {
                name: "key".to_owned(),
                required: true,
                sensitive: true,
                description: "of the account".to_owned(),
                ..Default::default()
            },
        ];
        assert_eq!(
            parameter_table("PARAMETER", &parameters),
            "\nPARAMETER  TYPE           DEFAULT  NOTES                DESCRIPTION\n\
             cpus       integer 1..64  2\n\
             key        any                     required, sensitive  of the account\n"
        );
        assert_eq!(parameter_table("PARAMETER", &[]), "");
    }
}
