//! Templates for tests.

use std::fmt::Write;

/// A template under construction.
#[derive(Debug, Clone)]
pub(crate) struct Tdl {
    name: String,
    os: (String, String),
    install: String,
    os_sections: String,
    sections: String,
}

impl Tdl {
    /// A template of the mock OS plugin.
    pub(crate) fn mock(name: &str) -> Self {
        Self::new(name, ("MockOS_A", "1"), "http://example.org/mock")
    }

    /// A template of Debian 12, installed from where this machine gets its own packages.
    pub(crate) fn debian(name: &str) -> Self {
        Self::new(name, ("Debian", "12"), "apt:host")
    }

    fn new(name: &str, (os, version): (&str, &str), install: &str) -> Self {
        Self {
            name: name.to_owned(),
            os: (os.to_owned(), version.to_owned()),
            install: install.to_owned(),
            os_sections: String::new(),
            sections: String::new(),
        }
    }

    /// Asks for another operating system.
    pub(crate) fn os(mut self, name: &str, version: &str) -> Self {
        self.os = (name.to_owned(), version.to_owned());
        self
    }

    /// Installs from elsewhere.
    pub(crate) fn install(mut self, url: &str) -> Self {
        url.clone_into(&mut self.install);
        self
    }

    /// Sets root's password.
    pub(crate) fn root_password(mut self, password: &str) -> Self {
        let _ = write!(self.os_sections, "<rootpw>{password}</rootpw>");
        self
    }

    /// Sets the product key.
    pub(crate) fn product_key(mut self, key: &str) -> Self {
        let _ = write!(self.os_sections, "<key>{key}</key>");
        self
    }

    /// Adds to the kernel's command line.
    pub(crate) fn kernel_parameters(mut self, parameters: &str) -> Self {
        let _ = write!(self.os_sections, "<kernelparam>{parameters}</kernelparam>");
        self
    }

    /// Adds a section of the document as it is, such as `<packages>…</packages>`.
    pub(crate) fn section(mut self, xml: &str) -> Self {
        self.sections.push_str(xml);
        self
    }

    /// Sets the packages.
    pub(crate) fn packages(self, names: &[&str]) -> Self {
        let packages = names.iter().fold(String::new(), |mut xml, name| {
            let _ = write!(xml, "<package name='{name}'/>");
            xml
        });
        self.section(&format!("<packages>{packages}</packages>"))
    }

    /// Sets the disk's size, such as `2 GiB`.
    pub(crate) fn disk(self, size: &str) -> Self {
        self.section(&format!("<disk><size>{size}</size></disk>"))
    }

    /// Returns the document.
    pub(crate) fn xml(&self) -> String {
        let Self { name, os: (os, version), install, os_sections, sections } = self;
        format!(
            "<template>\n<name>{name}</name>\n<os><name>{os}</name><version>{version}</version>\
             <arch>x86_64</arch><install type='url'><url>{install}</url></install>{os_sections}</os>\n\
             {sections}\n</template>\n"
        )
    }
}
