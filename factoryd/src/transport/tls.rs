//! TLS as a daemon speaks it: its certificate, and whose certificates it asks for.

use super::pair;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether and how a daemon speaks TLS.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its certificate; none: it speaks no TLS.
    pub source: Option<Source>,
    /// The authorities of clients' certificates (PEM); none: no client is asked for one.
    pub client_ca: Option<PathBuf>,
}

/// Where the certificate is.
#[derive(Debug, Clone)]
pub enum Source {
    /// In files, as PEM.
    Files {
        /// The certificate, and those between it and its authority.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// In a directory; made there, signed by itself, if there is none.
    SelfSigned {
        /// The directory.
        directory: PathBuf,
        /// The names it is for, and the addresses.
        names: Vec<String>,
    },
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not there, or not as it must be.
    #[error("can't read the {what} in {}", path.display())]
    Read {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// A file holds no certificate.
    #[error("there is no certificate in {}", .0.display())]
    Empty(PathBuf),
    /// The certificate and the key are of no use together.
    #[error("the certificate in {} can't be used", path.display())]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// Why, such as a key of another certificate.
        #[source]
        source: rustls::Error,
    },
    /// An authority of clients is none.
    #[error("the authorities in {} can't be used", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: VerifierBuilderError,
    },
    /// A pair can't be made.
    #[error("can't make a certificate")]
    Generate(#[source] rcgen::Error),
    /// A pair can't be kept.
    #[error("can't keep a certificate in {}", path.display())]
    Keep {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A certificate that can be used. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
    path: PathBuf,
}

impl Tls {
    /// Reads the certificate, or makes it; `None` if there is to be no TLS.
    ///
    /// # Errors
    /// If a file can't be read, or does not hold what it should.
    pub fn load(options: &Options) -> Result<Option<Self>, Error> {
        let Some(source) = &options.source else { return Ok(None) };
        let (path, key) = match source {
            Source::Files { certificate, key } => (certificate.clone(), key.clone()),
            Source::SelfSigned { directory, names } => pair::in_directory(directory, names)?,
        };
        let chain = certificates("certificate", &path)?;
        let certificate = chain.first().cloned().ok_or_else(|| Error::Empty(path.clone()))?;
        let read = |source| Error::Read { what: "key", path: key.clone(), source };
        let key = PrivateKeyDer::from_pem_file(&key).map_err(read)?;
        let unusable = |source| Error::Unusable { path: path.clone(), source };
        let config = match &options.client_ca {
            None => builder().map_err(unusable)?.with_no_client_auth(),
            Some(file) => {
                let verifier = verifier(file)?;
                builder().map_err(unusable)?.with_client_cert_verifier(verifier)
            }
        };
        let config = Arc::new(config.with_single_cert(chain, key).map_err(unusable)?);
        Ok(Some(Self { config, certificate, path }))
    }

    /// Answers the configuration for servers of one protocol, such as `h2`.
    pub(super) fn config(&self, protocol: &[u8]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }

    /// Answers the file of the certificate.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Answers the SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.certificate);
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Tells whether a client that calls by this name would find it in the certificate.
    pub fn is_for(&self, name: &str) -> bool {
        pair::is_for(&self.certificate, name)
    }
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

/// A client need not have a certificate, but one that it has must be right.
fn verifier(file: &Path) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("authorities of clients", file)? {
        let added = roots.add(certificate);
        added.map_err(|source| Error::Unusable { path: file.to_owned(), source })?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let built = builder.allow_unauthenticated().build();
    built.map_err(|source| Error::Authority { path: file.to_owned(), source })
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |source| Error::Read { what, path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if found.is_empty() { Err(Error::Empty(path.to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn self_signed(directory: &Path) -> Options {
        let names = vec!["localhost".to_owned(), "10.0.0.1".to_owned()];
        let source = Source::SelfSigned { directory: directory.to_owned(), names };
        Options { source: Some(source), client_ca: None }
    }

    #[test]
    fn a_pair_is_made_once_and_its_key_is_its_owners() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("store/tls");
        let first = Tls::load(&self_signed(&directory)).unwrap().unwrap();
        let second = Tls::load(&self_signed(&directory)).unwrap().unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(first.fingerprint().len(), 32 * 3 - 1);
        assert!(first.is_for("localhost") && first.is_for("10.0.0.1"));
        assert!(!first.is_for("10.0.0.2") && !first.is_for("example.org"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join("key.pem"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(directory.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| root.path().join(name));
        Tls::load(&self_signed(&one)).unwrap();
        Tls::load(&self_signed(&other)).unwrap();
        let load = |certificate: &Path, key: &Path| {
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            let source = Some(Source::Files { certificate, key });
            Tls::load(&Options { source, client_ca: None }).map(|tls| tls.is_some())
        };
        let [certificate, key] = [one.join("certificate.pem"), one.join("key.pem")];
        assert!(load(&certificate, &key).unwrap());
        let error = load(&certificate, &other.join("key.pem")).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error}");
        let error = load(&key, &key).unwrap_err().to_string();
        assert!(error.starts_with("there is no certificate in "), "{error}");
        let error = load(&certificate, &root.path().join("missing")).unwrap_err().to_string();
        assert!(error.starts_with("can't read the key in "), "{error}");
    }
}
