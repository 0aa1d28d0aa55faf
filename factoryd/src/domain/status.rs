//! The life of an image.

use std::fmt;

/// Where an image is in its life. The names are Image Factory's.
///
/// ```text
/// New ─► Pending ─► Building ─► Complete ─┐
///  │      │  ▲          │          ▼      ├─► Deleting ─► Deleted
///  └──────┴──┼──────────┴────► Failed ────┘      │  ▲
///            └── retry ─────────┘                ▼  │
///                                           DeleteFailed
/// ```
///
/// A complete image fails when its files turn out to be damaged or gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Recorded.
    New,
    /// Waiting for its parent or for a free place.
    Pending,
    /// Being worked on.
    Building,
    /// Done.
    Complete,
    /// Ended without success, or is good for nothing any more; can be tried again.
    Failed,
    /// Being deleted.
    Deleting,
    /// Gone; only its record is left.
    Deleted,
    /// Could not be deleted; can be tried again.
    DeleteFailed,
}

/// A step that the diagram of [`Status`] does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an image that is {from} can't become {to}")]
pub struct IllegalTransition {
    /// Where the image is.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
}

impl Status {
    /// Every status, in the order of the diagram.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Pending,
        Self::Building,
        Self::Complete,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
        Self::DeleteFailed,
    ];

    /// Moves along one edge of the diagram.
    ///
    /// # Errors
    /// If the diagram has no such edge.
    pub fn become_(self, to: Self) -> Result<Self, IllegalTransition> {
        use Status::*;
        match (self, to) {
            (New, Pending | Failed)
            | (Pending, Building | Failed)
            | (Building, Complete | Failed)
            | (Complete, Failed)
            | (Failed, Pending)
            | (Complete | Failed | DeleteFailed, Deleting)
            | (Deleting, Deleted | DeleteFailed) => Ok(to),
            (from, to) => Err(IllegalTransition { from, to }),
        }
    }

    /// Tells whether a build is over: nothing will happen to the image by itself.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Deleted | Self::DeleteFailed)
    }

    /// Answers Image Factory's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Pending => "PENDING",
            Self::Building => "BUILDING",
            Self::Complete => "COMPLETE",
            Self::Failed => "FAILED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
            Self::DeleteFailed => "DELETEFAILED",
        }
    }

    /// Reads Image Factory's word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_edges_of_the_diagram_exist() {
        use Status::*;
        let edges = [
            (New, Pending),
            (New, Failed),
            (Pending, Building),
            (Pending, Failed),
            (Building, Complete),
            (Building, Failed),
            (Complete, Failed),
            (Failed, Pending),
            (Complete, Deleting),
            (Failed, Deleting),
            (DeleteFailed, Deleting),
            (Deleting, Deleted),
            (Deleting, DeleteFailed),
        ];
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(from.become_(to).is_ok(), edges.contains(&(from, to)), "{from} → {to}");
            }
        }
    }

    #[test]
    fn words_survive_writing_and_reading() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
