//! A certificate that is signed by itself, and its key, in a directory.

use super::tls::Error;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// Answers the files of the certificate and of the key in a directory; makes both if there is no certificate.
pub(super) fn in_directory(
    directory: &Path,
    names: &[String],
) -> Result<(PathBuf, PathBuf), Error> {
    let files = (directory.join(CERTIFICATE), directory.join(KEY));
    if !files.0.exists() {
        let (certificate, key) = generate(names).map_err(Error::Generate)?;
        let kept = keep(directory, &certificate, &key);
        kept.map_err(|source| Error::Keep { path: directory.to_owned(), source })?;
    }
    Ok(files)
}

/// Tells whether a certificate is for a name or an address.
pub(super) fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(name) = ServerName::try_from(name) else { return false };
    let parsed = ParsedCertificate::try_from(certificate);
    parsed.is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

/// Makes a certificate that is no authority: who trusts it trusts nothing else. It does not expire, for nobody would be there
/// to renew it; who removes it gets another.
fn generate(names: &[String]) -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "image factory");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Both appear at once, or not at all: another factory may do the same at the same time, and then its pair is the one.
fn keep(directory: &Path, certificate: &str, key: &str) -> io::Result<()> {
    let parent = directory.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let owners = Permissions::from_mode(0o700);
    let unready =
        tempfile::Builder::new().prefix(".tls-").permissions(owners).tempdir_in(parent)?;
    write(&unready.path().join(CERTIFICATE), certificate, 0o644)?;
    write(&unready.path().join(KEY), key, 0o600)?;
    match fs::rename(unready.path(), directory) {
        Ok(()) => {
            // It is not where it would be removed.
            let _ = unready.keep();
            Ok(())
        }
        Err(_) if directory.join(CERTIFICATE).exists() => Ok(()),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
