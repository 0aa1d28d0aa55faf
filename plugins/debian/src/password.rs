//! Password hashes, as `/etc/shadow` has them.

use factory_plugin_sdk::{Failure, Fault};
use sha_crypt::{PasswordHasher, ShaCrypt};

/// Bytes of salt: sixteen characters once written, as many as the algorithm looks at.
const SALT: usize = 12;

/// Hashes a password with SHA-512-crypt. The same salt gives the same hash, so that an image can be built twice; the
/// salt must not depend on the password.
///
/// # Errors
/// If the password can't be hashed.
pub(crate) fn hash(password: &str, salt: &[u8; 32]) -> Result<String, Failure> {
    let hashed = ShaCrypt::SHA512.hash_password_with_salt(password.as_bytes(), &salt[..SALT]);
    // The cause is not told: it could tell something of the password.
    let failed = |_| {
        Failure::new(Fault::Plugin, "PASSWORD_NOT_HASHED", "the root password can't be hashed")
            .path("template/os/rootpw")
    };
    hashed.map(|hash| hash.to_string()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha_crypt::{PasswordHash, PasswordVerifier};

    #[test]
    fn a_hash_is_sha_512_crypt_and_verifies() {
        let hash = hash("correct horse", &[7; 32]).unwrap();
        assert!(hash.starts_with("$6$"), "{hash}");
        let hash = PasswordHash::new(hash).unwrap();
        assert!(ShaCrypt::SHA512.verify_password(b"correct horse", &hash).is_ok());
        assert!(ShaCrypt::SHA512.verify_password(b"wrong horse", &hash).is_err());
    }

    #[test]
    fn the_salt_decides_between_equal_passwords() {
        assert_eq!(hash("x", &[1; 32]).unwrap(), hash("x", &[1; 32]).unwrap());
        assert_ne!(hash("x", &[1; 32]).unwrap(), hash("x", &[2; 32]).unwrap());
    }
}
