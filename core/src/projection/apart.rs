//! A build that is fed apart from the one that answers: to check, or to see the past.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::feed::{Until, feed};
use super::view::View;
use super::{Projection, run, stands_still};
use crate::documents::{BuildState, Fault, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{BuildId, DocumentKey, Position};
use crate::projector::{ErasedKeys, Forgotten, Page, Projector};

/// Which documents are changed.
pub(super) type Wanted = Arc<dyn Fn(&DocumentKey) -> bool + Send + Sync>;

/// What a crash leaves of such a build is taken away by a later one, after so long.
const LEFT_OVER: SignedDuration = SignedDuration::from_hours(24);

pub(super) struct Apart<V: View> {
    pub(super) projection: Projection<V>,
    pub(super) build: BuildId,
    wanted: Wanted,
    /// Events that the same version of the view was let pass over, knowingly.
    skipped: Vec<Position>,
}

impl<V: View> Apart<V> {
    /// Begins a build beside the others.
    pub(super) async fn begin(projection: &Projection<V>, role: Role) -> Result<Self> {
        let documents = projection.documents();
        let now = Timestamp::now();
        let builds = projection.builds().await?;
        let same = builds.iter().filter(|build| build.version == projection.version());
        let mut skipped: Vec<Position> = same.flat_map(|build| build.skipped.iter().copied()).collect();
        skipped.sort_unstable();
        let fed = *projection.shared.build.lock().await;
        for old in builds {
            // One of another version is what another program builds.
            let apart = old.role == Role::Scratch || old.version == projection.version();
            let unused = old.state == BuildState::Building && Some(old.id) != fed && apart;
            if unused && now.duration_since(old.begun_at) > LEFT_OVER {
                documents.end(old.id).await?;
            }
        }
        let build = documents.begin(&projection.shared.name, projection.version(), role).await?;
        Ok(Self { projection: projection.clone(), build, wanted: Arc::new(|_| true), skipped })
    }

    /// The same build, in which only some documents are changed.
    pub(super) fn only(&self, wanted: Wanted) -> Self {
        let (projection, skipped) = (self.projection.clone(), self.skipped.clone());
        Self { projection, build: self.build, wanted, skipped }
    }

    /// Feeds it up to a point.
    ///
    /// # Errors
    /// `Incomplete` when the view cannot apply an event; `Unavailable`.
    pub(super) async fn feed(&self, until: Until) -> Result<()> {
        let house = self.projection.house();
        loop {
            match feed(house, self, until).await? {
                None => return Ok(()),
                Some(fault) if self.skipped.binary_search(&fault.position).is_ok() => {
                    run::skip(house, self, fault.position).await?;
                }
                Some(fault) => return Err(stands_still(&self.projection.shared.name, &fault)),
            }
        }
    }

    /// Feeds it up to a position, and not beyond.
    pub(super) async fn feed_to(&self, position: Position) -> Result<()> {
        self.feed(Until { position: Some(position), time: None }).await
    }

    pub(super) async fn end(&self) -> Result<()> {
        self.projection.documents().end(self.build).await
    }
}

#[async_trait]
impl<V: View> Projector for Apart<V> {
    fn name(&self) -> &str {
        self.projection.name()
    }

    fn version(&self) -> u32 {
        self.projection.version()
    }

    async fn position(&self) -> Result<Position> {
        Ok(self.projection.build(self.build).await?.position)
    }

    async fn apply(&self, page: &Page) -> Result<()> {
        self.projection.shared.runner.apply(self.build, page, self.wanted.as_ref()).await
    }

    /// It answers nobody, and so there is nothing to switch.
    async fn caught_up(&self) -> Result<()> {
        Ok(())
    }

    async fn note(&self, fault: Option<&Fault>) -> Result<()> {
        self.projection.documents().note(self.build, fault).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        self.projection.documents().forget(erased).await
    }

    async fn reset(&self) -> Result<()> {
        Err(Error::new(ErrorKind::Invalid, "reset", "a build apart is ended, and another one begun"))
    }
}

impl<V: View> fmt::Debug for Apart<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, build {}", self.projection, self.build)
    }
}
