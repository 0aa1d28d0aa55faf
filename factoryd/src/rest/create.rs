//! Creating images: 202 and the image, whatever its content is worth.

use super::address::word;
use super::body::Fields;
use super::problem::Problem;
use super::{Answer, Api, Head, image_view, json_answer};
use crate::domain::{Image, Kind, Parameters, Secret};
use crate::factory::{
    BaseImageRequest, Error, ProviderImageRequest, ProviderSource, RefusedRequest,
    TargetImageRequest, TargetSource, callbacks_of,
};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::Value;

impl Api {
    /// Creates an image of a kind. Ids in the body count more than those in the address.
    pub(super) async fn create(
        &self,
        head: &Head,
        kind: Kind,
        mut parents: Vec<String>,
        body: Body,
    ) -> Answer {
        let key = word(kind).key;
        let fields = Fields::receive(&self.receiver, &head.headers, body, key).await?;
        if fields.is_empty() {
            return Err(Problem::malformed(format!("{key} not found in request.")));
        }
        let image = match kind {
            Kind::Base => self.create_base(&fields).await?,
            Kind::Target => self.create_target(&fields, parents.pop()).await?,
            Kind::Provider => self.create_provider(&fields, parents.pop()).await?,
        };
        let href = format!("{}{}/{}", head.origin, head.path, image.id);
        Ok(json_answer(StatusCode::ACCEPTED, &image_view::created(&image, &href)))
    }

    async fn create_base(&self, fields: &Fields) -> Result<Image, Problem> {
        let template_xml = fields.text("template")?.unwrap_or_default().to_owned();
        let parameters = fields.parameters()?;
        let callbacks = callbacks_of(&parameters);
        let request = BaseImageRequest { template_xml: template_xml.clone(), parameters };
        let made = self.factory.create_base_image(request).await;
        let refused = RefusedRequest { callbacks, ..refused(Kind::Base, template_xml) };
        self.or_refused(made, refused).await
    }

    async fn create_target(
        &self,
        fields: &Fields,
        parent: Option<String>,
    ) -> Result<Image, Problem> {
        let target = fields.name("target")?.unwrap_or_default().to_owned();
        let id = fields.text("base_image_id")?.map(str::to_owned).or(parent);
        let parameters = fields.parameters()?;
        // With a template, Image Factory does not look at the base image.
        let (source, refused) = match (fields.text("template")?, id) {
            (Some(xml), _) => {
                (TargetSource::Template(xml.to_owned()), refused(Kind::Target, xml.to_owned()))
            }
            (None, Some(id)) => {
                let base = self.find(Kind::Base, &id, false).await?;
                (TargetSource::BaseImage(base.id.clone()), refused_child(Kind::Target, base))
            }
            (None, None) => return Err(nothing_to_start_from("base_image_id")),
        };
        let callbacks = callbacks_of(&parameters);
        let refused = RefusedRequest { target: Some(target.clone()), callbacks, ..refused };
        let request = TargetImageRequest { target, source, parameters };
        self.or_refused(self.factory.create_target_image(request).await, refused).await
    }

    async fn create_provider(
        &self,
        fields: &Fields,
        parent: Option<String>,
    ) -> Result<Image, Problem> {
        let account = Account::read(fields)?;
        let parameters = fields.parameters()?;
        let snapshot = wants_snapshot(&parameters);
        let (source, refused) = self.provider_source(fields, parent, snapshot).await?;
        let refused = RefusedRequest {
            target: Some(account.target.clone()),
            provider: Some(account.provider.clone()),
            snapshot,
            callbacks: callbacks_of(&parameters),
            ..refused
        };
        let Account { provider, credentials, target } = account;
        let request = ProviderImageRequest { target, provider, credentials, source, parameters };
        self.or_refused(self.factory.create_provider_image(request).await, refused).await
    }

    /// Answers from what a provider image is made, and what to record if that is refused.
    async fn provider_source(
        &self,
        fields: &Fields,
        parent: Option<String>,
        snapshot: bool,
    ) -> Result<(ProviderSource, RefusedRequest), Problem> {
        let id = fields.text("target_image_id")?.map(str::to_owned);
        let template = fields.text("template")?.map(str::to_owned);
        match (snapshot, template, id) {
            (true, Some(xml), _) => {
                Ok((ProviderSource::Snapshot(xml.clone()), refused(Kind::Provider, xml)))
            }
            (true, None, _) => {
                Err(Problem::malformed("a snapshot is made from a template, which is missing"))
            }
            (false, Some(_), Some(_)) => {
                Err(Problem::malformed("give target_image_id or template, not both"))
            }
            (false, Some(xml), None) => {
                Ok((ProviderSource::Template(xml.clone()), refused(Kind::Provider, xml)))
            }
            (false, None, id) => {
                let id = id.or(parent).ok_or_else(|| nothing_to_start_from("target_image_id"))?;
                let target = self.find(Kind::Target, &id, false).await?;
                let source = ProviderSource::TargetImage(target.id.clone());
                Ok((source, refused_child(Kind::Provider, target)))
            }
        }
    }

    /// Answers the image; one that was refused for its content is recorded as a failed one.
    async fn or_refused(
        &self,
        made: Result<Image, Error>,
        refused: RefusedRequest,
    ) -> Result<Image, Problem> {
        let image = match made {
            Ok(image) => Ok(image),
            Err(refusal) => self.factory.record_refused(refused, refusal).await,
        };
        image.map_err(|error| Problem::of(&error))
    }
}

/// Where a provider image goes.
struct Account {
    provider: String,
    credentials: Secret,
    target: String,
}

impl Account {
    fn read(fields: &Fields) -> Result<Self, Problem> {
        let provider = fields.name("provider")?;
        let credentials = fields.text("credentials")?;
        let target = fields.name("target")?;
        match (provider, credentials, target) {
            (Some(provider), Some(credentials), Some(target)) => Ok(Self {
                provider: provider.to_owned(),
                credentials: Secret::new(credentials),
                target: target.to_owned(),
            }),
            (provider, credentials, target) => Err(Problem::malformed(format!(
                "Missing key/value pair: provider({}), credentials({}), target({})",
                provider.unwrap_or("None"),
                if credentials.is_some() { "REDACTED" } else { "None" },
                target.unwrap_or("None"),
            ))),
        }
    }
}

fn refused(kind: Kind, template_xml: String) -> RefusedRequest {
    RefusedRequest {
        kind,
        template_xml,
        parent: None,
        target: None,
        provider: None,
        snapshot: false,
        callbacks: Vec::new(),
    }
}

fn refused_child(kind: Kind, parent: Image) -> RefusedRequest {
    RefusedRequest { parent: Some(parent.id), ..refused(kind, parent.template_xml) }
}

fn nothing_to_start_from(id: &str) -> Problem {
    Problem::malformed(format!(
        "neither {id} nor template is given: there is nothing to start from"
    ))
}

/// Whether the parameter `snapshot` is a yes, in any of the ways in which clients say it.
fn wants_snapshot(parameters: &Parameters) -> bool {
    match parameters.0.get("snapshot") {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => {
            !["", "0", "false", "no"].contains(&text.to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}
