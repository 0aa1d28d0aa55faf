//! The template that an imported disk is recorded with: says what is in it, and can't be used to install it again.

use super::OperatingSystem;
use prost_types::Timestamp;
use quick_xml::escape::escape;
use std::time::SystemTime;

/// What templates can say of an architecture.
pub const ARCHITECTURES: [&str; 7] =
    ["i386", "x86_64", "ppc64", "ppc64le", "aarch64", "armv7l", "s390x"];

/// Image Factory's own address for what was never installed from anywhere.
const NO_ADDRESS: &str = "http://foo.com/imported/image/do/not/use/url";

/// Writes the template of a disk that is imported `now`.
pub fn synthesised(os: &OperatingSystem, now: SystemTime) -> String {
    let time = Timestamp { nanos: 0, ..Timestamp::from(now) }.to_string();
    let time = time.trim_end_matches('Z').replace('T', "--");
    let OperatingSystem { name, version, arch } = os;
    let title = format!("{name}-{version}-import-{time}");
    format!(
        "\
<template>
  <name>{title}</name>
  <os>
    <name>{name}</name>
    <version>{version}</version>
    <arch>{arch}</arch>
    <install type='url'>
      <url>{NO_ADDRESS}</url>
    </install>
  </os>
  <description>image imported on {time}</description>
</template>
",
        title = escape(&title),
        name = escape(name),
        version = escape(version),
        arch = escape(arch),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_name_has_the_form_that_image_factory_gave_it() {
        let (name, version, arch) = ("A & B".to_owned(), "1".to_owned(), "s390x".to_owned());
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let xml = synthesised(&OperatingSystem { name, version, arch }, now);
        assert!(xml.contains("<name>A &amp; B-1-import-2023-11-14--22:13:20</name>"), "{xml}");
    }
}
