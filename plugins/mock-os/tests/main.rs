//! The mock OS plugin; and, because it is a real process that uses all of the SDK, the SDK's launch, tools and end.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod end;
mod hostile;
mod launch;
mod plugin;
mod start;
mod support;
mod tls;
mod tools;
