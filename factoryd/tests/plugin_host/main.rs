//! The plugin host against real processes: our plugins, a Go plugin, and programs that are no plugins at all.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod confined;
mod go;
mod hostile;
mod launch;
mod mock;
mod programs;
mod sdks;
mod support;
