//! Documents and snapshots of a log that was restored to an earlier position: what they were
//! made of beyond it is no more, and its positions are given anew.
//!
//! The log says when that happened, with a random mark. A store that remembers the mark (as it
//! remembers a forgotten key, though nothing was ever sealed under it) was there; one that
//! does not may hold what is no more, however far the log has come since.

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::documents::BuildState;
use crate::error::{Error, ErrorKind, Result};
use crate::house::{Oubliette, system_event};
use crate::ids::{ErasureId, FOUNDING, KeyId, Position, StreamId, Version};
use crate::log::{Batch, Expect, Query, Select};
use crate::projector::ErasedKeys;

/// The event that says that the log was restored.
const RESTORED: &str = "Restored";

/// When and to where a log was restored.
#[derive(Serialize, Deserialize)]
struct Restoration {
    /// The log's head then.
    until: Position,
    mark: KeyId,
    at: Timestamp,
}

impl Restoration {
    /// What a store is told, to remember it.
    fn mark(&self) -> ErasedKeys {
        ErasedKeys { erasure: ErasureId::from_bytes(*self.mark.as_bytes()), keys: vec![self.mark] }
    }
}

impl Oubliette {
    /// Takes away what was made of events beyond a position.
    pub(super) async fn drop_beyond(&self, head: Position) -> Result<()> {
        if let Some(documents) = &self.documents {
            for build in documents.builds().await? {
                if build.state != BuildState::Ended && build.position > head {
                    documents.end(build.id).await?;
                }
            }
        }
        if let Some(snapshots) = &self.snapshots {
            snapshots.drop_beyond(head).await?;
        }
        Ok(())
    }

    /// Says in the log that it was restored, for stores that are not here now. Those that are
    /// have caught up with it.
    pub(super) async fn note_restoration(&self, until: Position) -> Result<()> {
        let restoration = Restoration { until, mark: KeyId::random()?, at: Timestamp::now() };
        self.remember(&restoration.mark()).await?;
        let event = system_event(RESTORED, json!(restoration))?;
        self.log.append(Batch::one(StreamId::new(FOUNDING)?, Expect::Any, vec![event])).await?;
        Ok(())
    }

    /// Lets stores that were not there when the log was restored start anew.
    pub(super) async fn catch_up_with_restoration(&self) -> Result<()> {
        let Some(restoration) = self.restoration().await? else { return Ok(()) };
        let mark = restoration.mark();
        if let Some(documents) = &self.documents
            && !documents.remembers(&mark.keys).await?
        {
            for build in documents.builds().await? {
                if build.state != BuildState::Ended && build.begun_at < restoration.at {
                    documents.end(build.id).await?;
                }
            }
            documents.forget(&mark).await?;
        }
        if let Some(snapshots) = &self.snapshots
            && !snapshots.remembers(&mark.keys).await?
        {
            snapshots.drop_beyond(restoration.until).await?;
            snapshots.forget(&mark).await?;
        }
        Ok(())
    }

    /// The last time that the log was restored, if it ever was.
    async fn restoration(&self) -> Result<Option<Restoration>> {
        let stream = StreamId::new(FOUNDING)?;
        let last = self.log.version(&stream).await?;
        if last.0 < 2 {
            return Ok(None);
        }
        let query = Query::select(Select::Stream(stream, Version(last.0 - 1)));
        let page = self.log.read(query).try_next().await?;
        let event = page.into_iter().flatten().next();
        let restoration = event.map(|event| serde_json::from_slice(&event.envelope.open)).transpose();
        restoration.map_err(|_| {
            Error::new(
                ErrorKind::Corrupt,
                "build",
                "the event that says when the log was restored cannot be read: restore the log",
            )
        })
    }
}
