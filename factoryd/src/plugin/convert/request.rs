//! The parts of requests.

use super::{secret, template};
use crate::delegate::{Account, Diagnostic, Error, InputImage, OpenIntent, Proposal};
use crate::domain::{Artifact, CloudContent, CloudIdentifiers, Content, Notice, Template};
use factory_proto::plugin_v1 as proto;
use factory_proto::plugin_v1::open_intent::Wanted;

/// Makes an image that an operation reads.
pub(in crate::plugin) fn input_image(input: &InputImage) -> Result<proto::InputImage, Error> {
    let image = &input.image;
    Ok(proto::InputImage {
        id: image.id.to_string(),
        artifacts: input.artifacts.iter().map(artifact).collect(),
        properties_json: image.properties.to_json(),
        parameters_json: image.parameters.to_json(),
        icicle_xml: image.icicle_xml.clone().unwrap_or_default(),
        target: image.target.clone().unwrap_or_default(),
        template: Some(template(&input.template)?),
    })
}

/// Makes a request to be judged. Contents that are not fetched yet are empty in it.
pub(in crate::plugin) fn proposal(it: Proposal<'_>) -> Result<proto::ValidateRequest, Error> {
    let secrets = it.secrets.iter();
    Ok(proto::ValidateRequest {
        method: it.method.to_owned(),
        template: it.template.map(|unfetched| template(&without_urls(unfetched))).transpose()?,
        parameters_json: it.parameters.to_json(),
        secret_parameters: secrets.map(|(name, value)| (name.clone(), secret(value))).collect(),
        target: it.target.unwrap_or_default().to_owned(),
        provider: it.account.map(|account| account.provider.clone()).unwrap_or_default(),
        credentials: it.account.map(|account| secret(&account.credentials)),
    })
}

fn without_urls(template: &Template) -> Template {
    let mut template = template.clone();
    let contents = template.contents_mut().map(|(_, content)| content);
    contents
        .filter(|content| matches!(content, Content::Url(_)))
        .for_each(|content| *content = Content::Bytes(Vec::new()));
    template
}

/// Reads one problem that was found.
pub(in crate::plugin) fn diagnostic(sent: proto::Diagnostic) -> Diagnostic {
    Diagnostic {
        is_error: sent.severity() != proto::diagnostic::Severity::Warning,
        notice: Notice { message: sent.message, hint: sent.hint, path: sent.path },
    }
}

/// Makes an account.
pub(in crate::plugin) fn account(account: &Account) -> proto::ProviderAccount {
    proto::ProviderAccount {
        provider: account.provider.clone(),
        credentials: Some(secret(&account.credentials)),
    }
}

/// Makes what a provider calls an image.
pub(in crate::plugin) fn identifiers(identifiers: &CloudIdentifiers) -> proto::CloudIdentifiers {
    proto::CloudIdentifiers {
        identifier_on_provider: identifiers.identifier_on_provider.clone(),
        provider_account_identifier: identifiers.provider_account_identifier.clone(),
    }
}

/// Makes something to be settled.
pub(in crate::plugin) fn open_intent(open: &OpenIntent) -> proto::OpenIntent {
    let resource = &open.resource;
    let wanted = if open.adopt { Wanted::Adopt } else { Wanted::Delete };
    proto::OpenIntent {
        operation_id: resource.operation.clone(),
        intent: Some(proto::ResourceIntent {
            intent_id: resource.intent_id.clone(),
            kind: resource.kind.clone(),
            description: resource.description.clone(),
            locator_json: resource.locator_json.clone(),
            lasting: resource.lasting,
        }),
        resource_id: resource.resource_id.clone(),
        wanted: wanted.into(),
    }
}

/// Makes what a cloud wants in an image.
pub(in crate::plugin) fn content(content: &CloudContent) -> proto::CloudContent {
    let file = |(name, content): &(String, Vec<u8>)| proto::ContentFile {
        name: name.clone(),
        content: content.clone(),
    };
    let command = |(name, content): &(String, Vec<u8>)| proto::ContentCommand {
        name: name.clone(),
        content: content.clone(),
    };
    proto::CloudContent {
        files: content.files.iter().map(file).collect(),
        commands: content.commands.iter().map(command).collect(),
    }
}

fn artifact(artifact: &Artifact) -> proto::Artifact {
    proto::Artifact {
        role: artifact.role.clone(),
        path: artifact.path.display().to_string(),
        format: artifact.format.clone(),
        size: artifact.size,
        virtual_size: artifact.virtual_size,
        sha256: artifact.sha256.clone(),
        media_type: artifact.media_type.clone(),
    }
}
