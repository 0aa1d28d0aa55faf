//! Parameters as Image Factory takes them: a file, names with values, names with files. Later ones win.

use super::super::error::Error;
use super::super::input;
use clap::Args;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Parameters for the plugins.
#[derive(Debug, Args)]
pub(super) struct ParametersArguments {
    /// Read parameters from this file: one JSON object.
    #[arg(long = "parameters", value_name = "JSONFILE")]
    parameters_file: Option<PathBuf>,
    /// Give the plugins a parameter, as text. It wins over --parameters.
    #[arg(long = "parameter", num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    parameter_pairs: Vec<String>,
    /// Give the plugins the content of a file as a parameter. It wins over the others.
    #[arg(long = "file-parameter", num_args = 2, value_names = ["NAME", "FILE"])]
    parameter_files: Vec<String>,
}

impl ParametersArguments {
    /// Tells whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.parameters_file.is_none()
            && self.parameter_pairs.is_empty()
            && self.parameter_files.is_empty()
    }

    /// Reads the files, and answers all parameters.
    pub(super) fn read(&self) -> Result<Map<String, Value>, Error> {
        let mut all =
            self.parameters_file.as_deref().map_or_else(|| Ok(Map::new()), input::object)?;
        for pair in self.parameter_pairs.chunks_exact(2) {
            all.insert(pair[0].clone(), Value::from(pair[1].clone()));
        }
        for pair in self.parameter_files.chunks_exact(2) {
            all.insert(pair[0].clone(), Value::from(input::text(Path::new(&pair[1]))?));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        parameters: ParametersArguments,
    }

    fn read(words: &[&str]) -> Result<String, String> {
        let line = Line::try_parse_from(["x"].iter().chain(words)).unwrap();
        let read = line.parameters.read().map_err(|error| error.to_string());
        read.map(|all| Value::Object(all).to_string())
    }

    #[test]
    fn later_ones_win_and_values_are_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("p.json"), r#"{"a": 1, "b": 2, "c": 3}"#).unwrap();
        std::fs::write(path("ks.cfg"), "line\n").unwrap();
        let words = ["--file-parameter", "c", &path("ks.cfg"), "--parameter", "b", "-1"];
        let more = ["--parameter", "b", "x=y", "--parameters", &path("p.json")];
        assert_eq!(
            read(&[&words[..], &more].concat()).unwrap(),
            r#"{"a":1,"b":"x=y","c":"line\n"}"#
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert_eq!(
            read(&["--file-parameter", "a", "/no/such"]).unwrap_err(),
            "can't read /no/such"
        );
        assert_eq!(read(&["--parameters", "/no/such"]).unwrap_err(), "can't read /no/such");
    }
}
