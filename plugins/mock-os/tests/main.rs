//! The mock OS plugin; and, because it is a real process that uses all of the SDK, the SDK's launch, tools and end.

mod end;
mod hostile;
mod launch;
mod plugin;
mod start;
mod support;
mod tls;
mod tools;
