//! Lists of images, page by page: what is shown is never in memory as a whole.

use super::error::Error;
use super::session::Client;
use factory_proto::factory_v1 as v1;

/// Walks over the pages of a list.
pub(super) struct Pages {
    client: Client,
    /// `None` after the last page.
    next: Option<v1::ListImagesRequest>,
}

impl Pages {
    /// Asks for what a request asks for, from its first page on.
    pub(super) fn new(client: Client, request: v1::ListImagesRequest) -> Self {
        Self { client, next: Some(request) }
    }

    /// Answers the next page; `None` at the end. A page may be empty.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<v1::Image>>, Error> {
        let Some(request) = self.next.take() else { return Ok(None) };
        let page = self.client.list_images(request.clone()).await?.into_inner();
        let page_token = page.next_page_token;
        self.next =
            (!page_token.is_empty()).then_some(v1::ListImagesRequest { page_token, ..request });
        Ok(Some(page.images))
    }

    /// Answers all images at once, without their long texts.
    pub(super) async fn all(mut self) -> Result<Vec<v1::Image>, Error> {
        let mut all = Vec::new();
        while let Some(images) = self.next().await? {
            let short = |image| v1::Image {
                template_xml: String::new(),
                icicle_xml: String::new(),
                ..image
            };
            all.extend(images.into_iter().map(short));
        }
        Ok(all)
    }
}
