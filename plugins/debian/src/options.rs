//! The plugin's parameters.

use factory_plugin_sdk::{Failure, Fault, Parameters, Template};
use serde_json::{Value, json};

const VARIANTS: &[&str] = &["minbase", "important", "standard"];

/// The parameters of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// The kernel's package; the release's own for virtual machines if absent.
    pub(crate) kernel_package: Option<String>,
    /// The host name.
    pub(crate) hostname: String,
    /// Which packages the installation starts with, as mmdebstrap names it.
    pub(crate) variant: String,
    /// The time of everything in the image, in seconds since 1970; the archive's own date if absent.
    pub(crate) source_date_epoch: Option<u64>,
    /// How many bytes of memory the unpacked image may take; what the host can spare if absent.
    pub(crate) memory_limit: Option<u64>,
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// If one has another type or value than it may.
    pub(crate) fn read(parameters: &Parameters, template: &Template) -> Result<Self, Failure> {
        let hostname = match parameters.text("hostname")? {
            Some(name) if is_hostname(&name) => name,
            Some(name) => return Err(invalid("hostname", &name, "letters, digits and hyphens")),
            None => hostname_from(&template.name),
        };
        let variant = parameters.text("variant")?.unwrap_or_else(|| VARIANTS[0].to_owned());
        if !VARIANTS.contains(&variant.as_str()) {
            return Err(invalid("variant", &variant, &VARIANTS.join(" or ")));
        }
        let kernel_package = parameters.text("kernel_package")?;
        if let Some(name) = kernel_package.as_ref().filter(|name| !is_package_name(name)) {
            return Err(invalid("kernel_package", name, "the name of a package"));
        }
        let source_date_epoch = parameters.number("source_date_epoch")?;
        let memory_limit = parameters.number("memory_limit")?;
        Ok(Self { kernel_package, hostname, variant, source_date_epoch, memory_limit })
    }

    /// Answers the JSON Schema of the parameters.
    pub(crate) fn schema() -> Value {
        let ignored = |why: &str| json!({"type": "boolean", "deprecated": true, "description": format!("Has no effect: {why}.")});
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "kernel_package": {
                    "type": "string",
                    "pattern": "^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]",
                    "description": "The kernel's package. For Debian linux-image-cloud-amd64 (virtual machines) if \
                        absent; linux-image-amd64 drives real hardware too."
                },
                "hostname": {
                    "type": "string",
                    "pattern": "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
                    "maxLength": 64,
                    "description": "The host name. Made from the template's name if absent."
                },
                "variant": {
                    "enum": VARIANTS,
                    "default": VARIANTS[0],
                    "description": "Which packages the installation starts with, by their priority in the archive."
                },
                "source_date_epoch": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "The time of everything in the image, in seconds since 1970. The archive's own \
                        date if absent, so that the same archive gives the same image."
                },
                "memory_limit": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "How many bytes of memory the unpacked image may take; 0 to unpack it in the \
                        store, which is slower. What the host can spare if absent."
                },
                "generate_icicle": ignored("the packages are always listed"),
                "offline_icicle": ignored("the packages are always listed without booting the image")
            }
        })
    }
}

/// Tells whether a text is a package's name, perhaps with an architecture, and a version or a release, as apt takes it.
pub(crate) fn is_package_name(text: &str) -> bool {
    let (name, rest) = text.split_at(text.find(['=', '/']).unwrap_or(text.len()));
    let name = name.strip_suffix(":amd64").or_else(|| name.strip_suffix(":all")).unwrap_or(name);
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    // apt removes a package whose name is followed by a hyphen.
    let named = starts && name.len() > 1 && name.chars().all(plain) && !name.ends_with('-');
    let version = |c: char| c.is_ascii_alphanumeric() || "+-.:~".contains(c);
    named && (rest.is_empty() || (rest.len() > 1 && rest[1..].chars().all(version)))
}

fn is_hostname(name: &str) -> bool {
    let label = |label: &str| {
        let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 64 && name.split('.').all(label)
}

fn hostname_from(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(plain).take(63).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "debian".to_owned() } else { text.to_owned() }
}

fn invalid(name: &str, value: &str, expected: &str) -> Failure {
    let message = format!("parameter {name} is {value:?}, but must be {expected}");
    Failure::new(Fault::User, "INVALID_PARAMETER", message).path(format!("parameters.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostname_is_made_from_any_template_name() {
        assert_eq!(hostname_from("Debian 12: web server"), "debian-12--web-server");
        assert_eq!(hostname_from("größe"), "gr--e");
        assert_eq!(hostname_from("…"), "debian");
        assert!(is_hostname(&hostname_from(&"long".repeat(40))));
    }

    #[test]
    fn package_names_are_those_that_apt_would_install() {
        for name in
            ["hello", "g++", "libc6:amd64", "nginx=1.22.1-9+deb12u1", "vim/bookworm-backports"]
        {
            assert!(is_package_name(name), "{name}");
        }
        for name in ["", "-y", "Hello", "vim-", "a b", "hello;id", "hello=", "~nhello", "a"] {
            assert!(!is_package_name(name), "{name}");
        }
    }

    #[test]
    fn hostnames_are_checked() {
        assert!(is_hostname("web-1.example.org"));
        for name in ["", "-a", "a-", "a_b", "a..b", "a b"] {
            assert!(!is_hostname(name), "{name}");
        }
    }
}
