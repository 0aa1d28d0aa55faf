//! Credentials for registries, from a file in Docker's form, which Podman and others write too.

use crate::distribution::{Error, Options};
use crate::secret_file;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

// No `Debug`: it holds secrets.
#[derive(Default, Deserialize)]
struct Document {
    #[serde(default)]
    auths: HashMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// `user:password`, in base64.
    #[serde(default)]
    auth: String,
}

/// Finds the credentials for a repository; nobody's if there are none.
///
/// # Errors
/// If there is a file that can't be read, that others may read, or that has another form.
pub(super) fn find(options: &Options, reference: &Reference) -> Result<RegistryAuth, Error> {
    let usual = || usual().into_iter().find(|path| path.is_file());
    let Some(path) = options.auth_file.clone().or_else(usual) else {
        return Ok(RegistryAuth::Anonymous);
    };
    let text = zeroize::Zeroizing::new(secret_file::read(&path)?);
    understand(&text, reference).ok_or(Error::CredentialsForm(path))
}

fn understand(text: &str, reference: &Reference) -> Option<RegistryAuth> {
    let document: Document = serde_json::from_str(text).ok()?;
    let name = format!("{}/{}", reference.registry(), reference.repository());
    let mut best: Option<(usize, &Entry)> = None;
    for (key, entry) in &document.auths {
        let key = key.trim_start_matches("https://").trim_start_matches("http://");
        let key = key.trim_end_matches('/');
        let is_for =
            name.strip_prefix(key).is_some_and(|rest| rest.starts_with('/') || rest.is_empty());
        if is_for && best.is_none_or(|(len, _)| len < key.len()) {
            best = Some((key.len(), entry));
        }
    }
    let Some((_, entry)) = best.filter(|(_, entry)| !entry.auth.is_empty()) else {
        return Some(RegistryAuth::Anonymous);
    };
    let decoded = String::from_utf8(STANDARD.decode(&entry.auth).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(RegistryAuth::Basic(user.to_owned(), password.to_owned()))
}

/// Where such files usually are: containers-auth.json(5), `docker login`.
fn usual() -> Vec<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let below =
        |directory: Option<PathBuf>, rest: &str| directory.map(|it| it.join(Path::new(rest)));
    let all = [
        variable("REGISTRY_AUTH_FILE"),
        below(variable("XDG_RUNTIME_DIR"), "containers/auth.json"),
        below(variable("DOCKER_CONFIG"), "config.json"),
        below(variable("HOME"), ".docker/config.json"),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_the_longest_name_is_taken() {
        let text = format!(
            r#"{{"auths": {{"r.example.org": {{"auth": "{}"}}, "https://r.example.org/v/": {{"auth": "{}"}},
                "r.example": {{"auth": "{0}"}}}}, "credsStore": "x"}}"#,
            STANDARD.encode("ann:one"),
            STANDARD.encode("bob:two:2")
        );
        let user = |name: &str| match understand(&text, &name.parse().unwrap()).unwrap() {
            RegistryAuth::Basic(user, password) => format!("{user} {password}"),
            _ => String::new(),
        };
        assert_eq!(user("r.example.org/x:1"), "ann one");
        assert_eq!(user("r.example.org/v/x:1"), "bob two:2");
        assert_eq!(user("other.example.org/x:1"), "");
        let reference = "r.example.org/x:1".parse().unwrap();
        for text in ["", "1", r#"{"auths": {"r.example.org": {"auth": "!"}}}"#] {
            assert!(understand(text, &reference).is_none(), "{text}");
        }
        assert!(understand("{}", &reference).is_some());
    }
}
