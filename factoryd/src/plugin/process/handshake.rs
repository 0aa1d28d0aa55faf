//! Finds the handshake line among what a plugin prints first.

use crate::plugin::lines::Lines;
use factory_proto::handshake::{self, Handshake};
use std::time::Duration;
use tokio::io::AsyncRead;

/// How many lines a plugin may print before the handshake.
const NOISE_LINES_MAX: usize = 50;

/// Why there is no handshake.
#[derive(Debug, thiserror::Error)]
pub(in crate::plugin) enum HandshakeError {
    /// It did not come in time.
    #[error("no handshake came on its standard output within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// Standard output ended first.
    #[error("its standard output ended before the handshake")]
    Ended,
    /// Too much else was printed.
    #[error("it printed {NOISE_LINES_MAX} lines and no handshake, such as `{0}`")]
    Noise(String),
    /// It is none that can be used.
    #[error("its handshake `{line}` can't be used")]
    Unusable {
        /// The line.
        line: String,
        /// Why.
        #[source]
        source: handshake::Error,
    },
}

/// Reads up to the handshake line. Lines before it are logged.
pub(in crate::plugin) async fn read<R: AsyncRead + Unpin>(
    plugin: &str,
    lines: &mut Lines<R>,
    timeout: Duration,
) -> Result<Handshake, HandshakeError> {
    let found = tokio::time::timeout(timeout, find(plugin, lines));
    let line = found.await.map_err(|_| HandshakeError::Timeout(timeout))??;
    Handshake::parse(&line)
        .map_err(|source| HandshakeError::Unusable { line: excerpt(&line), source })
}

async fn find<R: AsyncRead + Unpin>(
    plugin: &str,
    lines: &mut Lines<R>,
) -> Result<String, HandshakeError> {
    for left in (0..=NOISE_LINES_MAX).rev() {
        let line = lines.next().await.ok_or(HandshakeError::Ended)?.text;
        if Handshake::looks_like(&line) {
            return Ok(line);
        }
        if left == 0 {
            return Err(HandshakeError::Noise(excerpt(&line)));
        }
        tracing::warn!(plugin, line = excerpt(&line), "printed before the handshake");
    }
    Err(HandshakeError::Ended)
}

fn excerpt(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn handshake(text: &str) -> Result<Handshake, HandshakeError> {
        read("x", &mut Lines::new(text.as_bytes()), Duration::from_secs(60)).await
    }

    #[tokio::test]
    async fn some_noise_before_the_handshake_is_skipped() {
        let text = format!("{}1|1|unix|/s|grpc|\n", "hello\n".repeat(NOISE_LINES_MAX));
        assert!(handshake(&text).await.is_ok());
    }

    #[tokio::test]
    async fn endless_noise_is_refused_and_quoted() {
        let error = handshake(&"hello\n".repeat(1000)).await.unwrap_err();
        assert_eq!(error.to_string(), "it printed 50 lines and no handshake, such as `hello`");
    }

    #[tokio::test]
    async fn a_handshake_of_another_protocol_is_refused_by_what_it_says() {
        let error = handshake("1|9|unix|/s|grpc|\n").await.unwrap_err();
        assert!(matches!(error, HandshakeError::Unusable { source: handshake::Error::App(_), .. }));
        assert!(matches!(handshake("hello").await, Err(HandshakeError::Ended)));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_with_the_timeout() {
        let (_open, silent) = tokio::io::duplex(1);
        let error = read("x", &mut Lines::new(silent), Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(error.to_string(), "no handshake came on its standard output within 60 s");
    }
}
