//! What a request shows for itself: `Authorization: Bearer …`, `Authorization: OAuth …`, or nothing.

use super::Refused;
use super::oauth::Header;
use crate::domain::Secret;

/// The credentials of a request, before anybody believes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None. The connection may say who calls.
    None,
    /// A bearer token.
    Bearer(Secret),
    /// A signature.
    OAuth(Header),
}

impl Credentials {
    /// Reads the values of a request's `Authorization` headers.
    ///
    /// # Errors
    /// If there is more than one, or it is in no form that is known here.
    pub fn read<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<Self, Refused> {
        let Some(value) = values.next() else { return Ok(Self::None) };
        if values.next().is_some() {
            return Err(Refused::Scheme);
        }
        let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        if scheme.eq_ignore_ascii_case(b"oauth") {
            return Header::parse(value).map(Self::OAuth).map_err(Refused::Malformed);
        }
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Err(Refused::Scheme);
        }
        let token = std::str::from_utf8(rest.trim_ascii()).map_err(|_| Refused::Token)?;
        Ok(Self::Bearer(Secret::new(token)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Credentials, Refused> {
        Credentials::read(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn one_header_of_a_known_scheme_is_read() {
        assert_eq!(read(&[]).unwrap(), Credentials::None);
        for value in ["Bearer abc", "bearer  abc "] {
            assert_eq!(read(&[value]).unwrap(), Credentials::Bearer(Secret::new("abc")));
        }
        for values in [&["Basic eDp5"][..], &[""], &["Bearer a", "Bearer a"]] {
            assert!(matches!(read(values), Err(Refused::Scheme)), "{values:?}");
        }
        assert!(matches!(read(&["OAuth x"]), Err(Refused::Malformed(_))));
        assert!(matches!(read(&["OAuth"]), Err(Refused::Malformed(_))));
    }
}
