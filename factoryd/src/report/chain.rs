//! An error and its causes, on one line.

use std::error::Error;
use std::fmt;

/// An error with its causes, shown as `what failed: why: why that`.
pub struct Chain<'a>(&'a (dyn Error + 'static));

/// Shows an error with its causes on one line.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some libraries repeat their cause in their own words.
            if !text.is_empty() && !said.ends_with(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        #[source]
        cause: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let (first, rest) = texts.split_first().unwrap();
        let cause = (!rest.is_empty()).then(|| Box::new(layers(rest)));
        Layer { text: first, cause }
    }

    #[test]
    fn a_chain_reads_from_what_failed_to_why() {
        let error = layers(&["can't open the store", "can't create /x", "permission denied"]);
        let text = chain(&error).to_string();
        assert_eq!(text, "can't open the store: can't create /x: permission denied");
    }

    #[test]
    fn what_was_said_already_is_not_said_again() {
        let error = layers(&["a: b", "b", "c"]);
        assert_eq!(chain(&error).to_string(), "a: b: c");
    }
}
