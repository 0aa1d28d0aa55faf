//! A registry, an account and the two clients that talk to it.

use super::fault::Asked;
use super::{Account, Destination};
use crate::problem::chain;
use factory_plugin_sdk::{Failure, Fault};
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::{Client, Reference, RegistryOperation};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const USER_AGENT: &str = concat!("factory-plugin-docker/", env!("CARGO_PKG_VERSION"));

/// A registry and who uses it.
pub struct Session {
    pub(super) client: Client,
    pub(super) account: Account,
    pub(super) destination: Destination,
    pub(super) asked: Asked,
    pub(super) certificates: Vec<u8>,
}

impl Session {
    /// Prepares to talk to a registry; nothing is sent yet.
    ///
    /// # Errors
    /// If the certificates can't be read.
    pub async fn prepare(destination: Destination, account: Account) -> Result<Self, Failure> {
        let certificates = match &destination.ca_file {
            Some(path) => tokio::fs::read(path).await.map_err(|error| {
                let message = format!("can't read ca_file {}: {error}", path.display());
                Failure::new(Fault::User, "INVALID_PROVIDER", message)
            })?,
            None => Vec::new(),
        };
        let config = client_config(&destination, &certificates);
        let client = Client::try_from(config).map_err(|error| unusable(&error))?;
        let asked = Asked::new(&destination.registry, &account);
        Ok(Self { client, account, destination, asked, certificates })
    }

    /// Shows the account to the registry.
    ///
    /// # Errors
    /// If the registry can't be reached or does not accept the account.
    pub async fn log_in(&self, reference: &Reference) -> Result<(), Failure> {
        let auth = self.account.auth();
        let result = self.client.auth(reference, auth, RegistryOperation::Push).await;
        result.map(drop).map_err(|error| self.asked.failure(error))
    }

    /// Makes a client for what the registry client has no method for.
    pub(super) fn http(&self) -> Result<reqwest::Client, Failure> {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_secs(60));
        if !self.certificates.is_empty() {
            let bundle = reqwest::Certificate::from_pem_bundle(&self.certificates);
            builder = builder.tls_certs_merge(bundle.map_err(|error| unusable(&error))?);
        }
        builder.build().map_err(|error| unusable(&error))
    }

    /// Returns the URL of something in a repository.
    pub(super) fn url(&self, reference: &Reference, path: &str) -> String {
        let scheme = if self.destination.is_plain() { "http" } else { "https" };
        let (registry, repository) = (reference.resolve_registry(), reference.repository());
        format!("{scheme}://{registry}/v2/{repository}/{path}")
    }
}

fn client_config(destination: &Destination, certificates: &[u8]) -> ClientConfig {
    let protocol = match destination.is_plain() {
        true => ClientProtocol::HttpsExcept(vec![destination.registry.clone()]),
        false => ClientProtocol::Https,
    };
    let certificate =
        Certificate { encoding: CertificateEncoding::Pem, data: certificates.to_vec() };
    ClientConfig {
        protocol,
        // A blob goes out in one request that streams from the file.
        use_monolithic_push: true,
        extra_root_certificates: if certificates.is_empty() { vec![] } else { vec![certificate] },
        connect_timeout: Some(CONNECT_TIMEOUT),
        user_agent: USER_AGENT,
        ..ClientConfig::default()
    }
}

fn unusable(error: &dyn std::error::Error) -> Failure {
    let message = format!("can't prepare to talk to the registry: {}", chain(error));
    Failure::new(Fault::User, "INVALID_PROVIDER", message).hint("check ca_file: PEM certificates")
}
