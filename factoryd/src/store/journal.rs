//! The journal: the steps of the work on images, written in one transaction with the events that belong to them.

use super::image_row::{column, nanoseconds, time};
use super::rows::{Damage, FORMAT, Word, step_from_json, step_to_json};
use super::writer::Transaction;
use super::{Error, Store};
use crate::domain::{
    EventKind, ImageId, Interruption, StepName, StepRecord, StepResult, StepState,
};
use sqlx::sqlite::SqliteRow;
use std::time::SystemTime;

/// What becomes of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum StepChange {
    /// It begins. A step outside this machine, or one that destroys, survives a power cut from here on.
    Begin(StepName),
    /// It is done.
    Done(StepName, StepResult),
    /// It ended without success.
    Fail(StepName),
    /// It was interrupted.
    Interrupt(StepName, Interruption),
    /// A new attempt of the image is to begin: what interrupted steps is forgotten, and these are to be done again if they
    /// are done.
    Again(Vec<StepName>),
    /// The image is complete or gone: what its steps left to each other is forgotten.
    Forget,
}

impl StepChange {
    /// Tells whether it is worth the reserve on a full disk.
    pub(super) fn ends_or_deletes(&self) -> bool {
        match self {
            Self::Begin(name) => {
                matches!(name, StepName::DeleteFromProvider | StepName::RemoveBodies)
            }
            Self::Done(..) | Self::Fail(_) | Self::Interrupt(..) | Self::Forget => true,
            Self::Again(_) => false,
        }
    }

    /// Tells whether something outside the database that can't be undone follows at once.
    pub(super) fn is_outward(&self) -> bool {
        use StepName::{
            DeleteFromProvider, PushImageToProvider, RemoveBodies, SnapshotImageOnProvider,
        };
        let outward =
            [PushImageToProvider, SnapshotImageOnProvider, DeleteFromProvider, RemoveBodies];
        matches!(self, Self::Begin(name) if outward.contains(name))
    }
}

impl Store {
    /// Writes how the work on an image advances, with the events that belong to it, all or nothing; answers the cursor of
    /// the image's last event.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn advance(
        &self,
        image: &ImageId,
        steps: &[StepChange],
        events: Vec<(SystemTime, EventKind)>,
    ) -> Result<u64, Error> {
        let written = self.write(
            image,
            events,
            super::append::Beside { steps, callbacks: &[], deletion: None },
        );
        Ok(self.call("advance", written).await?.1)
    }

    /// Answers the steps that were begun of the work on an image, in their order.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn steps(&self, image: &ImageId) -> Result<Vec<StepRecord>, Error> {
        self.call("steps", self.read_steps(image)).await
    }

    async fn read_steps(&self, image: &ImageId) -> Result<Vec<StepRecord>, Error> {
        let sql = "SELECT s.* FROM steps s JOIN images i ON i.number = s.image WHERE i.id = ?";
        let rows =
            sqlx::query(sql).bind(image.as_str()).fetch_all(&mut *self.reader().await?).await;
        let rows = rows.map_err(self.failed("read the journal"))?;
        let steps = rows.iter().map(|row| self.step(row)).collect::<Result<Vec<_>, _>>();
        let mut steps = steps.map_err(|damage| self.damaged(&damage))?;
        steps.sort_by_key(|step| step.name);
        Ok(steps)
    }

    /// Answers one step of the work on an image, if it was ever begun.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn step_of(
        &self,
        image: &ImageId,
        name: StepName,
    ) -> Result<Option<StepRecord>, Error> {
        self.call("step_of", self.read_step(image, name)).await
    }

    async fn read_step(
        &self,
        image: &ImageId,
        name: StepName,
    ) -> Result<Option<StepRecord>, Error> {
        let sql = "SELECT s.* FROM steps s JOIN images i ON i.number = s.image
                   WHERE i.id = ? AND s.name = ?";
        let row = sqlx::query(sql).bind(image.as_str()).bind(name.as_str());
        let row = row.fetch_optional(&mut *self.reader().await?).await;
        let row = row.map_err(self.failed("read the journal"))?;
        let step = row.map(|row| self.step(&row)).transpose();
        step.map_err(|damage| self.damaged(&damage))
    }

    /// Enters what becomes of steps of the image with this number.
    pub(super) async fn enter_steps(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        changes: &[StepChange],
    ) -> Result<(), Error> {
        let now = nanoseconds(self.now());
        for change in changes {
            self.enter_step(transaction, image, change, now).await?;
        }
        Ok(())
    }

    async fn enter_step(
        &self,
        transaction: &mut Transaction<'_>,
        image: i64,
        change: &StepChange,
        now: i64,
    ) -> Result<(), Error> {
        let query = match change {
            StepChange::Begin(name) => sqlx::query(BEGIN).bind(image).bind(name.as_str()).bind(now),
            StepChange::Done(name, result) => {
                let result =
                    step_to_json(result, self.root()).map_err(|damage| self.damaged(&damage))?;
                let query = sqlx::query(DONE).bind(now).bind(FORMAT).bind(result);
                query.bind(image).bind(name.as_str())
            }
            StepChange::Fail(name) => sqlx::query(FAIL).bind(now).bind(image).bind(name.as_str()),
            StepChange::Interrupt(name, by) => {
                let sql = match by {
                    Interruption::Crash => CRASH,
                    Interruption::FactoryGone => GONE,
                };
                sqlx::query(sql).bind(now).bind(image).bind(name.as_str())
            }
            StepChange::Again(names) => {
                sqlx::query(AGAIN).bind(json(names)).bind(json(names)).bind(json(names)).bind(image)
            }
            StepChange::Forget => sqlx::query(FORGET).bind(image),
        };
        let written = query.execute(transaction.connection()).await;
        written.map(drop).map_err(self.failed("write the journal"))
    }

    fn step(&self, row: &SqliteRow) -> Result<StepRecord, Damage> {
        let format: i64 = column(row, "format")?;
        let result = if format == 0 {
            StepResult::default()
        } else {
            Damage::check_format(format)?;
            step_from_json(column(row, "result")?, self.root())?
        };
        Ok(StepRecord {
            name: StepName::read(column(row, "name")?)?,
            state: StepState::read(column(row, "state")?)?,
            tries: column(row, "tries")?,
            crashes: column(row, "crashes")?,
            interruptions: column(row, "interruptions")?,
            begun: time(column(row, "begun")?),
            ended: column::<Option<i64>>(row, "ended")?.map(time),
            result,
        })
    }
}

const BEGIN: &str = "INSERT INTO steps (image, name, state, tries, begun) VALUES (?, ?, 'begun', 1, ?)
    ON CONFLICT DO UPDATE SET state = 'begun', tries = tries + 1, begun = excluded.begun, ended = NULL,
        format = 0, result = ''";
const DONE: &str = "UPDATE steps SET state = 'done', ended = ?, format = ?, result = ? WHERE image = ? AND name = ?";
const FAIL: &str = "UPDATE steps SET state = 'failed', ended = ? WHERE image = ? AND name = ?";
const CRASH: &str = "UPDATE steps SET state = 'interrupted', ended = ?, crashes = crashes + 1
    WHERE image = ? AND name = ?";
const GONE: &str =
    "UPDATE steps SET state = 'interrupted', ended = ?, interruptions = interruptions + 1
    WHERE image = ? AND name = ?";
const AGAIN: &str = "UPDATE steps SET crashes = 0, interruptions = 0,
        state = iif(name IN (SELECT value FROM json_each(?)) AND state = 'done', 'waiting', state),
        format = iif(name IN (SELECT value FROM json_each(?)), 0, format),
        result = iif(name IN (SELECT value FROM json_each(?)), '', result)
    WHERE image = ?";
const FORGET: &str = "UPDATE steps SET format = 0, result = '' WHERE image = ? AND format <> 0";

fn json(names: &[StepName]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    serde_json::to_string(&names).unwrap_or_default()
}
