//! The ICICLE: the packages of an image as Oz writes them.

use factory_plugin_sdk::proto::InstalledPackage;
use quick_xml::escape::escape;
use std::fmt::Write;

/// Why the output of the extra command can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the extra command printed {lines} lines for {packages} packages")]
pub(crate) struct Mismatch {
    /// How many lines it printed.
    pub(crate) lines: usize,
    /// How many packages there are.
    pub(crate) packages: usize,
}

/// Adds one line of output to each package, in order.
///
/// # Errors
/// If there are not as many lines as packages.
pub(crate) fn add_extra(packages: &mut [InstalledPackage], output: &str) -> Result<(), Mismatch> {
    let lines: Vec<_> = output.lines().collect();
    if lines.len() != packages.len() {
        return Err(Mismatch { lines: lines.len(), packages: packages.len() });
    }
    for (package, line) in packages.iter_mut().zip(lines) {
        package.extra = line.to_owned();
    }
    Ok(())
}

/// Writes the document.
pub(crate) fn render(description: &str, packages: &[InstalledPackage]) -> String {
    let mut xml = String::from("<icicle>\n");
    if !description.is_empty() {
        let _ = writeln!(xml, "  <description>{}</description>", escape(description));
    }
    xml += "  <packages>\n";
    for package in packages {
        let name = escape(&package.name);
        let _ = match package.extra.as_str() {
            "" => writeln!(xml, "    <package name=\"{name}\"/>"),
            extra => writeln!(
                xml,
                "    <package name=\"{name}\">\n      <extra>{}</extra>\n    </package>",
                escape(extra)
            ),
        };
    }
    xml + "  </packages>\n</icicle>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages() -> Vec<InstalledPackage> {
        let package = |name: &str| InstalledPackage { name: name.into(), ..Default::default() };
        vec![package("bash"), package("g++")]
    }

    #[test]
    fn a_document_names_every_package() {
        let xml = render("a <small> image", &packages());
        let expected = "<icicle>\n  <description>a &lt;small&gt; image</description>\n  <packages>\n    \
            <package name=\"bash\"/>\n    <package name=\"g++\"/>\n  </packages>\n</icicle>\n";
        assert_eq!(xml, expected);
    }

    #[test]
    fn extra_output_goes_to_its_package() {
        let mut packages = packages();
        add_extra(&mut packages, "5.2\n4:12 & more\n").unwrap();
        let xml = render("", &packages);
        assert!(xml.contains("<extra>5.2</extra>"), "{xml}");
        assert!(xml.contains("<extra>4:12 &amp; more</extra>"), "{xml}");
    }

    #[test]
    fn another_number_of_lines_is_refused() {
        let error = add_extra(&mut packages(), "one line\n").unwrap_err();
        assert_eq!(error.to_string(), "the extra command printed 1 lines for 2 packages");
    }
}
