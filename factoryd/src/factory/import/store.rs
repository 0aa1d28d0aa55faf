//! Image Factory's own store becomes part of ours.

use super::{ImportError, Meter, heard, history};
use crate::domain::{Image, ImageId, Kind, Status};
use crate::factory::Factory;
use crate::import::legacy::{self, LegacyBody, LegacyImage, Skipped};
use crate::report;
use crate::store::{self, NewArtifact, Taking, WorkDir};
use crate::tdl;
use std::path::PathBuf;

/// Asks to import a store.
#[derive(Debug, Clone)]
pub struct ImportStoreRequest {
    /// Its directory.
    pub directory: PathBuf,
    /// How its bodies are taken.
    pub taking: Taking,
}

/// What became of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in our store now.
    Imported,
    /// It was there already, and was left alone.
    There,
    /// It could not be imported.
    Refused(String),
}

/// One image of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its id, here as there.
    pub id: ImageId,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its status here.
    pub status: Status,
    /// The size of its file in bytes; 0 if it has none.
    pub size: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// What to know of it: what was left out or missing.
    pub notes: Vec<String>,
}

/// What became of a store.
#[derive(Debug, Clone, Default)]
pub struct StoreImport {
    /// Its images, parents before their children.
    pub images: Vec<Imported>,
    /// Files that are no image.
    pub skipped: Vec<Skipped>,
}

impl Factory {
    /// Imports the images of an Image Factory's store that are not here yet. The images are known by their ids, so that it
    /// can be done again. Each is imported whole or not at all; one that can't be does not keep others from it.
    ///
    /// # Errors
    /// If the directory can't be read, or our store fails for good.
    pub async fn import_store(
        &self,
        request: ImportStoreRequest,
        meter: Meter,
    ) -> Result<StoreImport, ImportError> {
        let found = legacy::scan(&request.directory)?;
        let mut images = Vec::new();
        for image in found.images {
            images.push(self.import_legacy(image, request.taking, &meter).await?);
        }
        Ok(StoreImport { images, skipped: found.skipped })
    }

    async fn import_legacy(
        &self,
        legacy: LegacyImage,
        taking: Taking,
        meter: &Meter,
    ) -> Result<Imported, store::Error> {
        let mut notes: Vec<String> =
            legacy.left_out.iter().map(|name| format!("left out: {name}")).collect();
        let body = legacy.body.clone();
        if body.is_none() && legacy.status == Status::Complete && legacy.kind != Kind::Provider {
            notes.push("it has no body".to_owned());
        }
        let image = self.record_of(&legacy, &mut notes).await?;
        let mut imported = Imported {
            id: image.id.clone(),
            kind: image.kind,
            name: image.name.clone(),
            status: legacy.status,
            size: body.as_ref().map_or(0, |body| body.size),
            outcome: Outcome::There,
            notes,
        };
        if let Some(there) = self.store.image(&image.id).await? {
            return Ok(Imported { status: there.status, notes: Vec::new(), ..imported });
        }
        imported.outcome = match self.take_legacy(&legacy, &image, taking, meter).await {
            Ok(()) => Outcome::Imported,
            // Nothing else would go either.
            Err(error @ (store::Error::Full(_) | store::Error::Unwritable { .. })) => {
                return Err(error);
            }
            Err(error) => Outcome::Refused(report::chain(&error).to_string()),
        };
        if let Some(recorded) = self.store.image(&image.id).await? {
            imported.status = recorded.status;
        }
        Ok(imported)
    }

    /// Answers an image as it begins here. A parent that is not here is left out.
    async fn record_of(
        &self,
        legacy: &LegacyImage,
        notes: &mut Vec<String>,
    ) -> Result<Image, store::Error> {
        let (name, template_xml) = template(legacy, notes);
        let mut parent = legacy.parent.clone();
        if let Some(id) = &parent
            && self.store.image(id).await?.is_none()
        {
            notes.push(format!("what it was made from ({id}) is not here"));
            parent = None;
        }
        Ok(Image {
            name,
            template_xml,
            parent,
            target: legacy.target.clone(),
            provider: legacy.provider.clone(),
            snapshot: legacy.snapshot,
            parameters: legacy.parameters.clone(),
            ..Image::asked_for(legacy.id.clone(), legacy.kind, legacy.saved)
        })
    }

    async fn take_legacy(
        &self,
        legacy: &LegacyImage,
        image: &Image,
        taking: Taking,
        meter: &Meter,
    ) -> Result<(), store::Error> {
        let events = history::of_legacy(legacy);
        let Some(body) = legacy.body.as_ref().filter(|_| legacy.status != Status::Deleted) else {
            return self.store.import(image, Vec::new(), events).await.map(drop);
        };
        let work = self.store.work_dir(&format!("import-{}", image.id)).await?;
        let taken = self.take_body(body, &work, taking, meter).await?;
        self.store.import(image, vec![taken], events).await?;
        if taking == Taking::Move
            && let Err(source) = std::fs::remove_file(&body.path)
        {
            tracing::warn!(path = %body.path.display(), error = %source, "a body that was imported stays where it was");
        }
        work.remove().await
    }

    async fn take_body(
        &self,
        body: &LegacyBody,
        work: &WorkDir,
        taking: Taking,
        meter: &Meter,
    ) -> Result<NewArtifact, store::Error> {
        let name = format!("{}.{}", body.role, body.format);
        let stem = body.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let hear = heard(meter, format!("copy {stem}"));
        let file = self.store.take_in(work, &body.path, &name, taking, hear).await?;
        let sha256 = self.store.digest(&file, heard(meter, format!("read {stem}"))).await?;
        Ok(NewArtifact {
            file,
            role: body.role.to_owned(),
            format: body.format.to_owned(),
            virtual_size: body.virtual_size,
            sha256,
            media_type: String::new(),
        })
    }
}

/// Answers the name and the template without its passwords.
fn template(legacy: &LegacyImage, notes: &mut Vec<String>) -> (String, String) {
    match tdl::parse(&legacy.template_xml) {
        Ok(template) => (template.name, template.xml),
        Err(_) if legacy.template_xml.is_empty() => {
            notes.push("it has no template".to_owned());
            (String::new(), String::new())
        }
        Err(_) => {
            notes.push("its template is not valid".to_owned());
            (String::new(), tdl::blank_secrets(&legacy.template_xml))
        }
    }
}
