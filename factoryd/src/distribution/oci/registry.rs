//! A registry: the client for it, and what its answers mean.

use super::credentials;
use super::document::digest;
use super::{DOCUMENT_LEN_MAX, INDEX, MANIFEST};
use crate::distribution::{Error, Options};
use crate::report::chain;
use futures_util::StreamExt;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a registry may send nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a manifest or a page of tags may take. The client bounds neither in size.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(60);
const USER_AGENT: &str = concat!("factory/", env!("CARGO_PKG_VERSION"));
/// No repository has more tags than so many pages of so many.
const TAGS_A_PAGE: usize = 1000;
const PAGES_MAX: usize = 100;

/// A repository of a registry, and who asks.
pub(super) struct Registry {
    pub(super) client: Client,
    pub(super) reference: Reference,
    auth: RegistryAuth,
}

impl Registry {
    /// Prepares to talk to a registry. Nothing is sent yet.
    pub(super) fn prepare(options: &Options, reference: &Reference) -> Result<Self, Error> {
        let auth = credentials::find(options, reference)?;
        let registry = reference.registry().to_owned();
        let plain = options.plain_http.contains(&registry)
            || (options.ca_file.is_none() && is_loopback(&registry));
        let certificates = options.ca_file.iter().map(|path| {
            let data = std::fs::read(path).map_err(Error::io("read", path))?;
            Ok(Certificate { encoding: CertificateEncoding::Pem, data })
        });
        let config = ClientConfig {
            protocol: match plain {
                true => ClientProtocol::HttpsExcept(vec![registry.clone()]),
                false => ClientProtocol::Https,
            },
            // A blob goes out in one request that streams from the file.
            use_monolithic_push: true,
            extra_root_certificates: certificates.collect::<Result<_, Error>>()?,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        };
        let client = Client::try_from(config);
        let client = client
            .map_err(|error| Error::Registry { from: registry, why: chain(&error).to_string() })?;
        Ok(Self { client, reference: reference.clone(), auth })
    }

    /// Shows who asks, before something is pushed.
    pub(super) async fn log_in(&self) -> Result<(), Error> {
        let shown = self.client.auth(&self.reference, &self.auth, RegistryOperation::Push).await;
        shown.map(drop).map_err(|error| self.failure(error))
    }

    /// Fetches a manifest or an index: of the reference's own tag or digest, or of another digest.
    pub(super) async fn document(&self, of: Option<&str>) -> Result<Vec<u8>, Error> {
        let reference = match of {
            Some(digest) => self.reference.clone_with_digest(digest.to_owned()),
            None => self.reference.clone(),
        };
        let fetch = self.client.pull_manifest_raw(&reference, &self.auth, &[INDEX, MANIFEST]);
        let fetched = tokio::time::timeout(DOCUMENT_TIMEOUT, fetch).await;
        let (bytes, _) = fetched.map_err(|_| self.slow())?.map_err(|error| self.failure(error))?;
        if DOCUMENT_LEN_MAX < bytes.len() {
            return Err(self.misbehaves("its manifest is longer than 4 MiB".to_owned()));
        }
        let expected = of.or_else(|| self.reference.digest());
        match expected.filter(|expected| *expected != digest(&bytes)) {
            Some(expected) => {
                let found = digest(&bytes);
                Err(self
                    .misbehaves(format!("the manifest is {found}, and {expected} was asked for")))
            }
            None => Ok(bytes.to_vec()),
        }
    }

    /// Streams a blob to a writer. Who calls checks what came, but no more than `size` bytes come.
    pub(super) async fn blob(
        &self,
        digest: &str,
        size: u64,
        into: &mut dyn Write,
    ) -> Result<(), Error> {
        self.client.store_auth_if_needed(self.reference.resolve_registry(), &self.auth).await;
        let stream = self.client.pull_blob_stream(&self.reference, digest).await;
        let mut stream = stream.map_err(|error| self.failure(error))?.stream;
        let mut left = size;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| self.misbehaves(chain(&error).to_string()))?;
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                self.misbehaves(format!(
                    "blob {digest} is longer than the {size} bytes that its manifest says"
                ))
            })?;
            into.write_all(&chunk).map_err(Error::io("write", "what is fetched"))?;
        }
        Ok(())
    }

    /// Lists the tags of the repository.
    pub(super) async fn tags(&self) -> Result<Vec<String>, Error> {
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..PAGES_MAX {
            let last = tags.last().cloned();
            let list = self.client.list_tags(
                &self.reference,
                &self.auth,
                Some(TAGS_A_PAGE),
                last.as_deref(),
            );
            let page = tokio::time::timeout(DOCUMENT_TIMEOUT, list).await;
            let page = page.map_err(|_| self.slow())?.map_err(|error| self.failure(error))?.tags;
            let is_last = page.len() < TAGS_A_PAGE;
            tags.extend(page);
            if is_last {
                break;
            }
        }
        Ok(tags)
    }

    /// Says what the client's error means.
    pub(super) fn failure(&self, error: OciDistributionError) -> Error {
        let whose = if self.auth == RegistryAuth::Anonymous {
            "asks for credentials: `docker login` or `podman login` keeps some, and packages.registry_auth names their file"
        } else {
            "does not accept the credentials"
        };
        let why = match error {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::ServerError { code: 401 | 403, .. } => {
                format!("the registry {whose}")
            }
            OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ServerError { code: 404, .. } => {
                "the registry does not have it".to_owned()
            }
            OciDistributionError::RegistryError { envelope, .. } => {
                let code =
                    envelope.errors.first().map(|it| format!("{:?}", it.code)).unwrap_or_default();
                match code.as_str() {
                    "Unauthorized" | "Denied" => format!("the registry {whose}"),
                    "NameUnknown" | "ManifestUnknown" | "NotFound" => {
                        "the registry does not have it".to_owned()
                    }
                    _ => envelope.to_string(),
                }
            }
            // The address of a request may carry what the registry keeps of it.
            OciDistributionError::RequestError(error) => chain(&error.without_url()).to_string(),
            other => chain(&other).to_string(),
        };
        self.misbehaves(why)
    }

    fn slow(&self) -> Error {
        self.misbehaves(format!("no whole answer came in {} seconds", DOCUMENT_TIMEOUT.as_secs()))
    }

    pub(super) fn misbehaves(&self, why: String) -> Error {
        Error::Registry { from: format!("oci://{}", self.reference), why }
    }
}

/// Tells whether a registry is on this machine.
fn is_loopback(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registries_of_this_machine_are_spoken_to_in_the_open() {
        for registry in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"]
        {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in
            ["localhost.example.org", "10.0.0.1:5000", "r.example.org", "127.0.0.1.nip.io:80"]
        {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
