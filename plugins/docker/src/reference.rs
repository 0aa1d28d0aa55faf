//! Names of images: `repository:tag`.

/// The name under which container tools know an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Such as `debian-12` or `registry.example.org:5000/team/debian-12`.
    pub repository: String,
    /// Such as `latest`.
    pub tag: String,
}

impl ImageName {
    /// Returns the name as it is written: `repository:tag`.
    pub fn short(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    /// Returns the name with its registry, as tools store it: `debian:latest` is `docker.io/library/debian:latest`.
    pub fn full(&self) -> String {
        let registry = match self.repository.split_once('/') {
            Some((first, _)) if is_registry(first) => "",
            Some(_) => "docker.io/",
            None => "docker.io/library/",
        };
        format!("{registry}{}", self.short())
    }

    /// Returns the repository without a registry in front.
    pub fn path(&self) -> &str {
        match self.repository.split_once('/') {
            Some((first, rest)) if is_registry(first) => rest,
            _ => &self.repository,
        }
    }
}

/// Says whether the first part of a name is a registry, by the rule that all container tools follow.
pub fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// Says whether a repository, with or without a registry in front, is one that registries accept.
pub fn is_repository(text: &str) -> bool {
    let path = match text.split_once('/') {
        Some((first, rest)) if is_registry(first) => rest,
        _ => text,
    };
    text.len() <= 255 && path.split('/').all(is_component)
}

/// Says whether a tag is one that registries accept.
pub fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.starts_with(word)
        && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

/// Makes a repository of a template's name: lower case, and `-` for all that registries don't accept.
pub fn repository_from(name: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let text: String =
        name.chars().map(|c| if matches!(c, '.' | '/') { c } else { keep(c) }).collect();
    let parts = text.split('/').map(component).filter(|part| !part.is_empty());
    let repository = parts.collect::<Vec<_>>().join("/");
    if repository.is_empty() { "image".to_owned() } else { repository }
}

/// Makes one component: words joined by single `-` and `.`.
fn component(text: &str) -> String {
    let dotted = text.split('.').map(|part| part.split_whitespace().collect::<Vec<_>>().join("-"));
    dotted.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// Words of lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separator = |s: &str| matches!(s, "" | "." | "_" | "__") || s.chars().all(|c| c == '-');
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.split(alphanumeric).all(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(repository: &str) -> ImageName {
        ImageName { repository: repository.into(), tag: "latest".into() }
    }

    #[test]
    fn full_names_carry_the_registry_that_tools_assume() {
        assert_eq!(name("debian").full(), "docker.io/library/debian:latest");
        assert_eq!(name("team/debian").full(), "docker.io/team/debian:latest");
        assert_eq!(name("localhost/debian").full(), "localhost/debian:latest");
        assert_eq!(name("h:5000/a/b").full(), "h:5000/a/b:latest");
        assert_eq!(name("h:5000/a/b").path(), "a/b");
        assert_eq!(name("team/debian").path(), "team/debian");
    }

    #[test]
    fn any_template_name_becomes_a_repository() {
        for (text, repository) in [
            ("Debian 12", "debian-12"),
            ("My__Image (v1.2)", "my-image-v1.2"),
            ("a/B//c", "a/b/c"),
            ("..x..y..", "x.y"),
            ("Größe", "gr-e"),
            ("***", "image"),
        ] {
            assert_eq!(repository_from(text), repository);
            assert!(is_repository(repository), "{repository}");
        }
    }

    #[test]
    fn what_registries_refuse_is_known() {
        for text in ["", "A", "a..b", "a___b", "-a", "a/", "a//b", "a b", "localhost/"] {
            assert!(!is_repository(text), "{text}");
        }
        for text in ["a", "a--b", "a__b", "a.b_c/d", "h.example:5000/a"] {
            assert!(is_repository(text), "{text}");
        }
        assert!(is_tag("v1.0-rc_1") && is_tag("_x"));
        assert!(!is_tag("") && !is_tag("-x") && !is_tag("a:b") && !is_tag(&"x".repeat(129)));
    }
}
