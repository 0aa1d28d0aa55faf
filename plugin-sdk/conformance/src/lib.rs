//! Proves a plugin of the image factory right or wrong, whatever language it is written in.
//!
//! The kit starts an executable as a factory does, and asks of it what the protocol asks: the comments of
//! `proto/factory/plugin/v1/*.proto` are the protocol, and every [`Case`] quotes the sentence that it checks. It is a reading
//! of the protocol of its own: it shares the messages with the host and the SDKs, and no code.
//!
//! On the command line it is `factory plugin check PATH`; in a plugin's own tests:
//!
//! ```no_run
//! # #[tokio::main] async fn main() {
//! factory_plugin_conformance::assert_conforms("target/debug/my-plugin", "conformance.json").await;
//! # }
//! ```
//!
//! What an operation needs to be quick and harmless stands in a [`Sample`]; without one, nothing is built or pushed, and the
//! cases that need it are not applicable.

mod artifact;
mod bench;
mod call;
mod canary;
mod case;
pub mod cases;
mod client;
mod method;
mod need;
mod place;
mod process;
mod protocol;
mod reader;
mod report;
mod request;
mod runner;
mod sample;
mod session;
mod spy;
mod subject;
mod trace;
mod whole;
mod wire;

pub use bench::Bench;
pub use case::{Case, Run, Stop, Verdict};
pub use factory_proto::plugin_v1::PluginKind;
pub use method::Method;
pub use need::Need;
pub use protocol::{File, Rule};
pub use report::{Counts, Found, Outcome, Report};
pub use runner::{Options, PATIENCE, check};
pub use sample::{Error as SampleError, FileSample, Sample, TemplateSample};
pub use subject::Subject;

use std::path::Path;

/// Checks a plugin with a sample of its operations, for `cargo test`. Prints what was not applicable.
///
/// # Panics
/// If the plugin breaks a rule, with the whole report; or if the sample can't be read.
pub async fn assert_conforms(executable: impl AsRef<Path>, sample: impl AsRef<Path>) {
    let sample = match Sample::read(sample.as_ref()) {
        Ok(sample) => Some(sample),
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    };
    let options = Options {
        executable: executable.as_ref().to_owned(),
        kind: None,
        filters: Vec::new(),
        sample,
        patience: PATIENCE * 2,
    };
    let report = check(options).await;
    assert!(report.is_good(), "{}", report.text(false));
    println!("{}", report.text(false));
}
