//! Plugins as processes: found, launched, watched, asked and stopped.
//!
//! [`Host`] finds plugins ([`Options::directories`]) and answers who serves an operating system or a target. The first
//! call starts the plugin's process; later calls share it:
//!
//! ```text
//!            first call                 handshake, health, Describe
//!    idle ───────────────► starting ───────────────────────────────► running ──┐ operations
//!     ▲                        │                                      │   ▲────┘
//!     │                        ▼ it does not start, or ends by itself ▼
//!     └── time goes by ─── backoff ◄──────────────────────────────────┘
//! ```
//!
//! A process that is stopped on purpose goes from running to idle. `invalid` is a plugin that has no usable `.info`
//! file or no executable; it is listed with the reason.
//!
//! **Invariant:** nothing outside this module knows that plugins are processes or that they speak gRPC; what it offers
//! are the ports of [`delegate`](crate::delegate).

mod admission;
mod backoff;
mod channel;
mod cloud;
mod confinement;
mod convert;
mod discovery;
mod failure;
mod hidden;
mod host;
mod inspection;
mod instance;
mod lines;
mod lock;
mod log;
mod operation;
mod options;
mod os;
mod packaged;
mod packages;
mod pins;
mod process;
mod reattach;
mod reconciler;
mod runtime;
mod solo;
mod status;
mod supervisor;
mod tls;
mod validate;
mod workspace;

pub use host::{Error, Host, Late};
pub use options::{Options, Timing};
pub use packages::{Pinned, Pins};
pub use pins::{Options as PinOptions, Origin, Trust};
pub use reattach::{AttachError, ReattachSource};
pub use solo::Solo;
pub use status::{Acceptance, PluginStatus, Standing, State};
