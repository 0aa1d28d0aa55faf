//! The service `factory.v1.Tokens`. It translates and decides nothing; that its callers are admins is the guard's to see.

use super::status::{invalid, of_tokens};
use super::translate::timestamp;
use crate::access::Tokens;
use crate::domain::{Role, Token};
use factory_proto::factory_v1 as v1;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Makes, lists and revokes tokens.
#[derive(Debug, Clone)]
pub struct TokensApi {
    tokens: Tokens,
}

impl TokensApi {
    /// Serves the tokens of a store.
    pub fn new(tokens: Tokens) -> Self {
        Self { tokens }
    }

    /// Answers the tonic service.
    pub fn into_server(self) -> v1::tokens_server::TokensServer<Self> {
        v1::tokens_server::TokensServer::new(self)
    }
}

#[tonic::async_trait]
impl v1::tokens_server::Tokens for TokensApi {
    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let request = request.into_inner();
        let role = match request.role() {
            v1::Role::Viewer => Role::Viewer,
            v1::Role::Builder => Role::Builder,
            v1::Role::Admin => Role::Admin,
            v1::Role::Unspecified => return Err(invalid("role", "a token needs a role").into()),
        };
        let lifetime = request.lifetime.map(Duration::try_from).transpose();
        let lifetime = lifetime.map_err(|_| invalid("lifetime", "it must not be negative"))?;
        let made = self.tokens.create(&request.name, role, lifetime).await;
        let (token, secret) = made.map_err(|error| of_tokens(&error))?;
        let (token, secret) = (Some(translated(token)), secret.expose().to_owned());
        Ok(Response::new(v1::CreateTokenResponse { token, secret }))
    }

    async fn list_tokens(
        &self,
        _request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        let tokens = self.tokens.list().await.map_err(|error| of_tokens(&error))?;
        let tokens = tokens.into_iter().map(translated).collect();
        Ok(Response::new(v1::ListTokensResponse { tokens }))
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::Token>, Status> {
        let revoked = self.tokens.revoke(&request.get_ref().id).await;
        Ok(Response::new(translated(revoked.map_err(|error| of_tokens(&error))?)))
    }
}

fn translated(token: Token) -> v1::Token {
    let role = match token.role {
        Role::Viewer => v1::Role::Viewer,
        Role::Builder => v1::Role::Builder,
        Role::Admin => v1::Role::Admin,
    };
    v1::Token {
        id: token.id,
        name: token.name,
        role: role.into(),
        created: timestamp(token.created),
        expires: token.expires.and_then(timestamp),
        last_used: token.last_used.and_then(timestamp),
    }
}
