//! The file of an image, streamed.

use super::problem::Problem;
use super::range::{Part, Version, wanted};
use super::{Answer, Api, Head};
use crate::domain::{Artifact, ImageId};
use crate::factory::Error;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use std::io;
use std::time::SystemTime;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

/// How much of a file is in memory at once for each client, in bytes.
const CHUNK: usize = 256 * 1024;

impl Api {
    /// Sends the first file of an image, whatever its kind and status.
    pub(super) async fn raw_image(&self, head: &Head, id: &str) -> Answer {
        let missing = || Problem::not_found("image", id);
        let id = ImageId::parse(id).map_err(|_| missing())?;
        let image = match self.factory.image(&id).await {
            Ok(image) => image,
            Err(Error::NotFound(_)) => return Err(missing()),
            Err(error) => return Err(Problem::of(&error)),
        };
        let artifact = image.artifacts.first().ok_or_else(missing)?;
        match send(&head.headers, &id, artifact).await {
            Ok(response) => Ok(response),
            // Deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
            Err(error) => {
                tracing::error!(path = %artifact.path.display(), %error, "a file can't be sent");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Err(Problem::new(status, "STORE", "the file of the image can't be read"))
            }
        }
    }
}

async fn send(headers: &HeaderMap, id: &ImageId, artifact: &Artifact) -> io::Result<Response> {
    let file = File::open(&artifact.path).await?;
    let metadata = file.metadata().await?;
    let len = metadata.len();
    // The digest of what never changes is the best name for it.
    let tag = format!("\"{}\"", artifact.sha256);
    let version = Version { tag, modified: metadata.modified()? };
    let (status, range) = match wanted(headers, len, &version) {
        Part::Unchanged => (StatusCode::NOT_MODIFIED, None),
        Part::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, None),
        Part::Whole => (StatusCode::OK, Some((0, len))),
        Part::Bytes { first, last } => {
            (StatusCode::PARTIAL_CONTENT, Some((first, last - first + 1)))
        }
    };
    let body = match range {
        Some((first, count)) => stream(file, first, count).await?,
        None => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    describe(response.headers_mut(), id, &version);
    match (status, range) {
        (StatusCode::RANGE_NOT_SATISFIABLE, _) => {
            put(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{len}"));
        }
        (StatusCode::PARTIAL_CONTENT, Some((first, count))) => {
            let range = format!("bytes {first}-{}/{len}", first + count - 1);
            put(response.headers_mut(), header::CONTENT_RANGE, range);
        }
        _ => {}
    }
    if let Some((_, count)) = range {
        put(response.headers_mut(), header::CONTENT_LENGTH, count.to_string());
    }
    Ok(response)
}

async fn stream(mut file: File, first: u64, count: u64) -> io::Result<Body> {
    file.seek(SeekFrom::Start(first)).await?;
    Ok(Body::from_stream(ReaderStream::with_capacity(file.take(count), CHUNK)))
}

fn describe(headers: &mut HeaderMap, id: &ImageId, version: &Version) {
    put(headers, header::CONTENT_TYPE, "application/octet-stream".to_owned());
    put(headers, header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.body\""));
    put(headers, header::ACCEPT_RANGES, "bytes".to_owned());
    put(headers, header::ETAG, version.tag.clone());
    put(headers, header::LAST_MODIFIED, date(version.modified));
}

fn date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
