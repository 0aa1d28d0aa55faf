//! The requests that start operations: what must be in them, and when two are the same.

use crate::{Failure, Fault};
use factory_proto::plugin_v1::{
    CreateBaseImageRequest, CreateTargetImageRequest, DeleteFromProviderRequest,
    DidCreateTargetImageRequest, InputImage, OperationHeader, ProviderAccount,
    PushImageToProviderRequest, ReconcileRequest, Secret, ShouldCreateTargetImageRequest,
    SnapshotImageOnProviderRequest, Template, WillCreateTargetImageRequest,
};
use prost::Message;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const OPERATION_ID_LEN_MAX: usize = 128;

/// A request that starts an operation.
pub(crate) trait Request: Message + Clone {
    /// The method's name.
    const METHOD: &'static str;
    /// The capability that the plugin must have declared.
    const CAPABILITY: Option<&'static str>;

    /// Returns the header.
    fn header(&self) -> Option<&OperationHeader>;
    /// Returns the header to change it.
    fn header_mut(&mut self) -> Option<&mut OperationHeader>;
}

macro_rules! requests {
    ($($request:ident $method:literal $capability:expr;)*) => {$(
        impl Request for $request {
            const METHOD: &'static str = $method;
            const CAPABILITY: Option<&'static str> = $capability;

            fn header(&self) -> Option<&OperationHeader> {
                self.header.as_ref()
            }
            fn header_mut(&mut self) -> Option<&mut OperationHeader> {
                self.header.as_mut()
            }
        }
    )*};
}

requests! {
    CreateBaseImageRequest "CreateBaseImage" None;
    CreateTargetImageRequest "CreateTargetImage" Some("target-customization");
    ShouldCreateTargetImageRequest "ShouldCreateTargetImage" None;
    WillCreateTargetImageRequest "WillCreateTargetImage" None;
    DidCreateTargetImageRequest "DidCreateTargetImage" None;
    PushImageToProviderRequest "PushImageToProvider" Some("push");
    SnapshotImageOnProviderRequest "SnapshotImageOnProvider" Some("snapshot");
    DeleteFromProviderRequest "DeleteFromProvider" Some("delete");
    ReconcileRequest "Reconcile" Some("reconcile");
}

/// What tells two requests apart. Not the request itself: that may be large, and hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// Returns what tells a request from others. Where its reader stands and who traces it make no difference.
pub(crate) fn fingerprint<R: Request>(request: &R) -> Fingerprint {
    let mut request = request.clone();
    let mut secrets = BTreeMap::new();
    if let Some(header) = request.header_mut() {
        header.after_seq = 0;
        header.traceparent.clear();
        // A map is encoded in any order.
        secrets.extend(std::mem::take(&mut header.secret_parameters));
    }
    let mut digest = Sha256::new();
    for part in [R::METHOD.as_bytes(), &request.encode_to_vec(), &encode(&secrets)] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    Fingerprint(digest.finalize().into())
}

fn encode(secrets: &BTreeMap<String, Secret>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in secrets.iter().flat_map(|(name, secret)| [name, &secret.value]) {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

/// Returns a request's header.
///
/// # Errors
/// If it is missing, or its id is no id.
pub(crate) fn checked_header<R: Request>(request: &R) -> Result<OperationHeader, Failure> {
    let header = request.header().ok_or_else(|| missing("header"))?;
    let id = &header.operation_id;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if id.is_empty() || OPERATION_ID_LEN_MAX < id.len() || !id.bytes().all(plain) {
        let message = format!("operation_id is {id:?}, but must be 1 to 128 of `[A-Za-z0-9._:-]`");
        return Err(invalid(message, "header.operation_id"));
    }
    Ok(header.clone())
}

/// Returns a template that has all that plugins rely on.
///
/// # Errors
/// If it, its `os` or its `os/install` is missing.
pub(crate) fn template(template: Option<Template>) -> Result<Template, Failure> {
    let template = template.ok_or_else(|| missing("template"))?;
    let os = template.os.as_ref().ok_or_else(|| missing("template/os"))?;
    os.install.as_ref().ok_or_else(|| missing("template/os/install"))?;
    Ok(template)
}

/// Returns an image.
///
/// # Errors
/// If it is missing.
pub(crate) fn image(image: Option<InputImage>, field: &str) -> Result<InputImage, Failure> {
    image.ok_or_else(|| missing(field))
}

/// Returns the provider and the credentials, which are empty if none were given.
///
/// # Errors
/// If the account is missing.
pub(crate) fn account(account: Option<ProviderAccount>) -> Result<(String, Secret), Failure> {
    let account = account.ok_or_else(|| missing("account"))?;
    Ok((account.provider, account.credentials.unwrap_or_default()))
}

fn missing(field: &str) -> Failure {
    Failure::new(Fault::User, "MISSING_FIELD", format!("{field} is missing from the request"))
        .path(field)
}

/// Makes the failure of a request with a field that makes no sense.
pub(crate) fn invalid(message: String, path: &str) -> Failure {
    Failure::new(Fault::User, "INVALID_FIELD", message).path(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str) -> CreateBaseImageRequest {
        let secret = |text: &str| Secret { value: text.to_owned() };
        let names = ["a", "b", "c", "d", "e"];
        let header = OperationHeader {
            operation_id: id.to_owned(),
            secret_parameters: names.iter().map(|n| ((*n).to_owned(), secret(n))).collect(),
            ..Default::default()
        };
        CreateBaseImageRequest { header: Some(header), template: Some(Template::default()) }
    }

    #[test]
    fn where_a_reader_stands_makes_no_other_request() {
        let mut again = request("op");
        again.header.as_mut().unwrap().after_seq = 7;
        again.header.as_mut().unwrap().traceparent = "00-ab-cd-01".into();
        assert_eq!(fingerprint(&request("op")), fingerprint(&again));
    }

    #[test]
    fn a_change_of_template_parameter_or_secret_makes_another_request() {
        let changes: [fn(&mut CreateBaseImageRequest); 3] = [
            |r| r.template.as_mut().unwrap().name = "other".into(),
            |r| r.header.as_mut().unwrap().parameters_json = "{}".into(),
            |r| r.header.as_mut().unwrap().secret_parameters.clear(),
        ];
        for change in changes {
            let mut other = request("op");
            change(&mut other);
            assert_ne!(fingerprint(&request("op")), fingerprint(&other));
        }
    }

    #[test]
    fn an_id_that_is_none_is_refused() {
        let long = "x".repeat(129);
        for id in ["", "a b", "ä", "../x", &long] {
            let failure = checked_header(&request(id)).unwrap_err();
            assert_eq!(failure.as_proto().unwrap().path, "header.operation_id", "{id}");
        }
        assert!(checked_header(&request("base-1:try.2_x")).is_ok());
    }

    #[test]
    fn what_is_missing_from_a_template_is_named() {
        let path = |t: Option<Template>| template(t).unwrap_err().as_proto().unwrap().path.clone();
        assert_eq!(path(None), "template");
        assert_eq!(path(Some(Template::default())), "template/os");
        let os = Some(Default::default());
        assert_eq!(path(Some(Template { os, ..Default::default() })), "template/os/install");
    }
}
