//! Deleting images: 204 at once, the work follows.

use super::body::Fields;
use super::problem::Problem;
use super::{Answer, Api, Head};
use crate::domain::{ImageId, Kind, Secret, Status};
use crate::factory::{DeleteRequest, Error};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;

impl Api {
    /// Deletes an image; the name of its collection does not matter.
    pub(super) async fn delete(&self, head: &Head, id: &str, body: Body) -> Answer {
        let cascade = head.query.flag("cascade", false)?;
        let missing = || Problem::not_found("image", id);
        let parsed = ImageId::parse(id).map_err(|_| missing())?;
        let image = match self.factory.image(&parsed).await {
            Ok(image) if image.status == Status::Deleted => return Err(missing()),
            Ok(image) => image,
            Err(Error::NotFound(_)) => return Err(missing()),
            Err(error) => return Err(Problem::of(&error)),
        };
        let key = super::word(image.kind).key;
        let fields = Fields::receive_optional(&self.receiver, &head.headers, body, key).await?;
        if image.kind == Kind::Provider {
            require_account(&fields)?;
        }
        let request = DeleteRequest {
            id: parsed,
            provider: fields.name("provider")?.map(str::to_owned),
            credentials: Secret::new(fields.text("credentials")?.unwrap_or_default()),
            parameters: fields.parameters()?,
            cascade,
            force: false,
        };
        self.factory.delete(request).await.map_err(|error| Problem::of(&error))?;
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }
}

/// An image can be deleted only where it is, by who may.
fn require_account(fields: &Fields) -> Result<(), Problem> {
    let mut missing = Vec::new();
    for name in ["provider", "credentials", "target"] {
        if fields.text(name)?.is_none() {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Problem::malformed(format!("Missing required values: {}", missing.join(", "))))
}
