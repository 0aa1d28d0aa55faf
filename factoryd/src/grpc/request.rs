//! Messages of `factory.v1` as plain requests, or what is wrong with them.

use super::status::{Refused, invalid};
use crate::domain::{ImageId, Kind, Parameters, Secret, Status};
use crate::factory::{
    BaseImageRequest, DeleteRequest, ImageFilter, LedgerFilter, ListRequest, Page,
    ProviderImageRequest, ProviderSource, ReapRequest, RetryRequest, TargetImageRequest,
    TargetSource, WatchRequest,
};
use crate::report::chain;
use factory_proto::factory_v1::{
    self as v1, create_provider_image_request::Source as FromProvider,
    create_target_image_request::Source as FromTarget,
};
use zeroize::Zeroizing;

/// How many images a page has if the client does not say.
const PAGE_SIZE: usize = 100;
/// How many it has at most.
const PAGE_SIZE_MAX: usize = 1000;

/// Reads a request for a base image.
pub(super) fn base_image(it: v1::CreateBaseImageRequest) -> Result<BaseImageRequest, Refused> {
    Ok(BaseImageRequest {
        template_xml: it.template_xml,
        parameters: parameters(it.parameters_json, it.callbacks)?,
    })
}

/// Reads a request for a target image.
pub(super) fn target_image(
    it: v1::CreateTargetImageRequest,
) -> Result<TargetImageRequest, Refused> {
    let source = match it.source {
        Some(FromTarget::BaseImageId(id)) => {
            TargetSource::BaseImage(image_id("base_image_id", &id)?)
        }
        Some(FromTarget::TemplateXml(xml)) => TargetSource::Template(xml),
        None => return Err(invalid("source", "neither base_image_id nor template_xml is given")),
    };
    Ok(TargetImageRequest {
        target: required("target", it.target)?,
        source,
        parameters: parameters(it.parameters_json, it.callbacks)?,
    })
}

/// Reads a request for a provider image.
pub(super) fn provider_image(
    it: v1::CreateProviderImageRequest,
) -> Result<ProviderImageRequest, Refused> {
    let source = match (it.source, it.snapshot) {
        (Some(FromProvider::TargetImageId(id)), false) => {
            ProviderSource::TargetImage(image_id("target_image_id", &id)?)
        }
        (Some(FromProvider::TargetImageId(_)), true) => {
            return Err(invalid(
                "snapshot",
                "a snapshot is made from a template, not from an image",
            ));
        }
        (Some(FromProvider::TemplateXml(xml)), false) => ProviderSource::Template(xml),
        (Some(FromProvider::TemplateXml(xml)), true) => ProviderSource::Snapshot(xml),
        (None, _) => {
            return Err(invalid("source", "neither target_image_id nor template_xml is given"));
        }
    };
    Ok(ProviderImageRequest {
        target: required("target", it.target)?,
        provider: required("provider", it.provider)?,
        credentials: Secret::new(it.credentials),
        source,
        parameters: parameters(it.parameters_json, it.callbacks)?,
    })
}

/// Reads a request to delete.
pub(super) fn delete(it: v1::DeleteRequest) -> Result<DeleteRequest, Refused> {
    Ok(DeleteRequest {
        id: image_id("id", &it.id)?,
        provider: (!it.provider.is_empty()).then_some(it.provider),
        credentials: Secret::new(it.credentials),
        parameters: parameters(it.parameters_json, it.callbacks)?,
        cascade: it.cascade,
        force: it.force,
    })
}

/// Reads a request to try again.
pub(super) fn retry(it: v1::RetryRequest) -> Result<RetryRequest, Refused> {
    Ok(RetryRequest {
        id: image_id("id", &it.id)?,
        from_step: (!it.from_step.is_empty()).then_some(it.from_step),
        credentials: Secret::new(it.credentials),
        parameters: parameters(it.parameters_json, Vec::new())?,
        template_xml: (!it.template_xml.is_empty()).then_some(it.template_xml),
    })
}

/// Reads a request for a list. A page token is the id of the last image of the page before.
pub(super) fn list(it: &v1::ListImagesRequest) -> Result<ListRequest, Refused> {
    let id = |field, text: &str| match text {
        "" => Ok(None),
        id => image_id(field, id).map(Some),
    };
    let filter = ImageFilter {
        kind: kind(it.kind)?,
        status: status(it.status)?,
        parent: id("parent_id", &it.parent_id)?,
        id_prefix: (!it.id_prefix.is_empty()).then(|| it.id_prefix.clone()),
        include_deleted: it.deleted,
        ..ImageFilter::default()
    };
    let limit = match it.page_size {
        0 => PAGE_SIZE,
        size => usize::try_from(size).unwrap_or(PAGE_SIZE_MAX).min(PAGE_SIZE_MAX),
    };
    let after = id("page_token", &it.page_token)?;
    Ok(ListRequest { filter, page: Page { after, offset: 0, limit: Some(limit) } })
}

/// Reads a request for what is outside this machine.
pub(super) fn resources(it: &v1::ListResourcesRequest) -> Result<LedgerFilter, Refused> {
    let image = optional_image(&it.image_id)?;
    Ok(LedgerFilter { image, numbers: it.numbers.clone(), kept: it.kept })
}

/// Reads a request to settle what is left over.
pub(super) fn reap(it: v1::ReapRequest) -> Result<ReapRequest, Refused> {
    let image = optional_image(&it.image_id)?;
    Ok(ReapRequest { numbers: it.numbers, image, credentials: Secret::new(it.credentials) })
}

fn optional_image(id: &str) -> Result<Option<ImageId>, Refused> {
    if id.is_empty() { Ok(None) } else { image_id("image_id", id).map(Some) }
}

/// Reads a request to watch.
pub(super) fn watch(it: &v1::WatchRequest) -> Result<WatchRequest, Refused> {
    let images =
        it.image_ids.iter().map(|id| image_id("image_ids", id)).collect::<Result<_, _>>()?;
    Ok(WatchRequest { images, after: it.after, follow: it.follow, logs: !it.without_logs })
}

/// Reads an image id.
pub(super) fn image_id(field: &str, text: &str) -> Result<ImageId, Refused> {
    ImageId::parse(text).map_err(|error| invalid(field, error))
}

/// Reads parameters; callbacks become one of them, as they are over REST.
fn parameters(json: String, callbacks: Vec<String>) -> Result<Parameters, Refused> {
    let parameters = Parameters::parse(&Zeroizing::new(json));
    let mut parameters = parameters.map_err(|error| invalid("parameters_json", chain(&error)))?;
    if !callbacks.is_empty() {
        parameters.0.insert("callbacks".to_owned(), callbacks.into());
    }
    Ok(parameters)
}

fn required(field: &str, text: String) -> Result<String, Refused> {
    if text.is_empty() { Err(invalid(field, format!("{field} is empty"))) } else { Ok(text) }
}

fn kind(number: i32) -> Result<Option<Kind>, Refused> {
    match v1::ImageKind::try_from(number) {
        Ok(v1::ImageKind::Unspecified) => Ok(None),
        Ok(v1::ImageKind::Base) => Ok(Some(Kind::Base)),
        Ok(v1::ImageKind::Target) => Ok(Some(Kind::Target)),
        Ok(v1::ImageKind::Provider) => Ok(Some(Kind::Provider)),
        Err(_) => Err(invalid("kind", format!("{number} is no kind of image"))),
    }
}

fn status(number: i32) -> Result<Option<Status>, Refused> {
    let Ok(wanted) = v1::ImageStatus::try_from(number) else {
        return Err(invalid("status", format!("{number} is no status")));
    };
    Ok(Status::ALL.into_iter().find(|status| super::translate::status(*status) == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::{Code, Status};

    #[test]
    fn text_that_is_no_id_is_the_callers_fault() {
        let request = v1::DeleteRequest { id: "../etc".into(), ..Default::default() };
        let status = Status::from(delete(request).unwrap_err());
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            status.message(),
            "`../etc` is not an image id (a UUID such as 0192f3a4-5b6c-7d8e-9f01-23456789abcd)"
        );
    }

    #[test]
    fn parameters_must_be_an_object() {
        let request = v1::CreateBaseImageRequest {
            template_xml: "<template/>".into(),
            parameters_json: "[1]".into(),
            ..Default::default()
        };
        let status = Status::from(base_image(request).unwrap_err());
        assert!(status.message().starts_with("parameters are not a JSON object: "));
    }

    #[test]
    fn a_target_image_needs_a_source_and_a_target() {
        let request = v1::CreateTargetImageRequest::default();
        let status = Status::from(target_image(request).unwrap_err());
        assert_eq!(status.message(), "neither base_image_id nor template_xml is given");
        let source = Some(FromTarget::TemplateXml("<template/>".into()));
        let request = v1::CreateTargetImageRequest { source, ..Default::default() };
        let status = Status::from(target_image(request).unwrap_err());
        assert_eq!(status.message(), "target is empty");
    }

    #[test]
    fn an_unspecified_filter_matches_all() {
        let request = list(&v1::ListImagesRequest::default()).unwrap();
        assert_eq!(request.filter, ImageFilter::default());
        assert_eq!(request.page, Page { limit: Some(PAGE_SIZE), ..Page::default() });
        let failed = v1::ImageStatus::Failed.into();
        let request = v1::ListImagesRequest { status: failed, ..Default::default() };
        assert_eq!(list(&request).unwrap().filter.status, Some(crate::domain::Status::Failed));
    }
}
