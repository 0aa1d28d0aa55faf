//! What the certificate of a client says, once it was verified: the authority that signed it vouches for both.
//!
//! The name is its subject's common name, the role its subject's organizational unit: `OU=viewer`, `OU=builder` or `OU=admin`.
//! Without such a unit it is a viewer's; with several, the least counts.

use crate::domain::{How, Principal, Role};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Answers who shows a certificate (DER); nobody if it has no name.
pub fn certified(certificate: &[u8]) -> Option<Principal> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return None;
    }
    let units = subject.iter_organizational_unit();
    let roles = units.filter_map(|unit| unit.as_str().ok()?.parse::<Role>().ok());
    let role = roles.min().unwrap_or(Role::Viewer);
    Some(Principal { name: name.to_owned(), role, how: How::Certificate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    fn of(name: Option<&str>, units: &[&str]) -> Option<Principal> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        for unit in units {
            params.distinguished_name.push(DnType::OrganizationalUnitName, *unit);
        }
        let key = KeyPair::generate().unwrap();
        certified(params.self_signed(&key).unwrap().der())
    }

    #[test]
    fn the_unit_is_the_role_and_a_viewers_without_one() {
        let role = |units: &[&str]| of(Some("ci"), units).unwrap().role;
        assert_eq!(of(Some("ci"), &["builder"]).unwrap().name, "ci");
        assert_eq!(role(&["builder"]), Role::Builder);
        assert_eq!(role(&["admin"]), Role::Admin);
        for units in [&[][..], &["Admin"], &["Engineering"]] {
            assert_eq!(role(units), Role::Viewer, "{units:?}");
        }
    }

    #[test]
    fn who_has_no_name_is_nobody() {
        assert_eq!(of(None, &["admin"]), None);
        assert_eq!(of(Some(" "), &["admin"]), None);
        assert_eq!(certified(b"no certificate"), None);
    }
}
