//! Why something can't be imported.

use super::DiskFormat;
use std::io;
use std::path::PathBuf;

/// Why a disk can't be looked into, or a store can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no disk image, or one that can't be used.
    #[error("{} is no disk image that can be used: {why}", path.display())]
    NotUsable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// It refers to another file, which could be any of this machine.
    #[error(
        "{} refers to another file ({what}); make it whole first: qemu-img convert -O qcow2 FILE WHOLE", path.display()
    )]
    RefersElsewhere {
        /// The file.
        path: PathBuf,
        /// How.
        what: &'static str,
    },
    /// A tool is not installed.
    #[error("{program} is not installed; on Debian it is in the package {package}")]
    NoTool {
        /// The tool.
        program: &'static str,
        /// Where it is.
        package: &'static str,
    },
    /// A tool failed.
    #[error("{program} failed: {message}")]
    Tool {
        /// The tool.
        program: &'static str,
        /// Its last words.
        message: String,
    },
    /// A tool can't be run.
    #[error("can't run {program}")]
    Run {
        /// The tool.
        program: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A tool did not end in time.
    #[error(
        "{program} did not end within {seconds} s; the image may be damaged, or made to do that"
    )]
    Late {
        /// The tool.
        program: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// No operating system was found.
    #[error(
        "no operating system was found in the {format} disk ({looked}); say what it is: --os NAME --os-version VERSION --arch ARCH"
    )]
    Unidentified {
        /// The disk's format.
        format: DiskFormat,
        /// Where it was looked for.
        looked: String,
    },
    /// There is more than one.
    #[error(
        "the disk holds more than one operating system ({found}); say which counts: --os NAME --os-version VERSION --arch ARCH"
    )]
    Several {
        /// Which.
        found: String,
    },
    /// What it runs on can't be told, or templates have no word for it.
    #[error("the architecture of {os} can't be told ({why}); say what it is: --arch ARCH")]
    Architecture {
        /// The operating system.
        os: String,
        /// What was found.
        why: String,
    },
}
