//! The factory that started the plugin: what it says on standard input, and when it wants the plugin to end.

use super::log;
use factory_proto::handshake::Bootstrap;
use std::io::{self, BufRead, Read};
use std::thread;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Why the plugin ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The factory asked for it.
    Shutdown,
    /// SIGTERM, or ^C of the person that started it.
    Terminated,
    /// The factory is gone.
    HostGone,
}

/// Watches the factory that started the plugin.
#[derive(Debug)]
pub(super) struct Host {
    shutdown: CancellationToken,
    gone: CancellationToken,
    terminate: Signal,
    /// A terminal's ^C is for the factory, which then ends its plugins in order; unless a person started the plugin.
    interrupt: Signal,
    /// Whether a person started the plugin.
    is_nobody: bool,
}

impl Host {
    /// Starts to watch signals and standard input.
    ///
    /// # Errors
    /// If signals can't be caught, or the thread can't be started.
    pub(super) fn watch() -> io::Result<Self> {
        let gone = CancellationToken::new();
        let watched = gone.clone();
        thread::Builder::new().name("stdin".into()).spawn(move || {
            if outlived_by_us(&mut io::stdin().lock()) {
                watched.cancel();
            }
        })?;
        Ok(Self { gone, is_nobody: false, ..Self::nobody()? })
    }

    /// Watches signals alone: no factory started the plugin, and none can end it.
    ///
    /// # Errors
    /// If signals can't be caught.
    pub(super) fn nobody() -> io::Result<Self> {
        Ok(Self {
            shutdown: CancellationToken::new(),
            gone: CancellationToken::new(),
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            is_nobody: true,
        })
    }

    /// Returns the token by which the factory asks the plugin to end.
    pub(super) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Waits until there is a reason to end.
    pub(super) async fn end(mut self) -> End {
        tokio::select! {
            () = self.shutdown.cancelled(), if !self.is_nobody => End::Shutdown,
            () = self.gone.cancelled() => End::HostGone,
            _ = self.terminate.recv() => End::Terminated,
            _ = self.interrupt.recv(), if self.is_nobody => End::Terminated,
        }
    }
}

/// Reads the bootstrap document, waits for the end of the stream, and returns whether that means that the factory is gone. It
/// does not if nothing was ever written: then the stream is `/dev/null`, or of a factory that does not use it.
fn outlived_by_us(stdin: &mut impl BufRead) -> bool {
    let mut line = String::new();
    let Ok(1..) = stdin.read_line(&mut line) else { return false };
    match serde_json::from_str::<Bootstrap>(&line) {
        Ok(bootstrap) => log::set_level(&bootstrap.log_level),
        Err(error) => {
            tracing::warn!(%error, "standard input does not start with a bootstrap document");
        }
    }
    // What else comes is for later versions.
    let _ = io::copy(&mut stdin.take(u64::MAX), &mut io::sink());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_after_a_bootstrap_document_means_that_the_factory_is_gone() {
        let document = r#"{"schema_version":1,"instance_id":"i","runtime_dir":"/r","log_level":"info","host_capabilities":[]}"#;
        assert!(outlived_by_us(&mut format!("{document}\nmore\n").as_bytes()));
    }

    #[test]
    fn an_end_without_a_line_means_that_nobody_uses_standard_input() {
        assert!(!outlived_by_us(&mut io::empty()));
    }
}
