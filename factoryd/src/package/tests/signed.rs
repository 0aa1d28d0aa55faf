//! Packages that somebody signed: with our means and with minisign's own program.

use super::*;
use std::cell::Cell;
use std::process::{Command, Stdio};

struct Keys {
    directory: TempDir,
    ring: Keyring,
}

impl Keys {
    /// Makes keys with minisign's own program.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        minisign(directory.path(), &["-G", "-W", "-p", "x.pub", "-s", "x.key"]);
        let public = fs::read_to_string(directory.path().join("x.pub")).unwrap();
        Self { directory, ring: Keyring(vec![public.parse().unwrap()]) }
    }

    fn signing(&self) -> SigningKey {
        let text = fs::read_to_string(self.directory.path().join("x.key")).unwrap();
        assert_eq!(SigningKey::has_password(&text), Ok(false));
        SigningKey::read(&text, None).unwrap()
    }

    fn unpack(&self, archive: &[u8]) -> Result<(TempDir, Unpacked), Error> {
        let into = tempfile::tempdir().unwrap();
        let judge = |sums: &[u8], signature: Option<&[u8]>| {
            self.ring.verify(sums, signature.unwrap_or_default()).map(Some)
        };
        let unpacked = unpack(Cursor::new(archive), into.path(), &Limits::default(), &judge)?;
        Ok((into, unpacked))
    }

    fn pack(&self) -> Vec<u8> {
        let plugin = plugin();
        let gathered = gather(plugin.path(), &Selection::default(), &Limits::default()).unwrap();
        let path = self.directory.path().join("x.tar.gz");
        let (key, file) = (self.signing(), Path::new("x.key"));
        let packed = pack(&gathered, Some((&key, file)), Compression::Gzip, &path).unwrap();
        assert!(packed.signed);
        fs::read(path).unwrap()
    }
}

fn minisign(directory: &Path, arguments: &[&str]) {
    let status = Command::new("minisign")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("package minisign");
    assert!(status.success(), "minisign {arguments:?}");
}

#[test]
fn what_we_sign_minisign_takes() {
    let keys = Keys::new();
    let (into, unpacked) = keys.unpack(&keys.pack()).unwrap();
    assert_eq!(unpacked.signer.as_deref(), Some(keys.ring.0[0].id()));
    let public = keys.directory.path().join("x.pub");
    minisign(into.path(), &["-V", "-p", public.to_str().unwrap(), "-m", SUMS]);
}

#[test]
fn what_minisign_signs_we_take() {
    let keys = Keys::new();
    let list = sums(&[]);
    fs::write(keys.directory.path().join(SUMS), &list).unwrap();
    minisign(keys.directory.path(), &["-S", "-s", "x.key", "-m", SUMS]);
    let signature = fs::read(keys.directory.path().join(SIGNATURE)).unwrap();
    let members = [
        Forged::file(SUMS, list.as_bytes()),
        Forged::file(SIGNATURE, &signature),
        Forged::file("x.info", INFO.as_bytes()),
        Forged::file("factory-plugin-x", SCRIPT.as_bytes()),
    ];
    assert!(keys.unpack(&forge(&members)).is_ok());
}

#[test]
fn a_package_is_refused_before_any_of_it_is_written_unless_its_signature_is_good() {
    let (keys, others) = (Keys::new(), Keys::new());
    let (list, longer) = (sums(&[]), sums(&[("a", b"a")]));
    let signature = |keys: &Keys| keys.signing().sign(&list, "x").unwrap();
    for (signature, list, why) in [
        (signature(&others), &list, "which is not trusted"),
        (signature(&keys), &longer, "changed after it was signed"),
        ("nonsense".to_owned(), &list, "no signature of minisign's"),
    ] {
        let members = [
            Forged::file(SUMS, list.as_bytes()),
            Forged::file(SIGNATURE, signature.as_bytes()),
            // Would be refused too, if anybody looked at it.
            Forged::file("../x", b""),
        ];
        let error = keys.unpack(&forge(&members)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let looked = Cell::new(0);
    let into = tempfile::tempdir().unwrap();
    let judge = |_: &[u8], _: Option<&[u8]>| {
        looked.set(looked.get() + files(into.path()).len());
        Err(Error::NoSums)
    };
    assert!(unpack(Cursor::new(keys.pack()), into.path(), &Limits::default(), &judge).is_err());
    assert_eq!((looked.get(), files(into.path()).len()), (0, 0));
}

#[test]
fn a_secret_key_with_a_password_needs_it() {
    let pair =
        minisign::KeyPair::generate_encrypted_keypair(Some("open sesame".to_owned())).unwrap();
    let text = pair.sk.to_box(None).unwrap().into_string();
    assert_eq!(SigningKey::has_password(&text), Ok(true));
    assert!(SigningKey::read(&text, None).is_err());
    assert!(SigningKey::read(&text, Some("sesame".to_owned())).is_err());
    let key = SigningKey::read(&text, Some("open sesame".to_owned())).unwrap();
    let ring = Keyring(vec![pair.pk.to_base64().parse().unwrap()]);
    assert!(ring.verify(b"a", key.sign("a", "b").unwrap().as_bytes()).is_ok());
}
