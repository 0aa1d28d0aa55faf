//! The requests of each method, made of a plugin's description and its sample.

use crate::call::Call;
use crate::case::Stop;
use crate::method::Method;
use crate::place::Place;
use crate::sample::{FileSample, Sample};
use crate::subject::Subject;
use factory_proto::plugin_v1::{
    Artifact, CloudContent, CloudIdentifiers, CreateBaseImageRequest, CreateTargetImageRequest,
    DeleteFromProviderRequest, DescribeResponse, DidCreateTargetImageRequest, ImageContext,
    InputImage, Install, OpenIntent, OperatingSystem, OperationHeader, Package, ProviderAccount,
    PushImageToProviderRequest, ReconcileRequest, Secret, ShouldCreateTargetImageRequest,
    SnapshotImageOnProviderRequest, Template, WillCreateTargetImageRequest, install,
};
use prost::Message;
use serde_json::Value;
use std::fs::File;

/// How large the disk of an image is if no sample says, in bytes.
const DISK_BYTES: u64 = 1024 * 1024;

/// Makes the requests of one start of a plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requests<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) described: &'a DescribeResponse,
    pub(crate) sample: &'a Sample,
    pub(crate) place: &'a Place,
}

impl Requests<'_> {
    /// Makes a request with an id and a directory of its own.
    pub(crate) fn call(&self, method: Method) -> Result<Call, Stop> {
        let header = Some(self.header(method)?);
        Ok(Call { method, header, rest: self.rest(method)? })
    }

    /// Makes a request to delete an image.
    pub(crate) fn delete(&self, identifiers: CloudIdentifiers) -> Result<Call, Stop> {
        let request = DeleteFromProviderRequest {
            header: None,
            target: self.target(),
            account: Some(self.account()?),
            identifiers: Some(identifiers),
            provider_image: Some(self.image()?),
        };
        let rest = request.encode_to_vec();
        Ok(Call { rest, ..self.call(Method::DeleteFromProvider)? })
    }

    /// Makes a request to settle intents.
    pub(crate) fn reconcile(&self, intents: Vec<OpenIntent>) -> Result<Call, Stop> {
        let account = Some(self.account()?);
        let request = ReconcileRequest { header: None, account, intents, target: self.target() };
        let header = Some(self.header(Method::Reconcile)?);
        Ok(Call { method: Method::Reconcile, header, rest: request.encode_to_vec() })
    }

    fn header(&self, method: Method) -> Result<OperationHeader, Stop> {
        let id = uuid::Uuid::new_v4().to_string();
        let work_dir = self.place.directory(&id)?.display().to_string();
        let secrets = self.subject.secret_parameters(self.described);
        Ok(OperationHeader {
            image: Some(ImageContext {
                id: format!("image-{id}"),
                kind: method.image_kind().to_owned(),
                attempt: 1,
            }),
            operation_id: id,
            work_dir,
            parameters_json: Value::Object(self.sample.parameters.clone()).to_string(),
            secret_parameters: secrets.map(|(name, value)| (name, Secret { value })).collect(),
            ..Default::default()
        })
    }

    fn rest(&self, method: Method) -> Result<Vec<u8>, Stop> {
        let (header, target) = (None, self.target());
        let template = Some(self.template());
        Ok(match method {
            Method::CreateBaseImage => CreateBaseImageRequest { header, template }.encode_to_vec(),
            Method::CreateTargetImage => {
                let base_image = Some(self.image()?);
                let cloud_content = Some(CloudContent::default());
                CreateTargetImageRequest { header, target, base_image, template, cloud_content }
                    .encode_to_vec()
            }
            Method::ShouldCreateTargetImage => {
                let base_image = Some(self.image()?);
                ShouldCreateTargetImageRequest { header, target, base_image, template }
                    .encode_to_vec()
            }
            Method::WillCreateTargetImage => {
                let base_image = Some(self.image()?);
                WillCreateTargetImageRequest { header, target, base_image, template }
                    .encode_to_vec()
            }
            Method::DidCreateTargetImage => {
                let target_image = Some(self.image()?);
                DidCreateTargetImageRequest { header, target, target_image, template }
                    .encode_to_vec()
            }
            Method::PushImageToProvider => {
                let (account, target_image) = (Some(self.account()?), Some(self.image()?));
                PushImageToProviderRequest { header, target, account, target_image }.encode_to_vec()
            }
            Method::SnapshotImageOnProvider => {
                let account = Some(self.account()?);
                SnapshotImageOnProviderRequest { header, target, account, template }.encode_to_vec()
            }
            // Made of what another operation left; without that, of nothing.
            Method::DeleteFromProvider | Method::Reconcile => Vec::new(),
        })
    }

    /// Makes the template.
    pub(crate) fn template(&self) -> Template {
        let sample = &self.sample.template;
        let part = |index: usize| {
            let target = self.described.targets.first()?;
            target.parts.get(index)?.value.clone()
        };
        let given = |text: &Option<String>, index, usual: &str| {
            text.clone().or_else(|| part(index)).unwrap_or_else(|| usual.to_owned())
        };
        let url = sample.url.clone().unwrap_or_else(|| "http://localhost/".to_owned());
        let install = Install { source: Some(install::Source::Url(url)), ..Default::default() };
        let (name, version) = (given(&sample.os, 0, "Any"), given(&sample.version, 1, "1"));
        Template {
            name: "conformance".to_owned(),
            xml: format!(
                "<template><name>conformance</name><os><name>{name}</name></os></template>"
            ),
            os: Some(OperatingSystem {
                name,
                version,
                arch: given(&sample.arch, 2, "x86_64"),
                install: Some(install),
                root_password: Some(Secret { value: self.subject.root_password().to_owned() }),
                ..Default::default()
            }),
            packages: sample.packages.iter().map(|name| package(name)).collect(),
            ..Default::default()
        }
    }

    /// Returns the cloud target.
    pub(crate) fn target(&self) -> String {
        let first = || self.described.targets.first()?.parts.first()?.value.clone();
        self.sample.target.clone().or_else(first).unwrap_or_default()
    }

    /// Makes the account, in a directory of this start's own if the provider is one.
    pub(crate) fn account(&self) -> Result<ProviderAccount, Stop> {
        let directory = self.place.directory("cloud")?.display().to_string();
        let provider = self.sample.provider.as_ref().map_or_else(|| "conformance".to_owned(), text);
        let value = self.subject.credentials().to_owned();
        Ok(ProviderAccount {
            provider: provider.replace("{directory}", &directory),
            credentials: Some(Secret { value }),
        })
    }

    /// Makes the image that an operation reads, with its files.
    pub(crate) fn image(&self) -> Result<InputImage, Stop> {
        let disk =
            FileSample { role: "disk".into(), format: "raw".into(), size: DISK_BYTES, file: None };
        let files = self.sample.image.clone().unwrap_or_else(|| vec![disk]);
        let artifacts = files.iter().map(|file| self.artifact(file)).collect::<Result<_, _>>()?;
        Ok(InputImage {
            id: "image-before".to_owned(),
            artifacts,
            properties_json: "{}".to_owned(),
            parameters_json: "{}".to_owned(),
            target: self.target(),
            template: Some(self.template()),
            ..Default::default()
        })
    }

    fn artifact(&self, file: &FileSample) -> Result<Artifact, Stop> {
        let path = self.place.directory("inputs")?.join(format!("{}.{}", file.role, file.format));
        if !path.exists() {
            match &file.file {
                Some(name) => drop(std::fs::copy(self.sample.path_of(name), &path)?),
                None => File::create(&path)?.set_len(file.size)?,
            }
        }
        let measured = crate::artifact::measure(&path)?;
        Ok(Artifact {
            role: file.role.clone(),
            path: path.display().to_string(),
            format: file.format.clone(),
            size: measured.size,
            virtual_size: measured.size,
            sha256: measured.sha256,
            ..Default::default()
        })
    }
}

fn package(name: &str) -> Package {
    Package { name: name.to_owned(), ..Default::default() }
}

/// Writes a text as it is, and anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
