//! Mutual TLS: the factory and nobody else.

use super::support::Process;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use factory_plugin_sdk::proto::{DescribeRequest, plugin_client::PluginClient};
use factory_proto::handshake::{Address, CLIENT_CERT};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P521_SHA512};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::transport::Endpoint;

struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// Makes one as go-plugin's host does, with its P-521 key.
    fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self { certificate: parameters.self_signed(&key).unwrap(), key }
    }
}

struct Launched {
    _process: Process,
    socket: PathBuf,
    certificate: Option<CertificateDer<'static>>,
}

impl Launched {
    fn accepting(factory: &Identity) -> Self {
        let process = Process::start_with(|command| {
            command.env(CLIENT_CERT, factory.certificate.pem());
        });
        let handshake = process.handshake();
        let Address::Unix(socket) = handshake.address else { panic!("no unix socket") };
        let der = handshake.certificate.map(|text| STANDARD_NO_PAD.decode(text).unwrap());
        Self { _process: process, socket, certificate: der.map(CertificateDer::from) }
    }

    /// Calls `Describe` as somebody who shows a certificate and signs with a key.
    async fn describe(&self, shown: &rcgen::Certificate, key: &KeyPair) -> Result<String, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let expected = self.certificate.clone().unwrap();
        let verifier = Arc::new(Pinned { expected, provider: provider.clone() });
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let signing = provider.key_provider.load_private_key(key).unwrap();
        let shown = rustls::sign::CertifiedKey::new(vec![shown.der().clone()], signing);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (tls, socket) = (TlsConnector::from(Arc::new(config)), self.socket.clone());
        let connector = tower::service_fn(move |_| {
            let (tls, socket) = (tls.clone(), socket.clone());
            async move {
                let stream = UnixStream::connect(socket).await?;
                let name = ServerName::try_from("localhost").unwrap();
                tls.connect(name, stream).await.map(TokioIo::new)
            }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel =
            endpoint.connect_with_connector(connector).await.map_err(|e| e.to_string())?;
        let described = PluginClient::new(channel).describe(DescribeRequest::default()).await;
        described.map(|answer| answer.into_inner().name).map_err(|status| status.to_string())
    }
}

#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
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
        assert_eq!(*end_entity, self.expected, "the handshake line names the certificate");
        Ok(ServerCertVerified::assertion())
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

#[tokio::test]
async fn the_factory_is_accepted_with_the_curve_of_go_plugin_and_with_ours() {
    for algorithm in [&PKCS_ECDSA_P521_SHA512, &PKCS_ECDSA_P256_SHA256] {
        let factory = Identity::new(algorithm);
        let plugin = Launched::accepting(&factory);
        let name = plugin.describe(&factory.certificate, &factory.key).await;
        assert_eq!(name.as_deref(), Ok("mock-os"));
    }
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let (factory, stranger) =
        (Identity::new(&PKCS_ECDSA_P256_SHA256), Identity::new(&PKCS_ECDSA_P256_SHA256));
    let plugin = Launched::accepting(&factory);
    assert!(plugin.describe(&stranger.certificate, &stranger.key).await.is_err());
    assert!(plugin.describe(&factory.certificate, &factory.key).await.is_ok(), "and harms nobody");
}

#[tokio::test]
async fn a_stranger_who_shows_the_factorys_certificate_is_refused() {
    let (factory, stranger) =
        (Identity::new(&PKCS_ECDSA_P256_SHA256), Identity::new(&PKCS_ECDSA_P256_SHA256));
    let plugin = Launched::accepting(&factory);
    assert!(plugin.describe(&factory.certificate, &stranger.key).await.is_err());
}

#[tokio::test]
async fn a_peer_without_tls_is_refused() {
    let plugin = Launched::accepting(&Identity::new(&PKCS_ECDSA_P256_SHA256));
    let socket = plugin.socket.clone();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    assert!(PluginClient::new(channel).describe(DescribeRequest::default()).await.is_err());
}
