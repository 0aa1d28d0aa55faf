//! A factory without plugins, for what needs none.

use factoryd::delegate::{CloudDelegate, Delegates, NoDelegate, OsDelegate};
use factoryd::domain::{Image, OperatingSystem};
use factoryd::factory::{
    Factory, ImageFilter, ImportBaseImageRequest, ImportError, ListRequest, Meter, Options, Parts,
};
use factoryd::store::{self, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A factory, its store and room for more.
pub(crate) struct Place {
    pub(crate) factory: Factory,
    pub(crate) directory: TempDir,
}

struct Nobody;

impl Delegates for Nobody {
    fn os(&self, os: &OperatingSystem) -> Result<Arc<dyn OsDelegate>, NoDelegate> {
        Err(NoDelegate::Os { os: os.name.clone(), known: String::new() })
    }

    fn cloud(&self, target: &str) -> Result<Arc<dyn CloudDelegate>, NoDelegate> {
        Err(NoDelegate::Cloud { target: target.to_owned(), known: String::new() })
    }
}

impl Place {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("store");
        let store = Store::open(store::Options { root }).await.unwrap();
        let (factory, _service) =
            Factory::new(Parts::new(store, Arc::new(Nobody)), Options::default());
        Self { factory, directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) async fn import(&self, file: &Path) -> Result<Image, ImportError> {
        self.import_as(request(file)).await
    }

    pub(crate) async fn import_as(
        &self,
        request: ImportBaseImageRequest,
    ) -> Result<Image, ImportError> {
        self.factory.import_base_image(request, silent()).await
    }

    /// Asserts that nothing was recorded, and that no file is left.
    pub(crate) async fn assert_empty(&self) {
        let filter = ImageFilter { include_deleted: true, ..ImageFilter::default() };
        let request = ListRequest { filter, ..ListRequest::default() };
        assert_eq!(self.factory.images(&request).await.unwrap().items, []);
        assert_eq!(names(&self.path("store/images")), [""; 0]);
        for owner in names(&self.path("store/work")) {
            assert_eq!(names(&self.path("store/work").join(owner)), [""; 0]);
        }
    }
}

/// Asks for a disk of which nothing is said.
pub(crate) fn request(file: &Path) -> ImportBaseImageRequest {
    ImportBaseImageRequest { file: file.to_owned(), os: None, version: None, arch: None }
}

pub(crate) fn silent() -> Meter {
    Arc::new(|_| {})
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
