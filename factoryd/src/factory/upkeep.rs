//! Looking after the store.

use super::{DeleteRequest, Error, Factory, ImageFilter, Page};
use crate::domain::{Image, ImageId, Parameters, Pruned, RetentionRule, Secret};
use crate::store::{CheckOptions, Checked};

/// How many images are read at once.
const PAGE: usize = 500;

impl Factory {
    /// Looks whether all that is recorded is there and whole, and nothing else.
    ///
    /// # Errors
    /// If something can't be looked at, or can't be put right.
    pub async fn check_store(&self, options: CheckOptions) -> Result<Checked, Error> {
        Ok(self.store.check(options).await?)
    }

    /// Begins the deletion of all images that a rule takes, and answers them; with `dry_run`, only answers them. One that has
    /// come to be needed meanwhile is left out.
    ///
    /// # Errors
    /// If the store fails; some deletions may have begun.
    pub async fn prune(&self, rule: &RetentionRule, dry_run: bool) -> Result<Vec<Pruned>, Error> {
        let chosen = rule.select(&self.every_image().await?, self.store.now());
        if dry_run {
            return Ok(chosen);
        }
        let mut pruned = Vec::new();
        for one in chosen {
            match self.delete(deletion(&one.image.id)).await {
                Ok(_) => pruned.push(one),
                Err(Error::HasChildren { .. } | Error::Status { .. } | Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(pruned)
    }

    /// Answers all images that are not deleted, without their long texts.
    async fn every_image(&self) -> Result<Vec<Image>, Error> {
        let mut images: Vec<Image> = Vec::new();
        let mut page = Page { limit: Some(PAGE), ..Page::default() };
        loop {
            let listed = self.store.images(&ImageFilter::default(), &page).await?;
            let without_texts =
                |image| Image { template_xml: String::new(), icicle_xml: None, ..image };
            images.extend(listed.items.into_iter().map(without_texts));
            match images.last() {
                Some(last) if listed.more => page.after = Some(last.id.clone()),
                _ => return Ok(images),
            }
        }
    }
}

fn deletion(id: &ImageId) -> DeleteRequest {
    DeleteRequest {
        id: id.clone(),
        provider: None,
        credentials: Secret::new(""),
        parameters: Parameters::default(),
        cascade: false,
        force: false,
    }
}
