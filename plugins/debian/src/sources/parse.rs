//! Reading apt sources: one-line style and deb822 style, as sources.list(5) describes them.

use super::Source;

/// Reads a `.list` file. What apt ignores, and `deb-src`, is left out.
pub(crate) fn parse_one_line_file(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_one_line).collect()
}

/// Reads one line of a `.list` file; `None` if it is a comment, empty, or no `deb` source.
pub(super) fn parse_one_line(line: &str) -> Option<Source> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb").filter(|rest| rest.starts_with(char::is_whitespace))?;
    let (options, rest) = split_options(rest.trim_start())?;
    let mut words = rest.split_whitespace().map(str::to_owned);
    let source = Source {
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        fields: options.split_whitespace().filter_map(parse_option).collect(),
    };
    let flat = source.suites[0].ends_with('/');
    (flat == source.components.is_empty()).then_some(source)
}

/// Reads a `.sources` file. Disabled paragraphs, and those without `deb`, are left out.
pub(crate) fn parse_deb822(text: &str) -> Vec<Source> {
    paragraphs(text).into_iter().filter_map(source_of).collect()
}

type Fields = Vec<(String, String)>;

fn split_options(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']'),
        None => Some(("", text)),
    }
}

/// Turns `signed-by=…` into the field it means. Lists are separated by commas on the line, by blanks in the field.
fn parse_option(option: &str) -> Option<(String, String)> {
    let (name, value) = option.split_once('=')?;
    let name = match name.to_ascii_lowercase().as_str() {
        "arch" => "Architectures",
        "lang" => "Languages",
        "target" => "Targets",
        "pdiffs" => "PDiffs",
        "by-hash" => "By-Hash",
        "allow-insecure" => "Allow-Insecure",
        "allow-weak" => "Allow-Weak",
        "allow-downgrade-to-insecure" => "Allow-Downgrade-To-Insecure",
        "trusted" => "Trusted",
        "signed-by" => "Signed-By",
        "check-valid-until" => "Check-Valid-Until",
        "valid-until-min" => "Valid-Until-Min",
        "valid-until-max" => "Valid-Until-Max",
        "check-date" => "Check-Date",
        "date-max-future" => "Date-Max-Future",
        _ => return None,
    };
    Some((name.to_owned(), value.replace(',', " ")))
}

fn paragraphs(text: &str) -> Vec<Fields> {
    let mut paragraphs = vec![Fields::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = paragraphs.len() - 1;
        let fields = &mut paragraphs[fields];
        if line.trim().is_empty() {
            paragraphs.push(Fields::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    paragraphs
}

fn source_of(fields: Fields) -> Option<Source> {
    let mut source = Source::default();
    let mut binary = false;
    for (name, value) in fields {
        let words = || value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match name.to_ascii_lowercase().as_str() {
            "types" => binary = words().iter().any(|word| word == "deb"),
            "uris" => source.uris = words(),
            "suites" => source.suites = words(),
            "components" => source.components = words(),
            "enabled" if matches!(value.to_ascii_lowercase().as_str(), "no" | "false" | "0") => {
                return None;
            }
            "enabled" => {}
            _ => source.fields.push((name, value)),
        }
    }
    (binary && !source.uris.is_empty() && !source.suites.is_empty()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_file_yields_its_binary_sources() {
        let text = "# comment\ndeb http://example.org/debian bookworm main contrib # why\n\
            deb-src http://example.org/debian bookworm main\n\
            deb [arch=amd64,arm64 signed-by=/k.gpg] http://example.org/x stable main\n\
            deb http://example.org/flat ./\n";
        let sources = parse_one_line_file(text);
        assert_eq!(sources.len(), 3);
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[1].field("Architectures"), Some("amd64 arm64"));
        assert_eq!(sources[1].key_file(), Some("/k.gpg"));
        assert_eq!(sources[2].suites, ["./"]);
    }

    #[test]
    fn a_line_without_components_is_no_source() {
        assert_eq!(parse_one_line("deb http://example.org/debian bookworm"), None);
        assert_eq!(parse_one_line("deb http://example.org/debian ./ main"), None);
        assert_eq!(parse_one_line("deb [arch=amd64 http://example.org/debian bookworm main"), None);
    }

    #[test]
    fn a_sources_file_yields_its_enabled_binary_paragraphs() {
        let text = "Types: deb deb-src\n# comment\nURIs: http://example.org/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n\n\
            Types: deb-src\nURIs: http://example.org/debian\nSuites: bookworm\nComponents: main\n\n\
            Enabled: no\nTypes: deb\nURIs: http://example.org/off\nSuites: bookworm\nComponents: main\n";
        let sources = parse_deb822(text);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(sources[0].key_file(), Some("/k.gpg"));
    }

    #[test]
    fn an_inline_key_survives_reading_and_writing() {
        let text = "Types: deb\nURIs: http://example.org/debian\nSuites: bookworm\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY865UxYJ\n -----END PGP PUBLIC KEY BLOCK-----\n\n";
        let sources = parse_deb822(text);
        assert_eq!(sources[0].render(), text);
        assert_eq!(sources[0].key_file(), None);
    }
}
