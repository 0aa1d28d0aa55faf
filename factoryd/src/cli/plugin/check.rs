//! `factory plugin check`: proves a plugin right or wrong, by the conformance kit.

use crate::cli::arguments::{CheckArguments, KindArgument};
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::daemon;
use factory_plugin_conformance::{
    Options, PATIENCE, PluginKind, Report, Sample, SampleError, check as judge,
};
use std::error::Error as _;

/// Runs the cases and prints what they found; fails if a rule is broken.
pub(super) fn check(arguments: &CheckArguments) -> Result<Exit, Error> {
    let options = options(arguments)?;
    let report = daemon::block_on(async { Ok::<_, Error>(judge(options).await) })
        .map_err(|source| Error::System { what: "can't start threads", source })??;
    write_junit(arguments, &report)?;
    match arguments.json {
        true => print(&format!("{:#}\n", report.json()))?,
        false => print(&report.text(arguments.verbose))?,
    }
    Ok(if report.is_good() { Exit::Done } else { Exit::Failed })
}

fn options(arguments: &CheckArguments) -> Result<Options, Error> {
    let executable = arguments.plugin.clone();
    let failed = |why: String| Error::Plugin { path: executable.clone(), why };
    if !executable.is_file() {
        return Err(failed("there is no such file".to_owned()));
    }
    let unreadable = |error: SampleError| match error.source() {
        Some(cause) => failed(format!("{error}: {cause}")),
        None => failed(error.to_string()),
    };
    let sample = match &arguments.request {
        Some(path) => Some(Sample::read(path).map_err(unreadable)?),
        None => Options::new(&executable).map_err(unreadable)?.sample,
    };
    let kind = arguments.kind.map(|kind| match kind {
        KindArgument::Os => PluginKind::Os,
        KindArgument::Cloud => PluginKind::Cloud,
    });
    let filters = arguments.filters.clone();
    Ok(Options { executable, kind, filters, sample, patience: PATIENCE })
}

fn write_junit(arguments: &CheckArguments, report: &Report) -> Result<(), Error> {
    let Some(path) = &arguments.junit else { return Ok(()) };
    std::fs::write(path, report.junit())
        .map_err(|source| Error::System { what: "can't write the report", source })
}
