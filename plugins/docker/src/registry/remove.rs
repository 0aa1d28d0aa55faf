//! Deleting an image from a registry: its manifest, by digest. Its blobs are the registry's to collect.
//!
//! The registry client has no method for it, and asks tokens for pulling and pushing only; so this speaks HTTP itself.

use super::Session;
use factory_plugin_sdk::{Failure, Fault};
use http_auth::parser::ChallengeParser;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;

/// What a registry asks for before it does something.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Session {
    /// Deletes a manifest. One that is gone already counts as deleted.
    ///
    /// # Errors
    /// If the registry can't be reached, or refuses.
    pub async fn delete(&self, reference: &Reference, digest: &str) -> Result<(), Failure> {
        let http = self.http()?;
        let url = self.url(reference, &format!("manifests/{digest}"));
        let mut answer = self.send(self.with_token(http.delete(&url))).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let authorised = self.authorise(&http, http.delete(&url), &answer, reference).await?;
            answer = self.send(authorised).await?;
        }
        self.judge(answer).await
    }

    fn with_token(&self, request: RequestBuilder) -> RequestBuilder {
        match self.account.auth() {
            RegistryAuth::Bearer(token) => request.bearer_auth(token),
            RegistryAuth::Basic(..) | RegistryAuth::Anonymous => request,
        }
    }

    async fn authorise(
        &self,
        http: &reqwest::Client,
        request: RequestBuilder,
        refusal: &Response,
        reference: &Reference,
    ) -> Result<RequestBuilder, Failure> {
        let header = refusal.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        match (header.and_then(parse_challenge), self.account.auth()) {
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                let own = format!("repository:{}:pull,delete", reference.repository());
                let scope = scope.unwrap_or(own);
                let token = self.token(http, &realm, service.as_deref(), &scope).await?;
                Ok(request.bearer_auth(token))
            }
            (Some(Challenge::Basic), RegistryAuth::Basic(username, password)) => {
                Ok(request.basic_auth(username, Some(password)))
            }
            _ => Err(self.asked.refused(401, "")),
        }
    }

    async fn token(
        &self,
        http: &reqwest::Client,
        realm: &str,
        service: Option<&str>,
        scope: &str,
    ) -> Result<String, Failure> {
        let mut request = http.get(realm).query(&[("scope", scope)]);
        if let Some(service) = service {
            request = request.query(&[("service", service)]);
        }
        if let RegistryAuth::Basic(username, password) = self.account.auth() {
            request = request.basic_auth(username, Some(password));
        }
        let answer = self.send(request).await?;
        if !answer.status().is_success() {
            return Err(self.asked.refused(answer.status().as_u16(), ""));
        }
        let answer: TokenAnswer =
            answer.json().await.map_err(|error| self.asked.unreachable(error))?;
        answer.token.or(answer.access_token).ok_or_else(|| self.asked.refused(401, ""))
    }

    async fn judge(&self, answer: Response) -> Result<(), Failure> {
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND => Ok(()),
            StatusCode::METHOD_NOT_ALLOWED => Err(self.deletion_disabled(&body)),
            _ => Err(self.asked.refused(status.as_u16(), &body)),
        }
    }

    fn deletion_disabled(&self, body: &str) -> Failure {
        let message = format!("registry {} deletes no images", self.destination.registry);
        Failure::new(Fault::User, "DELETE_DISABLED", message)
            .hint("enable it there (storage.delete.enabled in docker-registry), or delete by its own means")
            .detail(body)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        request.send().await.map_err(|error| self.asked.unreachable(error))
    }
}

fn parse_challenge(header: &str) -> Option<Challenge> {
    let challenge = ChallengeParser::new(header).next()?.ok()?;
    if challenge.scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    let value = |name: &str| {
        let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_unescaped())
    };
    let bearer = challenge.scheme.eq_ignore_ascii_case("bearer");
    bearer.then_some(())?;
    Some(Challenge::Bearer {
        realm: value("realm")?,
        service: value("service"),
        scope: value("scope"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_understood() {
        let bearer =
            r#"Bearer realm="https://auth.example.org/t",service="r",scope="repository:a:delete""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.example.org/t".into(),
            service: Some("r".into()),
            scope: Some("repository:a:delete".into()),
        };
        assert_eq!(parse_challenge(bearer), Some(expected));
        assert_eq!(parse_challenge(r#"Basic realm="r""#), Some(Challenge::Basic));
        assert_eq!(parse_challenge("Negotiate"), None);
    }
}
