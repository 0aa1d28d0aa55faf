//! Pushing an image: its blobs, streamed from the archive, then its manifest under a tag.

use super::Session;
use crate::digest::Blob;
use crate::layout::{Layout, Place};
use crate::problem::chain;
use factory_plugin_sdk::proto::ResourceIntent;
use factory_plugin_sdk::{Failure, Fault, Operation, Progress};
use futures_util::TryStreamExt;
use oci_client::Reference;
use oci_client::errors::OciDistributionError;
use reqwest::header::HeaderValue;
use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

const CHUNK_SIZE: usize = 256 * 1024;
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// How long a registry may take no byte, or think about the last one, before it counts as stuck.
const STALL_MAX: Duration = Duration::from_secs(300);

const MANIFEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether a manifest that was refused is surely not there.
enum Refusal {
    Sure(Failure),
    Unsure(Failure),
}

impl Session {
    /// Pushes an image; answers its identifier, `registry/repository@sha256:…`.
    ///
    /// # Errors
    /// If the registry can't be reached or refuses, or the operation is cancelled.
    pub async fn push(
        &self,
        reference: &Reference,
        layout: &Layout,
        operation: &Operation,
    ) -> Result<String, Failure> {
        let sent = Arc::new(AtomicU64::new(0));
        let blobs = async {
            for blob in &layout.blobs {
                self.push_blob(reference, layout, blob, &sent).await?;
            }
            Ok(())
        };
        let total = layout.blobs.iter().map(|blob| blob.size).sum();
        self.report_while(blobs, &sent, total, operation).await?;
        self.push_manifest(reference, layout, operation).await
    }

    async fn push_blob(
        &self,
        reference: &Reference,
        layout: &Layout,
        blob: &Blob,
        sent: &Arc<AtomicU64>,
    ) -> Result<(), Failure> {
        let failure = |error| self.asked.failure(error);
        let exists = self.client.blob_exists(reference, &blob.digest).await.map_err(failure)?;
        if exists || self.mount(reference, blob).await {
            sent.fetch_add(blob.size, Ordering::Relaxed);
            return Ok(());
        }
        let place = layout.place(blob).map_err(|error| unreadable(&error))?;
        let stream = stream(layout.path(), place, Arc::clone(sent)).await;
        let stream = stream.map_err(|error| unreadable(&error))?;
        let pushed =
            self.client.push_blob_stream(reference, stream, &blob.digest, Some(blob.size)).await;
        pushed.map(drop).map_err(failure)
    }

    /// Takes a blob from another repository of the registry, if one is named and has it.
    async fn mount(&self, reference: &Reference, blob: &Blob) -> bool {
        let Some(other) = &self.destination.mount_from else { return false };
        let registry = self.destination.registry.clone();
        let source = Reference::with_tag(registry, other.clone(), "latest".to_owned());
        self.client.mount_blob(reference, &source, &blob.digest).await.is_ok()
    }

    async fn push_manifest(
        &self,
        reference: &Reference,
        layout: &Layout,
        operation: &Operation,
    ) -> Result<String, Failure> {
        let digest = Blob::of(&layout.manifest).digest;
        let (registry, repository) = (reference.registry(), reference.repository());
        let identifier = format!("{registry}/{repository}@{digest}");
        let intent = ResourceIntent {
            intent_id: "manifest".to_owned(),
            kind: "image".to_owned(),
            description: format!("image {reference}"),
            locator_json: serde_json::json!({ "image": identifier }).to_string(),
            lasting: true,
        };
        let mut resource = operation.resource(intent).await?;
        match self.put_manifest(reference, layout).await {
            Ok(()) => resource.created(&identifier).await?,
            Err(Refusal::Sure(failure)) => {
                resource.deleted().await?;
                return Err(failure);
            }
            // It may be there: the intent stays open for who settles intents.
            Err(Refusal::Unsure(failure)) => return Err(failure),
        }
        Ok(identifier)
    }

    async fn put_manifest(&self, reference: &Reference, layout: &Layout) -> Result<(), Refusal> {
        let manifest_type = HeaderValue::from_static(MANIFEST_TYPE);
        let put = self.client.push_manifest_raw(reference, layout.manifest.clone(), manifest_type);
        match tokio::time::timeout(MANIFEST_TIMEOUT, put).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error @ OciDistributionError::ServerError { code: ..500, .. })) => {
                Err(Refusal::Sure(self.asked.failure(error)))
            }
            Ok(Err(error)) => Err(Refusal::Unsure(self.asked.failure(error))),
            Err(_) => Err(Refusal::Unsure(self.stalled(MANIFEST_TIMEOUT))),
        }
    }

    /// Reports progress until the work is done; gives up when nothing moves for a long time.
    async fn report_while(
        &self,
        work: impl Future<Output = Result<(), Failure>>,
        sent: &AtomicU64,
        total: u64,
        operation: &Operation,
    ) -> Result<(), Failure> {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(REPORT_INTERVAL);
        let mut moved = (0, Instant::now());
        loop {
            tokio::select! {
                done = &mut work => {
                    done?;
                    return operation.progress(progress(total, total)).await;
                }
                () = operation.cancellation().cancelled() => return Err(Failure::cancelled()),
                _ = ticks.tick() => {
                    let now = sent.load(Ordering::Relaxed);
                    if now != moved.0 {
                        moved = (now, Instant::now());
                    }
                    if moved.1.elapsed() > STALL_MAX {
                        return Err(self.stalled(STALL_MAX));
                    }
                    operation.progress(progress(now, total)).await?;
                }
            }
        }
    }

    fn stalled(&self, time: Duration) -> Failure {
        let (registry, seconds) = (&self.destination.registry, time.as_secs());
        let message = format!("registry {registry} has not moved for {seconds} seconds");
        Failure::new(Fault::Transient, "REGISTRY_STALLED", message).retryable()
    }
}

fn progress(sent: u64, total: u64) -> Progress {
    let percent = if total == 0 { 98.0 } else { 98.0 * sent as f64 / total as f64 };
    Progress::phase("push image").percent(percent).amount(sent, total, "bytes")
}

async fn stream(
    path: &Path,
    place: Place,
    sent: Arc<AtomicU64>,
) -> std::io::Result<
    impl futures_util::Stream<Item = Result<tokio_util::bytes::Bytes, OciDistributionError>>
    + Send
    + 'static,
> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(place.offset)).await?;
    let chunks = ReaderStream::with_capacity(file.take(place.size), CHUNK_SIZE);
    let counted = chunks.inspect_ok(move |chunk| {
        sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    Ok(counted.map_err(OciDistributionError::IoError))
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::new(Fault::Host, "IMAGE_UNREADABLE", chain(error))
        .hint("the target image is damaged: build it again")
}
