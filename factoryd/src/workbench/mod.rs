//! A workbench for who writes plugins: one plugin without a factory, called by hand, recorded, and played again.
//!
//! ```text
//!   factory ──--reattach──► Recorder ──────► plugin        every call is written down as lines of JSON
//!   factory ──--reattach──► Player ◄── those lines         the answers that were recorded, in their order
//! ```
//!
//! Messages are read by the contract's own description ([`factory_proto::DESCRIPTORS`]): there is no code per method.

mod call;
mod codec;
mod message;
mod player;
mod record;
mod recorder;
mod serve;
mod status;

pub use call::{Called, call};
pub use message::{Error as MessageError, Method};
pub use player::Player;
pub use record::{Error as RecordError, Line};
pub use recorder::Recorder;
pub use serve::{Error as ServeError, Served};
