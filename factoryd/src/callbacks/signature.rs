//! Signatures of deliveries.

use crate::domain::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Answers the value of `Factory-Signature` for a body sent at a time, in seconds since 1970. A receiver computes
/// HMAC-SHA256 of `TIME.BODY` with the secret, compares in constant time, and refuses times long past.
pub fn sign(secret: &Secret, time: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of every length");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_every_other_implementation() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'key'
        let signature = sign(&Secret::new("key"), 1_700_000_000, br#"{"a":1}"#);
        let expected = "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03";
        assert_eq!(signature, format!("t=1700000000,v1={expected}"));
        assert_ne!(signature, sign(&Secret::new("other"), 1_700_000_000, br#"{"a":1}"#));
    }
}
