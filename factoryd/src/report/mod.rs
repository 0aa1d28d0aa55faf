//! How errors read: a chain of causes on one line, a place in a text with the line itself and a caret, a value in
//! quotes, and the name that was probably meant.

mod chain;
mod lines;
mod quote;
mod snippet;
mod spelling;

pub use chain::{Chain, chain};
pub use lines::{Lines, Place};
pub use quote::{choice, quote};
pub use snippet::Snippet;
pub use spelling::closest;
