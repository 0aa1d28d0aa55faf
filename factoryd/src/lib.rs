//! The image factory as a library. `factoryd` and `factory` are thin programs around it.
//!
//! The modules, lowest first, and what each may import, are in `tests/layering.rs`; ARCHITECTURE.md tells the story.

pub mod access;
pub mod callbacks;
pub mod cli;
pub mod config;
pub mod confine;
pub mod daemon;
pub mod delegate;
pub mod distribution;
pub mod domain;
pub mod factory;
pub mod filesystem;
pub mod grpc;
pub mod import;
pub mod jobs;
pub mod manual;
pub mod outbound;
pub mod package;
pub mod pipeline;
pub mod plugin;
pub mod reap;
pub mod redact;
pub mod report;
pub mod rest;
pub mod sandbox;
pub mod schema;
pub mod seal;
pub mod secret_file;
pub mod secrets;
pub mod store;
pub mod tdl;
pub mod transport;
pub mod workbench;
