//! A disk from anywhere becomes a base image.

use super::{ImportError, Meter, begins, heard, history};
use crate::domain::{Image, ImageId, Kind};
use crate::factory::Factory;
use crate::import::{self, Disk, DiskFormat, OperatingSystem};
use crate::store::{NewArtifact, Taking, WorkDir};
use crate::tdl;
use std::path::{Path, PathBuf};

/// Asks to import a disk.
#[derive(Debug, Clone)]
pub struct ImportBaseImageRequest {
    /// The disk image.
    pub file: PathBuf,
    /// The operating system, as templates name it; `None`: it is looked for in the disk.
    pub os: Option<String>,
    /// Its version; `None`: it is looked for in the disk.
    pub version: Option<String>,
    /// Its architecture; `None`: it is looked for in the disk.
    pub arch: Option<String>,
}

/// A disk, and what it is as a file of ours.
struct Source {
    path: PathBuf,
    disk: Disk,
}

impl Factory {
    /// Imports a disk as a complete base image. The file is copied (sharing its blocks where the file system can) and not
    /// changed. A raw or qcow2 disk is kept as it is; others are kept as raw.
    ///
    /// # Errors
    /// If the disk can't be used, what is in it can't be told, or the store fails. Nothing is recorded then.
    pub async fn import_base_image(
        &self,
        request: ImportBaseImageRequest,
        meter: Meter,
    ) -> Result<Image, ImportError> {
        let id = ImageId::from_uuid(self.store.fresh_id());
        let work = self.store.work_dir(&format!("import-{id}")).await?;
        let source = self.source(&request.file, &work, &meter).await?;
        let raw = raw_view(&source, &request, &work, &meter).await?;
        let os = told_or_found(&source, &request, raw.as_deref(), &meter).await?;
        let now = self.store.now();
        let template = tdl::parse(&import::synthesised(&os, now)).map_err(ImportError::Template)?;
        let image = Image {
            name: template.name.clone(),
            template_xml: template.xml.clone(),
            ..Image::asked_for(id, Kind::Base, now)
        };
        let body = self.body(&source, raw, &work, &meter).await?;
        self.store.import(&image, vec![body], history::of_disk(&os, &source.disk, now)).await?;
        work.remove().await?;
        let recorded = self.store.image(&image.id).await?;
        Ok(recorded.unwrap_or(image))
    }

    /// Answers the disk to look into. One whose header says where its data are is copied first: what was examined must be
    /// what tools read, and the file is somebody else's to change.
    async fn source(
        &self,
        file: &Path,
        work: &WorkDir,
        meter: &Meter,
    ) -> Result<Source, ImportError> {
        let source = Source::open(file)?;
        if source.disk.format == DiskFormat::Raw {
            return Ok(source);
        }
        Ok(Source::open(&self.copy(&source, work, meter).await?)?)
    }

    /// Puts the disk as it is to be kept into the work directory, unless it is there.
    async fn body(
        &self,
        source: &Source,
        raw: Option<PathBuf>,
        work: &WorkDir,
        meter: &Meter,
    ) -> Result<NewArtifact, ImportError> {
        let kept = match (source.disk.format, raw) {
            (DiskFormat::Raw, _) => Source::open(&self.copy(source, work, meter).await?)?,
            (DiskFormat::Qcow2, _) | (_, None) => Source::open(&source.path)?,
            (_, Some(raw)) => Source::open(&raw)?,
        };
        let sha256 =
            self.store.digest(&kept.path, heard(meter, "read the disk".to_owned())).await?;
        Ok(NewArtifact {
            file: kept.path,
            role: "disk".to_owned(),
            format: kept.disk.format.as_str().to_owned(),
            virtual_size: kept.disk.virtual_size,
            sha256,
            media_type: String::new(),
        })
    }

    async fn copy(
        &self,
        source: &Source,
        work: &WorkDir,
        meter: &Meter,
    ) -> Result<PathBuf, ImportError> {
        let name = format!("disk.{}", source.disk.format);
        let hear = heard(meter, "copy the disk".to_owned());
        Ok(self.store.take_in(work, &source.path, &name, Taking::Copy, hear).await?)
    }
}

impl Source {
    fn open(path: &Path) -> Result<Self, import::Error> {
        let failed = |source| import::Error::Read { path: path.to_owned(), source };
        // Absolute: tools take a name with a colon for a protocol, and one with a hyphen for an option.
        let path = path.canonicalize().map_err(failed)?;
        if !path.is_file() {
            let why = "it is not a regular file".to_owned();
            return Err(import::Error::NotUsable { path, why });
        }
        let file = std::fs::File::open(&path).map_err(failed)?;
        let disk = import::examine(&file, &path)?;
        Ok(Self { path, disk })
    }
}

/// Writes the disk out raw where that is needed: to look into it, or to keep it.
async fn raw_view(
    source: &Source,
    request: &ImportBaseImageRequest,
    work: &WorkDir,
    meter: &Meter,
) -> Result<Option<PathBuf>, ImportError> {
    let told = request.os.is_some() && request.version.is_some() && request.arch.is_some();
    match source.disk.format {
        DiskFormat::Raw => return Ok(Some(source.path.clone())),
        DiskFormat::Qcow2 if told => return Ok(None),
        _ => {}
    }
    begins(meter, "write the disk out to look into it");
    let raw = work.path().join("disk.raw");
    import::raw_copy(&source.disk, &source.path, &raw).await?;
    Ok(Some(raw))
}

/// Answers what is in the disk: what was said of it, and where that says nothing, what is found.
async fn told_or_found(
    source: &Source,
    request: &ImportBaseImageRequest,
    raw: Option<&Path>,
    meter: &Meter,
) -> Result<OperatingSystem, ImportError> {
    let ImportBaseImageRequest { os, version, arch, .. } = request.clone();
    match (os, version, arch, raw) {
        (Some(name), Some(version), Some(arch), _) => Ok(OperatingSystem { name, version, arch }),
        (name, version, arch, raw) => {
            begins(meter, "look for the operating system");
            let raw = raw.unwrap_or(&source.path);
            let found = import::identify(&source.disk, raw, arch.as_deref()).await?;
            Ok(OperatingSystem {
                name: name.unwrap_or(found.name),
                version: version.unwrap_or(found.version),
                arch: arch.unwrap_or(found.arch),
            })
        }
    }
}
