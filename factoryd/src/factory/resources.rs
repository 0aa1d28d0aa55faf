//! What images have outside this machine, and what is left over of them.

use super::{Error, Factory, LedgerEntry, LedgerFilter, ReapRequest, sensitive};

impl Factory {
    /// Lists what is outside this machine, oldest first.
    ///
    /// # Errors
    /// If there is no such image, or the store fails.
    pub async fn resources(&self, filter: &LedgerFilter) -> Result<Vec<LedgerEntry>, Error> {
        if let Some(image) = &filter.image {
            self.image(image).await?;
        }
        Ok(self.store.ledger(filter).await?)
    }

    /// Tries to settle what is left over now rather than later, and answers it as it is before. Credentials that are given
    /// are used until all of their image is settled, or this process ends.
    ///
    /// # Errors
    /// If something that is named is not there, or is not left over, or a secret is not there.
    pub async fn reap(&self, request: ReapRequest) -> Result<Vec<LedgerEntry>, Error> {
        let credentials = sensitive::read(request.credentials, || "credentials".to_owned())?;
        self.credentials(&credentials)?;
        let filter = LedgerFilter {
            image: request.image,
            numbers: request.numbers.clone(),
            kept: !request.numbers.is_empty(),
        };
        let mut entries = self.resources(&filter).await?;
        let is_there = |number: &u64| entries.iter().any(|entry| entry.number == *number);
        if let Some(missing) = request.numbers.iter().find(|number| !is_there(number)) {
            return Err(Error::NoResource(*missing));
        }
        if request.numbers.is_empty() {
            entries.retain(|entry| !entry.busy);
        }
        if let Some(entry) = entries.iter().find(|entry| entry.busy || entry.kept) {
            let (number, image) = (entry.number, entry.image.clone());
            return Err(Error::NotLeftOver { number, image, kept: entry.kept });
        }
        self.reaper.reap(&entries, &credentials).await?;
        Ok(entries)
    }
}
