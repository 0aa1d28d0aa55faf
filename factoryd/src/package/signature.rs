//! Signatures of packages: minisign's (<https://jedisct1.github.io/minisign/>), prehashed.

use super::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minisign::{SecretKey, SecretKeyBox};
use minisign_verify::{PublicKey, Signature};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A key whose signatures are trusted.
#[derive(Clone)]
pub struct TrustedKey {
    text: String,
    id: String,
    key: PublicKey,
}

/// A key that can't be used. Quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKey(String);

/// All keys that are trusted.
#[derive(Debug, Clone, Default)]
pub struct Keyring(pub Vec<TrustedKey>);

/// A key that signs.
pub struct SigningKey(SecretKey);

impl TrustedKey {
    /// Answers its number, as minisign shows it.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl FromStr for TrustedKey {
    type Err = InvalidKey;

    /// Reads what `minisign -G` puts into its `.pub` file, or the last line of that.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let wrong = |_| InvalidKey("it is no public key of minisign's".to_owned());
        let key = PublicKey::from_base64(line).map_err(wrong)?;
        Ok(Self { text: line.to_owned(), id: key_id(line).unwrap_or_default(), key })
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKey({})", self.id)
    }
}

impl Keyring {
    /// Answers the number of the trusted key that signed this.
    ///
    /// # Errors
    /// If the signature has another form, is of a key that is not trusted, or of something else.
    pub fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<String, Error> {
        let form = |why: &str| Error::SignatureForm(why.to_owned());
        let text = std::str::from_utf8(signature).map_err(|_| form("it is not UTF-8"))?;
        let read = Signature::decode(text).map_err(|error| form(&error.to_string()))?;
        let line = text.lines().nth(1).unwrap_or_default();
        let id = key_id(line).ok_or_else(|| form("it names no key"))?;
        let Some(trusted) = self.0.iter().find(|key| key.id == id) else {
            return Err(Error::UnknownKey { id, known: self.known() });
        };
        match trusted.key.verify(signed, &read, false) {
            Ok(()) => Ok(id),
            Err(minisign_verify::Error::UnexpectedAlgorithm) => {
                Err(form("it is one of the old kind, that is not prehashed"))
            }
            Err(_) => Err(Error::WrongSignature(id)),
        }
    }

    fn known(&self) -> String {
        match self.0.as_slice() {
            [] => ": no key is; `packages.trusted_keys` in the configuration has those that are"
                .to_owned(),
            keys => {
                let ids: Vec<&str> = keys.iter().map(TrustedKey::id).collect();
                format!(" (trusted: {})", ids.join(", "))
            }
        }
    }
}

impl SigningKey {
    /// Tells whether the text of a key's file is of one that has a password.
    ///
    /// # Errors
    /// If it is no secret key of minisign's.
    pub fn has_password(text: &str) -> Result<bool, InvalidKey> {
        // The algorithm, how the password becomes a key (scrypt, or nothing), the checksum's algorithm.
        match secret(text).get(..6) {
            Some(b"EdScB2") => Ok(true),
            Some(b"Ed\0\0B2") => Ok(false),
            _ => Err(InvalidKey("it is no secret key of minisign's".to_owned())),
        }
    }

    /// Reads the text of a key's file, such as `minisign -G` writes.
    ///
    /// # Errors
    /// If it is no secret key, or the password is not its.
    pub fn read(text: &str, password: Option<String>) -> Result<Self, InvalidKey> {
        let key = match (Self::has_password(text)?, password) {
            (true, None) => return Err(InvalidKey("it has a password".to_owned())),
            (true, password) => SecretKey::from_box(SecretKeyBox::from(text.to_owned()), password),
            // minisign writes no checksum into a key without a password.
            (false, _) => SecretKey::from_bytes(&secret(text)),
        };
        key.map(Self).map_err(|error| InvalidKey(error.to_string()))
    }

    /// Signs something, and answers the text of the signature's file.
    ///
    /// # Errors
    /// If there is no randomness.
    pub(super) fn sign(&self, text: &str, comment: &str) -> Result<String, InvalidKey> {
        let failed = |error: minisign::PError| InvalidKey(error.to_string());
        let public = minisign::PublicKey::from_secret_key(&self.0).map_err(failed)?;
        let signed = minisign::sign(Some(&public), &self.0, text.as_bytes(), Some(comment), None);
        signed.map(minisign::SignatureBox::into_string).map_err(failed)
    }
}

/// The number in a key or a signature: 8 bytes after the 2 of the algorithm.
fn key_id(line: &str) -> Option<String> {
    let bytes = STANDARD.decode(line.trim()).ok()?;
    let id: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
    Some(format!("{:016X}", u64::from_le_bytes(id)))
}

/// The bytes of a secret key, which are in the second line of its file.
fn secret(text: &str) -> Zeroizing<Vec<u8>> {
    let line = text.lines().nth(1).unwrap_or_default();
    Zeroizing::new(STANDARD.decode(line.trim()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    fn pair() -> (SigningKey, TrustedKey) {
        let KeyPair { pk, sk } = KeyPair::generate_unencrypted_keypair().unwrap();
        (SigningKey(sk), pk.to_base64().parse().unwrap())
    }

    #[test]
    fn only_a_trusted_key_and_only_what_it_signed_will_do() {
        let ((signing, trusted), (other, _)) = (pair(), pair());
        let ring = Keyring(vec![trusted.clone()]);
        let signature = signing.sign("text", "comment").unwrap();
        assert_eq!(ring.verify(b"text", signature.as_bytes()).unwrap(), trusted.id());
        let wrong = ring.verify(b"test", signature.as_bytes()).unwrap_err();
        assert!(matches!(wrong, Error::WrongSignature(id) if id == trusted.id()));
        let unknown = other.sign("text", "comment").unwrap();
        let unknown = ring.verify(b"text", unknown.as_bytes()).unwrap_err().to_string();
        assert!(unknown.contains(&format!("(trusted: {})", trusted.id())), "{unknown}");
        let none = Keyring::default().verify(b"text", signature.as_bytes()).unwrap_err();
        assert!(none.to_string().contains("packages.trusted_keys"), "{none}");
    }

    #[test]
    fn a_signature_that_was_tampered_with_is_refused_and_never_more() {
        let (signing, trusted) = pair();
        let ring = Keyring(vec![trusted]);
        let signature = signing.sign("text", "comment").unwrap();
        assert!(
            ring.verify(b"text", signature.replace("comment\n", "other\n").as_bytes()).is_err()
        );
        for len in 0..signature.len() - 1 {
            assert!(ring.verify(b"text", &signature.as_bytes()[..len]).is_err(), "{len} bytes");
        }
        for byte in 0..signature.len() {
            let mut bytes = signature.clone().into_bytes();
            bytes[byte] ^= 1;
            // The first comment is nobody's, and so is what follows the signature.
            let _ = ring.verify(b"text", &bytes);
        }
    }

    #[test]
    fn keys_are_read_from_their_files_and_without_what_is_around_them() {
        let KeyPair { pk, sk } = KeyPair::generate_unencrypted_keypair().unwrap();
        let file: TrustedKey = pk.to_box().unwrap().into_string().parse().unwrap();
        assert_eq!(file.to_string(), pk.to_base64());
        assert!("untrusted comment: x\nRWQ".parse::<TrustedKey>().is_err());
        let text = sk.to_box(None).unwrap().into_string();
        assert_eq!(SigningKey::has_password(&text), Ok(false));
        let signature = SigningKey::read(&text, None).unwrap().sign("a", "b").unwrap();
        assert!(Keyring(vec![file]).verify(b"a", signature.as_bytes()).is_ok());
        assert!(SigningKey::has_password("untrusted comment: x\nRWQ").is_err());
        assert!(SigningKey::read("x", None).is_err());
    }
}
