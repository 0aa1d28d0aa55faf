//! Mutual TLS as a factory does it, and as nobody should.

use crate::case::Stop;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use factory_proto::handshake::Handshake;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SignatureAlgorithm,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;

/// The name that go-plugin puts into certificates.
pub(crate) const NAME: &str = "localhost";

/// A certificate, and the key that may or may not belong to it.
#[derive(Debug)]
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: String,
}

impl Identity {
    /// Makes a certificate as go-plugin's host does, with a key for an algorithm.
    pub(crate) fn new(algorithm: &'static SignatureAlgorithm) -> Result<Self, Stop> {
        let made = || -> Result<Self, rcgen::Error> {
            let key = KeyPair::generate_for(algorithm)?;
            let certificate = parameters()?.self_signed(&key)?;
            let pem = certificate.pem();
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            Ok(Self { certificate: certificate.into(), key, pem })
        };
        made().map_err(|error| Stop::Kit(format!("a certificate can't be made: {error}")))
    }

    /// Returns the certificate as PEM, for the plugin.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns this certificate with somebody else's key.
    pub(crate) fn with_key_of(&self, other: &Self) -> Self {
        let (certificate, pem) = (self.certificate.clone(), self.pem.clone());
        Self { certificate, key: other.key.clone_key(), pem }
    }

    /// Makes the configuration of a factory that trusts the plugin with this handshake and shows this certificate.
    pub(crate) fn trusting(&self, handshake: &Handshake) -> Result<Arc<ClientConfig>, Stop> {
        let pinned = certificate_of(handshake)?;
        let signing = provider()
            .key_provider
            .load_private_key(self.key.clone_key())
            .map_err(|error| Stop::Kit(error.to_string()))?;
        let shown = CertifiedKey::new(vec![self.certificate.clone()], signing);
        let resolver = Arc::new(SingleCertAndKey::from(shown));
        let builder = pinning(pinned)?;
        Ok(finished(builder.with_client_cert_resolver(resolver)))
    }
}

/// Makes the configuration of somebody who shows no certificate.
pub(crate) fn anonymous(handshake: &Handshake) -> Result<Arc<ClientConfig>, Stop> {
    Ok(finished(pinning(certificate_of(handshake)?)?.with_no_client_auth()))
}

/// Reads the plugin's certificate from its handshake.
pub(crate) fn certificate_of(handshake: &Handshake) -> Result<CertificateDer<'static>, Stop> {
    let Some(text) = &handshake.certificate else {
        return Err(Stop::broken("the handshake line names no certificate"));
    };
    let der = STANDARD_NO_PAD.decode(text).map_err(|error| {
        Stop::broken(format!("the certificate is not base64 without padding: {error}"))
    })?;
    Ok(der.into())
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn pinning(certificate: CertificateDer<'static>) -> Result<Builder, Stop> {
    let provider = Arc::new(provider());
    let verifier = Arc::new(Pinned { certificate, provider: provider.clone() });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Stop::Kit(error.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new([NAME.to_owned()])?;
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyAgreement,
        KeyUsagePurpose::KeyCertSign,
    ];
    parameters.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

/// Trusts one certificate, from whoever has its key.
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
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
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
