//! Bodies as they arrive: how much memory all of them may take together, and how slow a client may be.
//!
//! Small bodies are received at once; their number is bounded by that of the connections. A larger one waits for room
//! before a byte of it is read, so that clients are slowed down by their own network buffers, in the order in which they
//! came. The room is given back when what was made of the body is gone.

use super::problem::Problem;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The largest body, in bytes.
const LEN_MAX: usize = 16 * 1024 * 1024;
/// A body of so many bytes needs no room.
const SMALL_LEN: usize = 64 * 1024;
/// The room for larger ones, in bytes of bodies.
const ROOM_LEN: usize = 64 * 1024 * 1024;
/// How long a body waits for room before its client is told to come again.
const ROOM_DEADLINE: Duration = Duration::from_secs(10);
/// When a client that was told so may come again, in seconds.
const RETRY_AFTER_SECONDS: u32 = 10;
/// How long a body may take that says nothing.
const GRACE: Duration = Duration::from_secs(10);
/// How many bytes earn another second.
const BYTES_PER_SECOND_MIN: usize = 64 * 1024;

/// Receives bodies. Clones share their room.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    room: Arc<Semaphore>,
}

/// Room that a body takes. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
}

/// A body that is there as a whole.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    /// To be kept for as long as anything made of the body.
    pub(super) room: Option<Room>,
}

impl Received {
    /// Makes a body of it again, which keeps the room until it is gone.
    pub(super) fn into_body(self) -> Body {
        let Self { bytes, room } = self;
        Body::new(Kept { body: Full::new(bytes), _room: room })
    }
}

/// A body that was received, and its room.
struct Kept {
    body: Full<Bytes>,
    _room: Option<Room>,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(ROOM_LEN)) }
    }
}

impl Receiver {
    /// Receives a body.
    ///
    /// # Errors
    /// If it is compressed or too large, comes too slowly or breaks off, or if there is no room for it for too long.
    pub(super) async fn receive(
        &self,
        headers: &HeaderMap,
        mut body: Body,
    ) -> Result<Received, Problem> {
        refuse_compressed(headers)?;
        let announced = body.size_hint();
        // What is too large by its own account is not waited for.
        if announced.lower() > LEN_MAX as u64 {
            return Err(too_large());
        }
        let len = usize::try_from(announced.lower()).unwrap_or(LEN_MAX);
        let mut room = if SMALL_LEN < len { Some(self.room(len).await?) } else { None };
        let mut bytes = Vec::with_capacity(len);
        let mut started = Instant::now();
        while let Some(chunk) = chunk(&mut body, started + patience(bytes.len())).await? {
            let len = bytes.len() + chunk.len();
            if LEN_MAX < len {
                return Err(too_large());
            }
            if SMALL_LEN < len && room.is_none() {
                let before = Instant::now();
                room = Some(self.room(LEN_MAX).await?);
                started += before.elapsed();
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Received { bytes: bytes.into(), room })
    }

    async fn room(&self, len: usize) -> Result<Room, Problem> {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let permit = self.room.clone().acquire_many_owned(len);
        match tokio::time::timeout(ROOM_DEADLINE, permit).await {
            Ok(Ok(permit)) => Ok(Room { _permit: permit }),
            _ => Err(Problem::busy("too many large requests at once", RETRY_AFTER_SECONDS)),
        }
    }
}

/// How long a body may take that has come so far: this is its deadline and the least rate in one.
fn patience(len: usize) -> Duration {
    GRACE + Duration::from_secs((len / BYTES_PER_SECOND_MIN) as u64)
}

/// Answers the next bytes, or nothing at the end.
async fn chunk(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, Problem> {
    match tokio::time::timeout_at(deadline, body.frame()).await {
        Ok(None) => Ok(None),
        // What is no data is trailers, of which none are known.
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        Ok(Some(Err(error))) => Err(Problem::malformed(format!("the body can't be read: {error}"))),
        Err(_) => {
            let message = format!(
                "the body came too slowly: it has {} s, and one more for each {BYTES_PER_SECOND_MIN} bytes",
                GRACE.as_secs()
            );
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "TOO_SLOW", message))
        }
    }
}

fn refuse_compressed(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity") {
        return Ok(());
    }
    let message = "compressed requests are unsupported";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message))
}

fn too_large() -> Problem {
    let message = format!("the body is larger than {LEN_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::problem::Wanted;
    use futures_util::{Stream, StreamExt, stream};

    const SECOND: Duration = Duration::from_secs(1);

    fn streamed(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Body {
        Body::from_stream(chunks.map(Ok::<_, Infallible>))
    }

    /// A chunk of `len` bytes each second, without end.
    fn dripping(len: usize) -> Body {
        let chunk = Bytes::from(vec![b'x'; len]);
        streamed(stream::repeat(chunk).then(async |chunk| {
            tokio::time::sleep(SECOND).await;
            chunk
        }))
    }

    async fn status(receiver: &Receiver, body: Body) -> StatusCode {
        match receiver.receive(&HeaderMap::new(), body).await {
            Ok(_) => StatusCode::OK,
            Err(problem) => problem.into_response(Wanted::Text).status(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_not_waited_for_for_ever() {
        let started = Instant::now();
        let body = streamed(stream::pending());
        assert_eq!(status(&Receiver::default(), body).await, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(started.elapsed().as_secs(), GRACE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_and_a_slow_one_is_not() {
        let receiver = Receiver::default();
        assert_eq!(status(&receiver, dripping(10)).await, StatusCode::REQUEST_TIMEOUT);
        let slow = dripping(BYTES_PER_SECOND_MIN + 1000).into_data_stream().take(60);
        let slow = streamed(slow.map(|chunk| chunk.unwrap_or_default()));
        assert_eq!(status(&receiver, slow).await, StatusCode::OK);
        assert_eq!(receiver.room.available_permits(), ROOM_LEN);
    }

    #[tokio::test]
    async fn a_body_without_a_known_length_has_a_limit_too() {
        let endless = streamed(stream::repeat(Bytes::from(vec![b'x'; 1024 * 1024])));
        assert_eq!(status(&Receiver::default(), endless).await, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_was_received_can_be_received_again_and_keeps_its_room_until_then() {
        let [first, second] = [Receiver::default(), Receiver::default()];
        let text = Bytes::from(vec![b'x'; SMALL_LEN + 1]);
        let received = first.receive(&HeaderMap::new(), text.clone().into()).await.unwrap();
        let again = received.into_body();
        assert_eq!(first.room.available_permits(), ROOM_LEN - text.len());
        let again = second.receive(&HeaderMap::new(), again).await.unwrap();
        assert_eq!((again.bytes.len(), first.room.available_permits()), (text.len(), ROOM_LEN));
        assert_eq!(second.room.available_permits(), ROOM_LEN - text.len());
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_is_told_when_to_come_again() {
        let receiver = Receiver::default();
        let large = || Body::from(vec![b'x'; LEN_MAX]);
        let mut held = Vec::new();
        for _ in 0..ROOM_LEN / LEN_MAX {
            held.push(receiver.receive(&HeaderMap::new(), large()).await.unwrap());
        }
        let problem = receiver.receive(&HeaderMap::new(), large()).await.unwrap_err();
        let response = problem.into_response(Wanted::Text);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "10");
        assert_eq!(status(&receiver, Body::from(vec![b'x'; SMALL_LEN])).await, StatusCode::OK);
        held.pop();
        assert_eq!(status(&receiver, large()).await, StatusCode::OK);
    }
}
