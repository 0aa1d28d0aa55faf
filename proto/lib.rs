//! The contract between the image factory and its plugins.
//!
//! Everything two processes must agree on is here and nothing else is: the protobuf messages and services
//! ([`plugin_v1`], [`factory_v1`], [`goplugin`]), the `.info` file ([`info`]), the launch handshake ([`handshake`]) what
//! `PLUGIN describe` prints ([`description`]) and where a plugin is that runs already ([`reattach`]).
//!
//! **Invariant:** this crate does no I/O. The host and the SDK both depend on it and never on each other.

pub mod description;
pub mod handshake;
pub mod info;
pub mod reattach;
mod secret;

/// `factory.plugin.v1`: what a plugin serves. The `.proto` files are its manual.
#[expect(clippy::allow_attributes, reason = "generated")]
pub mod plugin_v1 {
    tonic::include_proto!("factory.plugin.v1");
}

/// `factory.v1`: what the factory itself serves.
#[expect(clippy::allow_attributes, reason = "generated")]
pub mod factory_v1 {
    tonic::include_proto!("factory.v1");
}

/// `plugin`: the services of the go-plugin wire.
#[expect(clippy::allow_attributes, reason = "generated")]
pub mod goplugin {
    tonic::include_proto!("plugin");
}

/// Every `.proto` file of this crate as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The largest gRPC message either side sends or accepts, in bytes.
pub const MESSAGE_SIZE_MAX: usize = 64 * 1024 * 1024;
