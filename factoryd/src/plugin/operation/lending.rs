//! Lending: for as long as an operation runs, its directory and the files that it reads are among those of its plugin.
//!
//! The directory is moved there, and a link stays where it was. Of each file there is a second name (a hard link), in a directory
//! that the plugin can't write to. So a plugin needs no access to what other plugins do, nor to images that it was not given.

use super::Request;
use crate::delegate::Error;
use crate::domain::{Failure, Fault};
use crate::plugin::supervisor::Plugin;
use crate::plugin::workspace::{self, Workspace};
use factory_proto::plugin_v1::{InputImage, OperationHeader};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What is lent. Dropped, it is taken back.
#[derive(Default)]
pub(super) struct Lent {
    /// The operation's directory: where it was, and where it is.
    moved: Option<(PathBuf, PathBuf)>,
    inputs: Option<PathBuf>,
}

/// Lends a plugin what a request names, and names it anew in the request. A plugin that is not confined gets all where it is.
///
/// # Errors
/// If something can't be moved or linked.
pub(super) async fn lend(plugin: &Plugin, mut request: Request) -> Result<(Lent, Request), Error> {
    let Some(workspace) = plugin.workspace() else { return Ok((Lent::default(), request)) };
    let work = tokio::task::spawn_blocking(move || {
        let mut lent = Lent::default();
        lent.everything(&workspace, &mut request).map(|()| (lent, request))
    });
    work.await.map_err(io::Error::other).flatten().map_err(|error| {
        let message = format!("what an operation needs can't be lent to its plugin: {error}");
        Failure::new(Fault::Factory, "STORE_FAILED", message).into()
    })
}

impl Lent {
    fn everything(&mut self, workspace: &Workspace, request: &mut Request) -> io::Result<()> {
        let (header, image) = request.places();
        let Some(header) = header else { return Ok(()) };
        self.directory(workspace, header)?;
        let inputs = workspace.inputs().join(&header.operation_id);
        if let Some(image) = image {
            workspace::make(&inputs)?;
            self.inputs = Some(inputs.clone());
            link_all(image, &inputs)?;
        }
        Ok(())
    }

    fn directory(&mut self, workspace: &Workspace, header: &mut OperationHeader) -> io::Result<()> {
        let own = PathBuf::from(&header.work_dir);
        if !own.is_dir() {
            return Ok(());
        }
        workspace::make(&workspace.work())?;
        let lent = workspace.work().join(&header.operation_id);
        fs::rename(&own, &lent)?;
        self.moved = Some((own.clone(), lent.clone()));
        symlink(&lent, &own)?;
        header.work_dir = lent.display().to_string();
        Ok(())
    }

    fn take_back(&mut self) -> io::Result<()> {
        if let Some(inputs) = self.inputs.take() {
            fs::remove_dir_all(inputs)?;
        }
        let Some((own, lent)) = self.moved.take() else { return Ok(()) };
        match fs::remove_file(&own) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(lent, own)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Err(error) = self.take_back() {
            tracing::warn!(%error, "what was lent to a plugin stays behind");
        }
    }
}

fn link_all(image: &mut InputImage, directory: &Path) -> io::Result<()> {
    for (number, artifact) in image.artifacts.iter_mut().enumerate() {
        let file = Path::new(&artifact.path);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = directory.join(format!("{number}-{name}"));
        match fs::hard_link(file, &path) {
            Ok(()) => artifact.path = path.display().to_string(),
            // A file that is lost is the plugin's to miss: not every method reads it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use factory_proto::plugin_v1::{Artifact, CreateTargetImageRequest};

    #[test]
    fn what_is_lent_is_the_plugins_for_a_while_and_back_where_it_was_then() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir(at("op")).unwrap();
        fs::write(at("disk"), "base").unwrap();
        let image = |paths: &[PathBuf]| InputImage {
            artifacts: paths
                .iter()
                .map(|path| Artifact { path: path.display().to_string(), ..Default::default() })
                .collect(),
            ..Default::default()
        };
        let work_dir = at("op").display().to_string();
        let header = OperationHeader { operation_id: "o.1".into(), work_dir, ..Default::default() };
        let mut request = Request::CreateTargetImage(CreateTargetImageRequest {
            header: Some(header),
            base_image: Some(image(&[at("disk"), at("lost")])),
            ..Default::default()
        });
        let workspace = Workspace::new(&at("work"), "x");
        let mut lent = Lent::default();
        lent.everything(&workspace, &mut request).unwrap();
        let Request::CreateTargetImage(seen) = request else { panic!() };
        let header = seen.header.unwrap();
        assert_eq!(header.work_dir, at("work/x/work/o.1").display().to_string());
        let inputs: Vec<_> =
            seen.base_image.unwrap().artifacts.into_iter().map(|a| a.path).collect();
        assert_eq!(inputs[0], at("work/x/inputs/o.1/0-disk").display().to_string());
        assert_eq!(inputs[1], at("lost").display().to_string());
        assert_eq!(fs::read_to_string(&inputs[0]).unwrap(), "base");
        // What the plugin writes is where the factory looks for it.
        fs::write(Path::new(&header.work_dir).join("new"), "made").unwrap();
        assert_eq!(fs::read_to_string(at("op/new")).unwrap(), "made");
        drop(lent);
        assert!(at("op").symlink_metadata().unwrap().is_dir());
        assert_eq!(fs::read_to_string(at("op/new")).unwrap(), "made");
        assert!(!Path::new(&inputs[0]).exists() && at("disk").exists());
        workspace.remove();
        assert!(!at("work/x").exists());
    }
}
