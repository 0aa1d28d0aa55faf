//! AutoMTLS: each side makes a throw-away certificate and trusts nothing but the other's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;

/// The name that go-plugin puts into certificates.
pub(super) const SERVER_NAME: &str = "localhost";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Our certificate can't be made.
    #[error("our certificate can't be made")]
    Generate(#[source] rcgen::Error),
    /// The plugin's certificate is not base64.
    #[error("its certificate is not base64 without padding")]
    Base64(#[source] base64::DecodeError),
    /// The configuration is refused.
    #[error("TLS can't be set up")]
    Config(#[source] rustls::Error),
}

/// Our certificate for one start of a plugin.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    pem: String,
}

impl Identity {
    /// Makes a certificate (P-256) as go-plugin's servers want a client's.
    pub(super) fn generate() -> Result<Self, Error> {
        let mut params =
            CertificateParams::new(vec![SERVER_NAME.to_owned()]).map_err(Error::Generate)?;
        params.distinguished_name.push(DnType::CommonName, SERVER_NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(Error::Generate)?;
        let certificate = params.self_signed(&key).map_err(Error::Generate)?;
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.into(),
            key: key.serialize_der().into(),
        })
    }

    /// Answers the certificate as PEM, for the plugin.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes the configuration that trusts exactly the plugin with that certificate (base64 of the DER, no padding).
    pub(super) fn trust(self, certificate: &str) -> Result<Arc<ClientConfig>, Error> {
        let pinned = STANDARD_NO_PAD.decode(certificate).map_err(Error::Base64)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Pinned { certificate: pinned.into(), provider: Arc::clone(&provider) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::Config)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(vec![self.certificate], self.key.into())
            .map_err(Error::Config)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Trusts one certificate, whatever it says, from whoever has its key.
///
/// The stock verifier refuses go-plugin's certificates, since they are their own authority. The signature of the
/// handshake must be verified all the same: a certificate is public, only its key makes the peer the plugin.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.certificate {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// Makes a certificate as go-plugin does it: P-521, its own authority.
    fn p521() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.into(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    fn base64(certificate: &CertificateDer<'_>) -> String {
        STANDARD_NO_PAD.encode(certificate)
    }

    async fn handshake(
        trusted: &CertificateDer<'static>,
        shown: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> std::io::Result<()> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // A resolver takes a certificate with a key that is not its own, which a builder would refuse.
        let signer = provider.key_provider.load_private_key(key).unwrap();
        let resolver = rustls::sign::SingleCertAndKey::from(rustls::sign::CertifiedKey::new(
            vec![shown],
            signer,
        ));
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let client = Identity::generate().unwrap().trust(&base64(trusted)).unwrap();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let (client, _server) = tokio::join!(
            TlsConnector::from(client).connect(name, near),
            TlsAcceptor::from(Arc::new(server)).accept(far),
        );
        client.map(drop)
    }

    #[tokio::test]
    async fn a_p521_certificate_that_is_its_own_authority_is_accepted() {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let (certificate, key) = p521();
            handshake(&certificate, certificate.clone(), key, version).await.unwrap();
        }
    }

    #[tokio::test]
    async fn another_certificate_is_refused() {
        let (certificate, _) = p521();
        let (other, key) = p521();
        assert!(handshake(&certificate, other, key, &rustls::version::TLS13).await.is_err());
    }

    #[tokio::test]
    async fn the_right_certificate_without_its_key_is_refused() {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let (certificate, _) = p521();
            let (_, other_key) = p521();
            let error = handshake(&certificate, certificate.clone(), other_key, version).await;
            assert!(error.unwrap_err().to_string().contains("BadSignature"));
        }
    }

    #[test]
    fn a_certificate_that_is_no_base64_is_an_error() {
        let error = Identity::generate().unwrap().trust("no base64!").unwrap_err();
        assert_eq!(error.to_string(), "its certificate is not base64 without padding");
    }
}
