//! Mutual TLS as go-plugin does it: each side makes a certificate of its own and accepts exactly the other's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The factory's certificate is none.
    #[error("the factory's certificate can't be read: {0}")]
    Peer(pem::Error),
    /// Our own certificate can't be made.
    #[error("a certificate can't be made: {0}")]
    Own(#[from] rcgen::Error),
    /// They make no configuration.
    #[error("the configuration is refused: {0}")]
    Config(#[from] rustls::Error),
}

/// One side of mutual TLS: ours.
pub(super) struct Tls {
    /// Our certificate, as the handshake line has it.
    pub(super) certificate: String,
    /// Accepts the factory and nobody else.
    pub(super) acceptor: TlsAcceptor,
}

impl Tls {
    /// Makes a certificate, and accepts only a peer that proves to own the one in `peer_pem`.
    pub(super) fn accept_only(peer_pem: &str) -> Result<Self, Error> {
        let peer = CertificateDer::from_pem_slice(peer_pem.as_bytes()).map_err(Error::Peer)?;
        let key = KeyPair::generate()?;
        let own = parameters()?.self_signed(&key)?.der().clone();
        let certificate = STANDARD_NO_PAD.encode(&own);
        // Named here, and not the process's default, which belongs to the plugin's author.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(OnlyPeer::new(peer, &provider));
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

fn parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(["localhost".to_owned()])?;
    parameters.distinguished_name.push(DnType::CommonName, "localhost");
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

/// Accepts one certificate. The stock verifier refuses it, because it is its own authority.
#[derive(Debug)]
struct OnlyPeer {
    peer: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl OnlyPeer {
    fn new(peer: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self { peer, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for OnlyPeer {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.peer {
            return Ok(ClientCertVerified::assertion());
        }
        Err(CertificateError::UnknownIssuer.into())
    }

    /// The certificate is public: only this signature proves that the peer owns its key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
