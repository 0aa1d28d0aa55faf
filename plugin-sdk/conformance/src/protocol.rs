//! The protocol's own words. The `.proto` files are its manual; every case quotes the sentence that it checks.

/// A sentence of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The file that it stands in.
    pub file: &'static File,
    /// Its words, on one line.
    pub sentence: &'static str,
}

impl Rule {
    /// Says where it stands, as `FILE:LINE`; the file alone if it does not stand there.
    pub fn place(&self) -> String {
        match self.line() {
            Some(line) => format!("{}:{line}", self.file.name),
            None => self.file.name.to_owned(),
        }
    }

    /// Finds the line on which it starts, from 1.
    pub fn line(&self) -> Option<usize> {
        let (text, lines) = comments(self.file.text);
        let at = text.find(self.sentence)?;
        lines.iter().rev().find(|(start, _)| *start <= at).map(|(_, line)| *line)
    }
}

/// A file of the protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below `proto/`.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($($file:ident $quote:ident $name:literal;)*) => {$(
        static $file: File = File {
            name: concat!("factory/plugin/v1/", $name),
            text: include_str!(concat!("../../../proto/factory/plugin/v1/", $name)),
        };

        #[doc = concat!("Quotes `", $name, "`.")]
        pub(crate) const fn $quote(sentence: &'static str) -> Rule {
            Rule { file: &$file, sentence }
        }
    )*};
}

files! {
    PLUGIN plugin "plugin.proto";
    OPERATION operation "operation.proto";
    OPERATIONS operations "operations.proto";
    EVENTS events "events.proto";
    FAILURE failure "failure.proto";
    OS os "os.proto";
    CLOUD cloud "cloud.proto";
    SECRET secret "secret.proto";
}

/// Joins the comments of a file into one line each block, and tells at which offset each line of the file starts.
fn comments(text: &str) -> (String, Vec<(usize, usize)>) {
    let mut joined = String::new();
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, comment)) = line.split_once("//").filter(|(code, _)| code.trim().is_empty())
        else {
            joined.push('\n');
            continue;
        };
        let words = comment.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.strip_prefix("* ").unwrap_or(&words);
        lines.push((joined.len(), index + 1));
        joined.push_str(words);
        joined.push(' ');
    }
    (joined, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn a_sentence_over_two_lines_has_the_place_of_its_first_word() {
        let rule = plugin("print a sentence on standard error and exit with 1.");
        let line = rule.line().unwrap();
        assert!(PLUGIN.text.lines().nth(line - 1).unwrap().ends_with("print a"));
        assert_eq!(rule.place(), format!("factory/plugin/v1/plugin.proto:{line}"));
    }

    #[test]
    fn words_that_do_not_stand_there_have_no_line() {
        assert_eq!(plugin("Plugins sing.").line(), None);
        assert_eq!(plugin("rpc Describe(DescribeRequest)").line(), None);
    }

    #[test]
    fn every_case_quotes_what_the_protocol_says() {
        let wrong: Vec<_> = cases::all().filter(|case| case.rule.line().is_none()).collect();
        assert!(
            wrong.is_empty(),
            "not in {:?}",
            wrong.iter().map(|c| (c.id, c.rule.sentence)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_quote_is_long_enough_to_mean_something() {
        let short = |case: &&cases::Case| case.rule.sentence.split_whitespace().count() < 2;
        assert_eq!(cases::all().filter(short).count(), 0);
    }
}
