//! Secrets that are nothing but recognisable: where one turns up, it should not be.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter ones could be found by chance.
const LEN_MIN: usize = 8;

/// A secret that is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Canary {
    /// What it was given as.
    pub(crate) name: String,
    /// The secret.
    pub(crate) value: String,
}

impl Canary {
    /// Makes up a secret.
    pub(crate) fn new(name: &str) -> Self {
        let value = format!("Canary{}", uuid::Uuid::new_v4().simple());
        Self { name: name.to_owned(), value }
    }

    /// Tells in which form it stands in bytes; `None` if it does not.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        if self.value.len() < LEN_MIN {
            return None;
        }
        let forms = [
            ("as it is", self.value.clone()),
            ("as base64", self.encoded()),
            ("as base64 for URLs", URL_SAFE_NO_PAD.encode(&self.value)),
            ("in hexadecimal", hex(self.value.as_bytes())),
        ];
        forms.into_iter().find(|(_, form)| contains(bytes, form.as_bytes())).map(|(name, _)| name)
    }

    /// Encodes it without the last character, which depends on what follows.
    fn encoded(&self) -> String {
        let mut text = STANDARD_NO_PAD.encode(&self.value);
        text.pop();
        text
    }
}

/// Says which of some secrets stand in bytes.
pub(crate) fn found(canaries: &[Canary], bytes: &[u8]) -> Vec<String> {
    let found = canaries.iter().filter_map(|it| Some((&it.name, it.found_in(bytes)?)));
    found.map(|(name, form)| format!("the secret {name} stands {form}")).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_canary_is_found_in_every_form() {
        let canary = Canary::new("password");
        let says = |text: String| canary.found_in(format!("before {text} after").as_bytes());
        assert_eq!(says(canary.value.clone()), Some("as it is"));
        assert_eq!(says(STANDARD.encode(&canary.value)), Some("as base64"));
        assert_eq!(says(hex(canary.value.as_bytes())), Some("in hexadecimal"));
        assert_eq!(says("nothing".to_owned()), None);
    }

    #[test]
    fn what_could_be_there_by_chance_is_not_looked_for() {
        let canary = Canary { name: "pin".to_owned(), value: "1".to_owned() };
        assert_eq!(canary.found_in(b"line 1"), None);
    }
}
